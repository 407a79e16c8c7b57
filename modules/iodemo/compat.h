/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows kernel versions: what newer kernels have, for
 * older ones, under the newest kernel's name.
 */
#ifndef _IODEMO_COMPAT_H
#define _IODEMO_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

#endif /* _IODEMO_COMPAT_H */
