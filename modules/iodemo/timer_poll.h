/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The poller, which a kernel without CONFIG_IRQ_POLL can't have
 */
#ifndef _IODEMO_TIMER_POLL_H
#define _IODEMO_TIMER_POLL_H

#include "timer_hardware.h"

#ifdef CONFIG_IRQ_POLL
void iodemo_timer_poll_init(struct iodemo_timer *timer);
void iodemo_timer_poll_sched(struct iodemo_timer *timer);
bool iodemo_timer_poll_begin(struct iodemo_timer *timer);
bool iodemo_timer_poll_cancel(struct iodemo_timer *timer);
int iodemo_timer_poll_wait(struct iodemo_timer *timer);
void iodemo_timer_poll_sync(struct iodemo_timer *timer);
#else
static inline void iodemo_timer_poll_init(struct iodemo_timer *timer)
{
}

static inline void iodemo_timer_poll_sched(struct iodemo_timer *timer)
{
}

static inline bool iodemo_timer_poll_begin(struct iodemo_timer *timer)
{
	return false;
}

static inline bool iodemo_timer_poll_cancel(struct iodemo_timer *timer)
{
	return false;
}

static inline int iodemo_timer_poll_wait(struct iodemo_timer *timer)
{
	return 0;
}

static inline void iodemo_timer_poll_sync(struct iodemo_timer *timer)
{
}
#endif

#endif /* _IODEMO_TIMER_POLL_H */
