/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows kernel versions: what newer kernels have, for
 * older ones, under the newest kernel's name.
 */
#ifndef _IODEMO_VIRTIO_COMPAT_H
#define _IODEMO_VIRTIO_COMPAT_H

#include <linux/version.h>
#include <linux/virtio_config.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define COMPAT_QUEUES_MAX	2

struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
};

static inline int compat_find_vqs(struct virtio_device *vdev, unsigned int count,
				  struct virtqueue *vqs[], struct virtqueue_info infos[],
				  struct irq_affinity *affinity)
{
	vq_callback_t *callbacks[COMPAT_QUEUES_MAX];
	const char *names[COMPAT_QUEUES_MAX];

	if (count > COMPAT_QUEUES_MAX)
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++) {
		callbacks[i] = infos[i].callback;
		names[i] = infos[i].name;
	}
	return virtio_find_vqs(vdev, count, vqs, callbacks, names, affinity);
}

#define virtio_find_vqs(...)	compat_find_vqs(__VA_ARGS__)
#endif

#endif /* _IODEMO_VIRTIO_COMPAT_H */
