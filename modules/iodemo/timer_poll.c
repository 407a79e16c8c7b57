// SPDX-License-Identifier: GPL-2.0-only
/*
 * The poller: takes what the hardware has made, a bounded budget at a time
 *
 * As network drivers do it, on the kernel's irq_poll: in softirq context, and in the
 * thread ksoftirqd when that becomes too much, which shares the processor with the
 * programs. With service=hybrid the first interrupt masks the line and begins it, and
 * when the hardware has no more, the line is unmasked: a quiet device interrupts at
 * once, and a busy one doesn't interrupt. With service=polling a clock begins it.
 */

#include "timer_poll.h"

#define BUDGET	64	/* records of one poll */

/* One record of the period that is under way. Return: was there one? */
static bool take_of_period(struct iodemo_timer *timer)
{
	struct iodemo_timer_poll *poll = &timer->poll;

	if (poll->samples) {
		poll->samples--;
		iodemo_timer_sample(timer, poll->timestamp);
		return true;
	}
	if (poll->echoes && iodemo_timer_echo(timer, poll->timestamp)) {
		poll->echoes--;
		return true;
	}
	poll->echoes = 0;
	return false;
}

/* Or of the next. */
static bool take_record(struct iodemo_timer *timer)
{
	struct iodemo_timer_poll *poll = &timer->poll;
	bool more;

	while (!take_of_period(timer)) {
		raw_spin_lock_irq(&timer->lock);
		poll->done = timer->made.out;
		iodemo_timer_make(timer, ktime_get_ns());
		more = iodemo_timer_take(timer, &poll->timestamp);
		raw_spin_unlock_irq(&timer->lock);
		WRITE_ONCE(poll->under_way, more);
		if (!more)
			return false;
		poll->samples = READ_ONCE(timer->config.burst);
		poll->echoes = IODEMO_TX_DRAIN;
	}
	return true;
}

/*
 * The last look at the hardware and the unmasking are one, so that what it makes in
 * between makes an interrupt. After that we may be called on another processor, and
 * nothing of @poll is ours. If there is more, we are called again.
 *
 * Below the load at which ksoftirqd takes over, a poller that always just gets done
 * would leave nothing to others: so here, too, the wire rests.
 *
 * The timer stays on this processor, which is there. If it was idle until now, the kernel
 * would look for a busy one, and can take one that is just being switched off: there the
 * timer never expires.
 */
static void finish(struct iodemo_timer *timer, bool exhausted, u64 begin)
{
	struct iodemo_timer_poll *poll = &timer->poll;
	u64 now;

	raw_spin_lock_irq(&timer->lock);
	now = ktime_get_ns();
	iodemo_timer_make(timer, now);
	poll->work += now - begin;
	if (poll->by_hand && poll->done >= poll->by_hand) {
		poll->by_hand = 0;
		complete(&poll->taken);
	}
	if (!exhausted && !iodemo_timer_has_made(timer)) {
		u64 next = max(timer->made.due, iodemo_timer_rest(timer, poll->work, now));

		timer->held &= ~IODEMO_HELD_MASKED;
		if (timer->options.service == IODEMO_SERVICE_HYBRID && iodemo_timer_wanted(timer))
			hrtimer_start(&timer->timer, ns_to_ktime(next),
				      HRTIMER_MODE_ABS_PINNED_HARD);
		poll->work = 0;
		irq_poll_complete(&poll->irq_poll);
	}
	raw_spin_unlock_irq(&timer->lock);
}

static int poll_records(struct irq_poll *irq_poll, int budget)
{
	struct iodemo_timer *timer = container_of(irq_poll, struct iodemo_timer, poll.irq_poll);
	struct iodemo_source *source = &timer->source;
	u64 begin = ktime_get_ns();
	int taken = 0;

	while (taken < budget && take_record(timer))
		taken++;
	WRITE_ONCE(source->polls, source->polls + 1);
	if (taken == budget)
		WRITE_ONCE(source->exhausted, source->exhausted + 1);
	if (taken)
		iodemo_device_wake(source->dev);
	finish(timer, taken == budget, begin);
	return taken;
}

/* In any context. */
void iodemo_timer_poll_sched(struct iodemo_timer *timer)
{
	irq_poll_sched(&timer->poll.irq_poll);
}

/*
 * The hardware makes one more, by hand. Return: is the line to be pulled for it? If that
 * is masked, the poller is at work, and will find it.
 */
bool iodemo_timer_poll_begin(struct iodemo_timer *timer)
{
	struct iodemo_timer_poll *poll = &timer->poll;
	bool masked;

	reinit_completion(&poll->taken);
	raw_spin_lock_irq(&timer->lock);
	iodemo_timer_make_one(timer, ktime_get_ns());
	poll->by_hand = timer->made.in;
	masked = timer->held & IODEMO_HELD_MASKED;
	raw_spin_unlock_irq(&timer->lock);
	if (timer->options.service == IODEMO_SERVICE_HYBRID)
		return !masked;

	local_bh_disable();	/* it runs when they are enabled, and not later */
	iodemo_timer_poll_sched(timer);
	local_bh_enable();
	return false;
}

/*
 * The hardware takes it back. Return: was it still there? If not, the poller has it, or
 * has looked for more behind it, and will get to it.
 */
bool iodemo_timer_poll_cancel(struct iodemo_timer *timer)
{
	struct iodemo_timer_made *made = &timer->made;
	struct iodemo_timer_poll *poll = &timer->poll;
	bool cancelled;

	raw_spin_lock_irq(&timer->lock);
	cancelled = poll->by_hand == made->in && iodemo_timer_has_made(timer);
	if (cancelled) {
		poll->by_hand = 0;
		made->in--;
	}
	raw_spin_unlock_irq(&timer->lock);
	return cancelled;
}

/*
 * Until that one is taken, and told. What waits before it can be much: whoever is killed
 * leaves it to the poller, which has room for it. Return: 0, or -EINTR.
 */
int iodemo_timer_poll_wait(struct iodemo_timer *timer)
{
	struct iodemo_timer_poll *poll = &timer->poll;

	if (likely(!wait_for_completion_killable(&poll->taken)))
		return 0;
	if (!iodemo_timer_poll_cancel(timer)) {
		raw_spin_lock_irq(&timer->lock);
		poll->by_hand = 0;
		raw_spin_unlock_irq(&timer->lock);
	}
	return -EINTR;
}

/*
 * Nothing begins it any more: wait for what is under way, also for its unlocking. It has
 * taken a budget's worth, and the rest of that period is taken here: none of it comes when
 * all goes by what is set now.
 */
void iodemo_timer_poll_sync(struct iodemo_timer *timer)
{
	bool taken = false;

	irq_poll_disable(&timer->poll.irq_poll);
	while (take_of_period(timer))
		taken = true;
	if (taken)
		iodemo_device_wake(timer->source.dev);
	irq_poll_enable(&timer->poll.irq_poll);
	raw_spin_lock_irq(&timer->lock);
	raw_spin_unlock_irq(&timer->lock);
}

void iodemo_timer_poll_init(struct iodemo_timer *timer)
{
	irq_poll_init(&timer->poll.irq_poll, BUDGET, poll_records);
	init_completion(&timer->poll.taken);
}
