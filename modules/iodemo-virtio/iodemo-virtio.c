// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes from outside: a virtio console of one port, that is one queue to receive and
 * one to transmit
 *
 * What the host writes comes as records, one for each buffer that it has filled, and
 * what programs write goes to the host, one buffer a record. To both sides it is a
 * stream of bytes: where a record ends means nothing.
 *
 * The buffers that the host may fill are posted ahead, always. They are taken, and
 * posted again, while a file is open for reading and the ring has room; else they stay
 * full, then the host has none, and it has to wait. So nothing is lost that comes in.
 *
 * All the work with the queues is one work item's, as one poller's in a network
 * driver: the interrupts mask themselves and start it. So there is no lock. It stands
 * still while the machine sleeps.
 */

#include <linux/idr.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "source.h"

#define BUFFERS			64	/* each way, and at a time; less if a queue is shorter */
#define LOOK_AGAIN_MIN_MS	1	/* for room: see iodemo_device_room() */
#define LOOK_AGAIN_MAX_MS	10

/* A cache line of its own: the device writes there, or reads, while it has it. */
struct buffer {
	struct iodemo_payload payload;
	struct list_head entry;
} ____cacheline_aligned;

/**
 * struct port - one device of virtio's
 * @source: the same, to the core
 * @vdev: the same, to its bus
 * @rx: of these the host fills the buffers, and
 * @tx: of these it sends the contents
 * @work: all that is done with the queues, and with what follows
 * @filled: received before the machine slept, and not yet taken, in order
 * @idle: buffers for @tx that are not in it
 * @look_again_ms: after how long, if there is no room
 * @index: of our devices
 * @pulls: interrupts that nobody has counted yet
 * @open: a file is open; without, nothing is received
 * @buffers: all of them, those for @rx first
 */
struct port {
	struct iodemo_source source;
	struct virtio_device *vdev;
	struct virtqueue *rx;
	struct virtqueue *tx;
	struct delayed_work work;
	struct list_head filled;
	struct list_head idle;
	unsigned int look_again_ms;
	int index;
	atomic_t pulls;
	bool open;
	struct buffer buffers[2 * BUFFERS];
};

static DEFINE_IDA(indexes);

/* Now, if it waits; once more, if it is under way. In any context. */
static void begin_work(struct port *port)
{
	mod_delayed_work(system_freezable_wq, &port->work, 0);
}

/* What comes from outside ------------------------------------------------- */

/* The host may fill it. */
static void post(struct port *port, struct buffer *buffer)
{
	struct scatterlist sg;

	sg_init_one(&sg, buffer->payload.data, IODEMO_DATA_SIZE);
	virtqueue_add_inbuf(port->rx, &sg, 1, buffer, GFP_KERNEL);
}

/* The next one that the host has filled; NULL if there is none. */
static struct buffer *get_filled(struct port *port)
{
	struct buffer *buffer;
	unsigned int len;

	buffer = virtqueue_get_buf(port->rx, &len);
	if (!buffer)
		return NULL;
	buffer->payload.len = min_t(unsigned int, len, IODEMO_DATA_SIZE);
	/* A record is zero behind its data, whatever the host may have put there. */
	memset(buffer->payload.data + buffer->payload.len, 0,
	       IODEMO_DATA_SIZE - buffer->payload.len);
	return buffer;
}

/* Likewise; and those come first which are older. */
static struct buffer *next_filled(struct port *port)
{
	struct buffer *buffer = list_first_entry_or_null(&port->filled, struct buffer, entry);

	if (!buffer)
		return get_filled(port);
	list_del_init(&buffer->entry);
	return buffer;
}

static void receive(struct port *port, struct buffer *buffer, u64 now)
{
	const struct iodemo_payload *payload = &buffer->payload;

	if (payload->len)
		iodemo_device_receive(port->source.dev, now, IODEMO_TYPE_RECEIVED,
				      payload->data, payload->len);
	post(port, buffer);
}

/*
 * As many as there is room for, and not too many at a time. Return: how many; and are
 * there @more? If not, the next makes an interrupt.
 */
static unsigned int receive_some(struct port *port, u64 now, bool *more)
{
	unsigned int room = min_t(u32, iodemo_device_room(port->source.dev), BUFFERS);
	unsigned int received = 0;
	struct buffer *buffer;

	do {
		virtqueue_disable_cb(port->rx);
		for (; received < room; received++) {
			buffer = next_filled(port);
			if (!buffer)
				break;
			receive(port, buffer, now);
		}
		/* One may have come before interrupts were on again: this looks once more. */
		*more = !list_empty(&port->filled) || !virtqueue_enable_cb(port->rx);
	} while (*more && received < room);
	if (*more)
		virtqueue_disable_cb(port->rx);
	if (received)
		virtqueue_kick(port->rx);
	return received;
}

/* What goes out ----------------------------------------------------------- */

static void send(struct port *port, struct buffer *buffer)
{
	struct scatterlist sg;

	sg_init_one(&sg, buffer->payload.data, buffer->payload.len);
	virtqueue_add_outbuf(port->tx, &sg, 1, buffer, GFP_KERNEL);
}

/* As long as there are buffers, and not too many at a time. Return: how many. */
static unsigned int send_some(struct port *port)
{
	struct buffer *buffer;
	unsigned int sent = 0;
	unsigned int len;

	do {
		virtqueue_disable_cb(port->tx);
		while ((buffer = virtqueue_get_buf(port->tx, &len)))
			list_add(&buffer->entry, &port->idle);
		while (sent < BUFFERS &&
		       (buffer = list_first_entry_or_null(&port->idle, struct buffer, entry)) &&
		       iodemo_device_take(port->source.dev, &buffer->payload)) {
			sent++;
			if (!buffer->payload.len)	/* an empty line */
				continue;
			list_del(&buffer->entry);
			send(port, buffer);
		}
		/* Only who has no buffer left has to hear that one is done. */
	} while (sent < BUFFERS && list_empty(&port->idle) && !virtqueue_enable_cb(port->tx));
	if (sent)
		virtqueue_kick(port->tx);
	return sent;
}

/* Both -------------------------------------------------------------------- */

static void count_interrupts(struct port *port, u64 now)
{
	unsigned int pulls = atomic_xchg(&port->pulls, 0);

	if (!pulls)
		return;
	WRITE_ONCE(port->source.interrupts, port->source.interrupts + pulls);
	iodemo_device_interrupt(port->source.dev, pulls, now);
}

static void serve(struct work_struct *work)
{
	struct port *port = container_of(work, struct port, work.work);
	unsigned int received = 0, sent;
	u64 now = ktime_get_ns();
	bool more = false;

	if (!port->rx)		/* they could not be made again */
		return;
	count_interrupts(port, now);
	if (READ_ONCE(port->open))
		received = receive_some(port, now, &more);
	sent = send_some(port);
	if (received || sent)
		iodemo_device_wake(port->source.dev);

	if (received)
		port->look_again_ms = LOOK_AGAIN_MIN_MS;
	if (received == BUFFERS || sent == BUFFERS) {
		begin_work(port);
	} else if (more) {
		/* Unless somebody has begun it meanwhile */
		queue_delayed_work(system_freezable_wq, &port->work,
				   msecs_to_jiffies(port->look_again_ms));
		port->look_again_ms = min(2 * port->look_again_ms, LOOK_AGAIN_MAX_MS);
	}
}

/* In hard interrupt context, each; one of one queue can overlap one of the other. */

/* Masked first: who opens the device just now finds what is there, or we see him. */
static void rx_interrupt(struct virtqueue *rx)
{
	struct port *port = rx->vdev->priv;

	virtqueue_disable_cb(rx);
	atomic_inc(&port->pulls);
	if (READ_ONCE(port->open))
		begin_work(port);
}

static void tx_interrupt(struct virtqueue *tx)
{
	struct port *port = tx->vdev->priv;

	virtqueue_disable_cb(tx);
	atomic_inc(&port->pulls);
	begin_work(port);
}

/* What the core calls ----------------------------------------------------- */

static struct port *port_of(struct iodemo_source *source)
{
	return container_of(source, struct port, source);
}

static void port_start(struct iodemo_source *source)
{
	WRITE_ONCE(port_of(source)->open, true);
	begin_work(port_of(source));
}

/* What was written is sent, even so. */
static void port_stop(struct iodemo_source *source)
{
	WRITE_ONCE(port_of(source)->open, false);
}

static void port_send(struct iodemo_source *source)
{
	begin_work(port_of(source));
}

/* A broken queue is an empty one, and makes no interrupts, but one may be on its way. */
static void port_shutdown(struct iodemo_source *source)
{
	struct port *port = port_of(source);

	virtio_break_device(port->vdev);
	cancel_delayed_work_sync(&port->work);
	virtio_reset_device(port->vdev);
	cancel_delayed_work_sync(&port->work);
}

static const struct iodemo_source_ops port_ops = {
	.name = "virtio",
	.node = "iodemo-virtio",
	.start = port_start,
	.stop = port_stop,
	.shutdown = port_shutdown,
	.send = port_send,
};

/* Life -------------------------------------------------------------------- */

/* The queues, with the buffers to receive in the one, and those to send beside the other. */
static int make_queues(struct port *port)
{
	struct virtqueue_info infos[] = {
		{ .name = "input", .callback = rx_interrupt },
		{ .name = "output", .callback = tx_interrupt },
	};
	struct virtqueue *queues[ARRAY_SIZE(infos)];
	int err;

	err = virtio_find_vqs(port->vdev, ARRAY_SIZE(queues), queues, infos, NULL);
	if (err)
		return err;
	port->rx = queues[0];
	port->tx = queues[1];
	INIT_LIST_HEAD(&port->idle);
	for (int i = BUFFERS; i < 2 * BUFFERS && i < BUFFERS + port->tx->num_free; i++)
		list_add(&port->buffers[i].entry, &port->idle);
	for (int i = 0; i < BUFFERS && port->rx->num_free; i++) {
		if (list_empty(&port->buffers[i].entry))	/* not in @filled */
			post(port, &port->buffers[i]);
	}
	return 0;
}

/* The device is reset: what it has been given is ours again. */
static void drop_queues(struct port *port)
{
	if (!port->rx)
		return;
	while (virtqueue_detach_unused_buf(port->rx))
		;
	while (virtqueue_detach_unused_buf(port->tx))
		;
	port->vdev->config->del_vqs(port->vdev);
	port->rx = NULL;
	port->tx = NULL;
}

/* With several ports it wants a conversation on a control queue, which is not ours. */
static int port_validate(struct virtio_device *vdev)
{
	if (!virtio_has_feature(vdev, VIRTIO_CONSOLE_F_MULTIPORT))
		return 0;
	dev_info(&vdev->dev, "has several ports, and is none for us (QEMU: max_ports=1)\n");
	return -ENODEV;
}

static int port_probe(struct virtio_device *vdev)
{
	struct port *port = kzalloc(sizeof(*port), GFP_KERNEL);
	int err;

	if (!port)
		return -ENOMEM;
	vdev->priv = port;
	port->vdev = vdev;
	port->source.ops = &port_ops;
	port->source.flags = IODEMO_INFO_WAITS;
	port->look_again_ms = LOOK_AGAIN_MIN_MS;
	INIT_LIST_HEAD(&port->filled);
	for (int i = 0; i < BUFFERS; i++)
		INIT_LIST_HEAD(&port->buffers[i].entry);
	INIT_DELAYED_WORK(&port->work, serve);

	port->index = ida_alloc_max(&indexes, IODEMO_DEVICES_MAX - 1, GFP_KERNEL);
	if (port->index < 0) {
		err = port->index;
		goto err_free;
	}
	err = make_queues(port);
	if (err)
		goto err_index;
	/* Nobody has it open yet, so what is received from now on waits. */
	virtio_device_ready(vdev);
	virtqueue_kick(port->rx);
	err = iodemo_device_plug(&port->source, &vdev->dev, port->index, NULL);
	if (err)
		goto err_queues;
	return 0;

err_queues:
	virtio_reset_device(vdev);
	drop_queues(port);
err_index:
	ida_free(&indexes, port->index);
err_free:
	kfree(port);
	return err;
}

static void port_remove(struct virtio_device *vdev)
{
	struct port *port = vdev->priv;

	iodemo_device_unplug(&port->source);
	drop_queues(port);
	ida_free(&indexes, port->index);
	kfree(port);
}

/*
 * The machine sleeps, and the work item does so already. The host forgets the queues:
 * what it has filled is kept, and what it has not yet sent is lost.
 */
static int __maybe_unused port_freeze(struct virtio_device *vdev)
{
	struct port *port = vdev->priv;
	struct buffer *buffer;

	virtio_reset_device(vdev);
	while (port->rx && (buffer = get_filled(port)))
		list_add_tail(&buffer->entry, &port->filled);
	drop_queues(port);
	return 0;
}

static int __maybe_unused port_restore(struct virtio_device *vdev)
{
	struct port *port = vdev->priv;
	int err = make_queues(port);

	if (err)
		return err;
	virtio_device_ready(vdev);
	virtqueue_kick(port->rx);
	begin_work(port);
	return 0;
}

static const unsigned int features[] = { VIRTIO_CONSOLE_F_MULTIPORT };
static const struct virtio_device_id ids[] = { { VIRTIO_ID_CONSOLE, VIRTIO_DEV_ANY_ID }, { } };

/*
 * No MODULE_DEVICE_TABLE(): the device of most machines is their console. Who wants it
 * to be ours loads us, after virtio_console was unbound from it (docs/virtio.md).
 */
static struct virtio_driver port_driver = {
	.driver.name = "iodemo-virtio",
	.driver.owner = THIS_MODULE,
	.id_table = ids,
	.feature_table = features,
	.feature_table_size = ARRAY_SIZE(features),
	.validate = port_validate,
	.probe = port_probe,
	.remove = port_remove,
	.freeze = pm_sleep_ptr(port_freeze),
	.restore = pm_sleep_ptr(port_restore),
};
module_virtio_driver(port_driver);

MODULE_DESCRIPTION("A source of iodemo's: bytes from outside of a virtual machine");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, IODEMO_NAMESPACE);
