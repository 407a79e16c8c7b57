// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulated hardware: a timer is the wire, a real interrupt line the bell
 *
 * When the timer expires, or TRIGGER asks for it, the "hardware" sets a bit in
 * its status register and pulls an edge-triggered line that we allocated from
 * genirq. From there on all is as with any driver: the kernel counts the
 * interrupt in /proc/interrupts and calls the handler that was registered with
 * request_threaded_irq(), in hard interrupt context, or, if the kernel was told
 * to thread all handlers (threadirqs), in a thread.
 *
 * There is an edge only when a bit changes, as with hardware: a period that ends
 * before the interrupt of the last one was handled merges with it, and is
 * counted as overrun. So whatever is asked of the timer, each call of the handler
 * does one interrupt's work. And the wire rests twice as long as that work took,
 * so that a short period with a large burst takes a third of a processor at most.
 *
 * The line is in timer_hardware.c, with what the hardware keeps where it is polled,
 * and the poller in timer_poll.c.
 */

#include <linux/device.h>
#include <linux/ktime.h>

#include "compat.h"
#include "timer_poll.h"

static struct iodemo_timer *timer_of(const struct iodemo_source *source)
{
	return container_of(source, struct iodemo_timer, source);
}

static bool polled(const struct iodemo_timer *timer)
{
	return timer->options.service != IODEMO_SERVICE_INTERRUPT;
}

static bool has_line(const struct iodemo_timer *timer)
{
	return timer->options.service != IODEMO_SERVICE_POLLING;
}

/* A callback that is under way stops by itself. */
static void hold(struct iodemo_timer *timer, unsigned int why)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	timer->held |= why;
	hrtimer_try_to_cancel(&timer->timer);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/* The wire ---------------------------------------------------------------- */

static enum hrtimer_restart timer_expired(struct hrtimer *hrtimer)
{
	struct iodemo_timer *timer = container_of(hrtimer, struct iodemo_timer, timer);
	u64 rest_until = READ_ONCE(timer->rest_until), began = READ_ONCE(timer->began);
	/* If it is just started anew, the wire is as well pulled as not. */
	bool rests = ktime_to_ns(data_race(hrtimer_get_expires(hrtimer))) < rest_until;
	bool pulled = !rests && iodemo_timer_line_pull(timer, IODEMO_BY_TIMER);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	u64 now = ktime_to_ns(hrtimer_cb_get_time(hrtimer));
	u64 last = READ_ONCE(timer->began);

	/* If the handler has run within that call */
	if (last != began)
		rest_until = iodemo_timer_rest(timer, now - last, now);

	raw_spin_lock(&timer->lock);
	if (iodemo_timer_wanted(timer) && !hrtimer_is_queued(hrtimer)) {
		u64 periods = hrtimer_forward(hrtimer, ns_to_ktime(max(now, rest_until)),
					      ns_to_ktime(iodemo_timer_period(timer)));

		WRITE_ONCE(timer->source.overruns, timer->source.overruns + periods - pulled);
		restart = HRTIMER_RESTART;
	}
	raw_spin_unlock(&timer->lock);
	return restart;
}

/* With service=hybrid: the poller starts it again. */
static enum hrtimer_restart timer_expired_once(struct hrtimer *hrtimer)
{
	iodemo_timer_line_pull(container_of(hrtimer, struct iodemo_timer, timer), IODEMO_BY_TIMER);
	return HRTIMER_NORESTART;
}

static ktime_t poll_interval(const struct iodemo_timer *timer)
{
	return ns_to_ktime((u64)timer->options.poll_us * NSEC_PER_USEC);
}

/* With service=polling: the poller's clock, if there is a period, and however long that is. */
static enum hrtimer_restart clock_expired(struct hrtimer *hrtimer)
{
	struct iodemo_timer *timer = container_of(hrtimer, struct iodemo_timer, timer);
	enum hrtimer_restart restart = HRTIMER_NORESTART;

	iodemo_timer_poll_sched(timer);
	raw_spin_lock(&timer->lock);
	if (iodemo_timer_wanted(timer) && !hrtimer_is_queued(hrtimer)) {
		hrtimer_forward_now(hrtimer, poll_interval(timer));
		restart = HRTIMER_RESTART;
	}
	raw_spin_unlock(&timer->lock);
	return restart;
}

/* One by one, and each is waited for: so this is always an edge. */
static void trigger_run(struct irq_work *work)
{
	iodemo_timer_line_pull(container_of(work, struct iodemo_timer, trigger), IODEMO_BY_HAND);
}

/* What nobody handles, since the line is dead, is taken back: -EIO. */
static int pull_by_hand(struct iodemo_timer *timer)
{
	irq_work_queue(&timer->trigger);
	irq_work_sync(&timer->trigger);
	/* If the handler was just running elsewhere, or runs in a thread */
	iodemo_timer_line_sync(timer);
	if (unlikely(test_bit(IODEMO_BY_HAND, &timer->status)) &&
	    test_and_clear_bit(IODEMO_BY_HAND, &timer->status))
		return -EIO;
	return 0;
}

static int timer_source_trigger(struct iodemo_source *source)
{
	struct iodemo_timer *timer = timer_of(source);

	if (likely(!polled(timer)))
		return pull_by_hand(timer);
	if (iodemo_timer_poll_begin(timer) && pull_by_hand(timer) &&
	    iodemo_timer_poll_cancel(timer))
		return -EIO;
	return iodemo_timer_poll_wait(timer);
}

/* The handler ------------------------------------------------------------- */

static void count_interrupt(struct iodemo_timer *timer)
{
	WRITE_ONCE(timer->source.interrupts, timer->source.interrupts + 1);
}

/* What the hardware does for one pull of the wire: sample, and send. */
static void one_interrupt(struct iodemo_timer *timer, u64 now)
{
	u32 burst = READ_ONCE(timer->config.burst);

	for (u32 i = 0; i < burst; i++)
		iodemo_timer_sample(timer, now);
	for (u32 i = 0; i < IODEMO_TX_DRAIN && iodemo_timer_echo(timer, now); i++)
		;
	count_interrupt(timer);
}

/* With service=hybrid, that is all: the rest is the poller's. */
static irqreturn_t handle_interrupt_and_poll(int irq, void *data)
{
	struct iodemo_timer *timer = data;

	if (!xchg(&timer->status, 0))
		return IRQ_NONE;
	iodemo_device_interrupt(timer->source.dev, 1, ktime_get_ns());
	count_interrupt(timer);
	hold(timer, IODEMO_HELD_MASKED);
	iodemo_timer_poll_sched(timer);
	return IRQ_HANDLED;
}

static void rest_since(struct iodemo_timer *timer, u64 begin)
{
	u64 now = ktime_get_ns();

	WRITE_ONCE(timer->rest_until, iodemo_timer_rest(timer, now - begin, now));
}

static irqreturn_t handle_interrupt(int irq, void *data)
{
	struct iodemo_timer *timer = data;
	struct iodemo_source *source = &timer->source;
	unsigned long status = xchg(&timer->status, 0);
	irqreturn_t ret = IRQ_HANDLED;
	u64 now;

	if (!status)
		return IRQ_NONE;

	now = ktime_get_ns();
	iodemo_device_interrupt(source->dev, hweight_long(status), now);
	if (status & BIT(IODEMO_BY_TIMER))
		one_interrupt(timer, now);
	if (status & BIT(IODEMO_BY_HAND))
		one_interrupt(timer, now);
	WRITE_ONCE(timer->began, now);

	/*
	 * A thread that was woken and has not run yet sees these records too. To
	 * genirq an interrupt that only wakes a thread is unhandled until the
	 * thread runs, and of too many of these it disables the line.
	 */
	if (!(source->flags & IODEMO_INFO_THREADED))
		iodemo_device_wake(source->dev);
	else if (!test_and_set_bit(0, &timer->thread_due))
		ret = IRQ_WAKE_THREAD;

	/* The timer has not waited for us, as a thread, or on another processor. */
	if ((!in_hardirq() || READ_ONCE(timer->line.cpu) >= 0) && status & BIT(IODEMO_BY_TIMER))
		rest_since(timer, now);
	return ret;
}

/* The bottom half, with threaded=1. */
static irqreturn_t handle_interrupt_thread(int irq, void *data)
{
	struct iodemo_timer *timer = data;

	clear_bit(0, &timer->thread_due);
	smp_mb__after_atomic();		/* pairs with test_and_set_bit() */
	iodemo_device_wake(timer->source.dev);
	return IRQ_HANDLED;
}

/* Starting and stopping --------------------------------------------------- */

/* And wait for the callback, for the handler, and for the poller. */
static void hold_sync(struct iodemo_timer *timer, unsigned int why)
{
	hold(timer, why);
	hrtimer_cancel(&timer->timer);
	if (has_line(timer))
		iodemo_timer_line_sync(timer);
	if (polled(timer))
		iodemo_timer_poll_sync(timer);
}

/* When the poller looks for the first time, or else when the hardware is ready */
static ktime_t until_first(const struct iodemo_timer *timer)
{
	return has_line(timer) ? ns_to_ktime(iodemo_timer_period(timer)) : poll_interval(timer);
}

/* A callback that is under way sees that the timer is queued already. */
static void let_go(struct iodemo_timer *timer, unsigned int why)
{
	unsigned long flags;
	bool under_way;

	raw_spin_lock_irqsave(&timer->lock, flags);
	timer->held &= ~why;
	if (polled(timer))
		iodemo_timer_reset(timer, ktime_get_ns());
	if (iodemo_timer_wanted(timer))
		hrtimer_start(&timer->timer, until_first(timer), HRTIMER_MODE_REL_HARD);
	under_way = READ_ONCE(timer->poll.under_way);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
	/* The poller was kept from looking for more, and from letting the line go. */
	if (under_way)
		iodemo_timer_poll_sched(timer);
}

static void timer_source_start(struct iodemo_source *source)
{
	let_go(timer_of(source), IODEMO_HELD_UNUSED);
}

static void timer_source_stop(struct iodemo_source *source)
{
	hold(timer_of(source), IODEMO_HELD_UNUSED);
}

static int timer_source_configure(struct iodemo_source *source,
				  const struct iodemo_config *config)
{
	struct iodemo_timer *timer = timer_of(source);

	hold_sync(timer, IODEMO_HELD_CONFIG);
	WRITE_ONCE(timer->config.period_us, config->period_us);
	WRITE_ONCE(timer->config.burst, config->burst);
	let_go(timer, IODEMO_HELD_CONFIG);
	return 0;
}

/* The wire stops, so that resuming begins with no burst of what was missed. */
void iodemo_timer_source_suspend(struct iodemo_source *source)
{
	hold_sync(timer_of(source), IODEMO_HELD_SUSPENDED);
}

void iodemo_timer_source_resume(struct iodemo_source *source)
{
	let_go(timer_of(source), IODEMO_HELD_SUSPENDED);
}

static u64 timer_source_expires(const struct iodemo_source *source)
{
	if (!READ_ONCE(timer_of(source)->config.period_us))
		return 0;
	if (polled(timer_of(source)))
		return READ_ONCE(timer_of(source)->made.due);
	/* Without a lock: what it was before an interrupt is as right as after it. */
	return ktime_to_ns(data_race(hrtimer_get_expires(&timer_of(source)->timer)));
}

static void timer_source_shutdown(struct iodemo_source *source)
{
	hold_sync(timer_of(source), IODEMO_HELD_SUSPENDED);
}

static const struct iodemo_source_ops timer_source_ops = {
	.name		= "timer",
	.node		= "iodemo",
	.tx_drain	= IODEMO_TX_DRAIN,
	.start		= timer_source_start,
	.stop		= timer_source_stop,
	.shutdown	= timer_source_shutdown,
	.configure	= timer_source_configure,
	.trigger	= timer_source_trigger,
	.expires	= timer_source_expires,
};

static int request_line(struct iodemo_timer *timer)
{
	if (timer->options.service == IODEMO_SERVICE_HYBRID)
		return iodemo_timer_line_request(timer, handle_interrupt_and_poll, NULL);
	return iodemo_timer_line_request(timer, handle_interrupt,
					 timer->options.threaded ? handle_interrupt_thread : NULL);
}

static void free_line(void *timer)
{
	iodemo_timer_line_free(timer);
}

static u32 flags_of(const struct iodemo_timer_options *options)
{
	u32 flags = options->threaded ? IODEMO_INFO_THREADED : 0;

	if (options->service != IODEMO_SERVICE_INTERRUPT)
		flags |= IODEMO_INFO_POLLED;
	return flags;
}

/* It lasts as long as @parent has its driver. */
struct iodemo_source *iodemo_timer_source_create(struct device *parent, unsigned int index,
						 const struct iodemo_timer_options *options)
{
	static enum hrtimer_restart (* const expired[])(struct hrtimer *) = {
		[IODEMO_SERVICE_INTERRUPT] = timer_expired,
		[IODEMO_SERVICE_POLLING] = clock_expired,
		[IODEMO_SERVICE_HYBRID] = timer_expired_once,
	};
	struct iodemo_timer *timer = devm_kzalloc(parent, sizeof(*timer), GFP_KERNEL);
	int err;

	if (!timer)
		return ERR_PTR(-ENOMEM);
	timer->source.ops = &timer_source_ops;
	timer->source.flags = flags_of(options);
	timer->options = *options;
	if (index)
		snprintf(timer->name, sizeof(timer->name), "%s%u", timer_source_ops.node, index);
	else
		strscpy(timer->name, timer_source_ops.node, sizeof(timer->name));
	raw_spin_lock_init(&timer->lock);
	timer->held = IODEMO_HELD_UNUSED;
	timer->trigger = IRQ_WORK_INIT_HARD(trigger_run);
	hrtimer_setup(&timer->timer, expired[options->service], CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);
	iodemo_timer_poll_init(timer);
	if (!has_line(timer))
		return &timer->source;

	err = request_line(timer);
	if (!err)
		err = devm_add_action_or_reset(parent, free_line, timer);
	return err ? ERR_PTR(err) : &timer->source;
}
