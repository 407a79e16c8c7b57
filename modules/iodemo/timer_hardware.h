/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulated hardware, and what those who serve it keep beside it
 */
#ifndef _IODEMO_TIMER_HARDWARE_H
#define _IODEMO_TIMER_HARDWARE_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_poll.h>
#include <linux/irq_work.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include "timer_source.h"

#define IODEMO_TX_DRAIN		4	/* records that an interrupt sends at most */
#define IODEMO_MADE_MAX		256	/* periods that the hardware keeps, if it is polled, */
#define IODEMO_MADE_RECORDS	4096	/* but of no more records */

/* What keeps the timer from running */
#define IODEMO_HELD_UNUSED	BIT(0)	/* nobody has the device open */
#define IODEMO_HELD_CONFIG	BIT(1)	/* its period changes */
#define IODEMO_HELD_SUSPENDED	BIT(2)	/* the machine sleeps, or the device goes */
#define IODEMO_HELD_MASKED	BIT(3)	/* the line is: the poller is at work */

/* The status register: bits */
#define IODEMO_BY_TIMER		0
#define IODEMO_BY_HAND		1

/**
 * struct iodemo_timer_line - an interrupt line
 * @route: an interrupt on its way to another processor
 * @on_way: how many are; one at most, but for a moment
 * @cpu: which processor handles it; -1: the one where it is pulled
 */
struct iodemo_timer_line {
	call_single_data_t route;
	atomic_t on_way;
	int cpu;
};

/**
 * struct iodemo_timer_made - what the hardware keeps until it is looked at
 * @due: when it makes the next, ns
 * @when: when it has made those that it keeps, ns; a ring
 * @in: how many it has made
 * @out: how many of them are taken
 */
struct iodemo_timer_made {
	u64 due;
	u64 when[IODEMO_MADE_MAX];
	u64 in;
	u64 out;
};

/**
 * struct iodemo_timer_poll - who takes that
 * @irq_poll: the kernel's, which calls us in softirq context, one call at a time
 * @timestamp: of the period that is being taken
 * @samples: of it, still to take
 * @echoes: likewise, at most
 * @under_way: it is not done yet
 * @work: what taking has taken since the line was masked, ns
 * @done: so many are taken, all of them
 * @by_hand: as many are when the one that TRIGGER made is; 0 if it is
 * @taken: then
 */
struct iodemo_timer_poll {
	struct irq_poll irq_poll;
	u64 timestamp;
	u32 samples;
	u32 echoes;
	bool under_way;
	u64 work;
	u64 done;
	u64 by_hand;
	struct completion taken;
};

/**
 * struct iodemo_timer - a timer that pulls an interrupt line
 * @source: what all sources have
 * @name: of the line
 * @options: what it was created with
 * @config: period and burst
 * @timer: the wire; with IODEMO_SERVICE_POLLING, the poller's clock
 * @trigger: pulls the same wire by hand
 * @status: why it was pulled, and not yet handled
 * @lock: protects @held, with the timer's start, and @made
 * @held: why it doesn't run: IODEMO_HELD_*
 * @began: when the last interrupt was handled, ns; written by the handler
 * @rest_until: no interrupt before; likewise
 * @thread_due: the irq thread was woken, and has not run yet
 * @line: that it pulls; none with IODEMO_SERVICE_POLLING
 * @made: unless each period is an interrupt
 * @poll: likewise
 */
struct iodemo_timer {
	struct iodemo_source source;
	char name[20];
	struct iodemo_timer_options options;
	struct iodemo_config config;
	struct hrtimer timer;
	struct irq_work trigger;
	unsigned long status;

	raw_spinlock_t lock;	/* hard irq */
	unsigned int held;

	u64 began;
	u64 rest_until;
	unsigned long thread_due;

	struct iodemo_timer_line line;
	struct iodemo_timer_made made;
	struct iodemo_timer_poll poll;
};

static inline u64 iodemo_timer_period(const struct iodemo_timer *timer)
{
	return (u64)READ_ONCE(timer->config.period_us) * NSEC_PER_USEC;
}

/* What it does in each period: sample, and send */
static inline void iodemo_timer_sample(struct iodemo_timer *timer, u64 timestamp)
{
	struct iodemo_device *dev = timer->source.dev;

	iodemo_device_receive(dev, timestamp, IODEMO_TYPE_SAMPLE,
			      iodemo_sample(iodemo_device_records(dev)), IODEMO_DATA_SIZE);
}

/* Return: was there something to send? */
static inline bool iodemo_timer_echo(struct iodemo_timer *timer, u64 timestamp)
{
	struct iodemo_source *source = &timer->source;
	struct iodemo_payload payload;

	if (!iodemo_device_take(source->dev, &payload))
		return false;
	iodemo_device_receive(source->dev, timestamp, IODEMO_TYPE_ECHO, payload.data, payload.len);
	WRITE_ONCE(source->echoes, source->echoes + 1);
	return true;
}

/* The rest of these with @lock */
static inline bool iodemo_timer_wanted(const struct iodemo_timer *timer)
{
	lockdep_assert_held(&timer->lock);
	return !timer->held && timer->config.period_us;
}

static inline bool iodemo_timer_has_made(const struct iodemo_timer *timer)
{
	lockdep_assert_held(&timer->lock);
	return timer->made.in != timer->made.out;
}

void iodemo_timer_make(struct iodemo_timer *timer, u64 now);
void iodemo_timer_make_one(struct iodemo_timer *timer, u64 now);
bool iodemo_timer_take(struct iodemo_timer *timer, u64 *when);
void iodemo_timer_reset(struct iodemo_timer *timer, u64 now);
u64 iodemo_timer_rest(const struct iodemo_timer *timer, u64 work, u64 end);
int iodemo_timer_line_request(struct iodemo_timer *timer, irq_handler_t handler,
			      irq_handler_t thread);
void iodemo_timer_line_free(struct iodemo_timer *timer);
void iodemo_timer_line_pull_on(struct iodemo_timer *timer, int cpu);

/*
 * In hard interrupt context. Return: does the handler see this by itself, or did the
 * one before it still wait?
 */
static inline bool iodemo_timer_line_pull(struct iodemo_timer *timer, unsigned int by)
{
	int cpu = READ_ONCE(timer->line.cpu);

	if (test_and_set_bit(by, &timer->status))
		return false;
	if (likely(cpu < 0))
		generic_handle_irq(timer->source.irq);
	else
		iodemo_timer_line_pull_on(timer, cpu);
	return true;
}

/* Wait for what was pulled: for its way, and for its handler and thread. */
static inline void iodemo_timer_line_sync(struct iodemo_timer *timer)
{
	while (unlikely(atomic_read_acquire(&timer->line.on_way)))
		cpu_relax();
	synchronize_irq(timer->source.irq);
}

#endif /* _IODEMO_TIMER_HARDWARE_H */
