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
 */

#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>

#include "compat.h"
#include "timer_source.h"

#define TX_DRAIN	4	/* records that an interrupt sends at most */

/* What keeps the timer from running */
#define HELD_UNUSED	BIT(0)	/* nobody has the device open */
#define HELD_CONFIG	BIT(1)	/* its period changes */
#define HELD_SUSPENDED	BIT(2)	/* the machine sleeps, or the device goes */

/* The status register: bits */
#define BY_TIMER	0
#define BY_HAND		1

/**
 * struct timer_source - a timer that pulls an interrupt line
 * @source: what all sources have
 * @name: of the line
 * @config: period and burst
 * @timer: the wire
 * @trigger: pulls the same wire by hand
 * @status: why it was pulled, and not yet handled
 * @lock: protects @held, with the timer's start
 * @held: why it doesn't run: HELD_*
 * @began: when the last interrupt was handled, ns; written by the handler
 * @rest_until: no interrupt before; likewise
 * @thread_due: the irq thread was woken, and has not run yet
 */
struct timer_source {
	struct iodemo_source source;
	char name[20];
	struct iodemo_config config;
	struct hrtimer timer;
	struct irq_work trigger;
	unsigned long status;

	raw_spinlock_t lock;	/* hard irq */
	unsigned int held;

	u64 began;
	u64 rest_until;
	unsigned long thread_due;
};

static struct timer_source *timer_of(const struct iodemo_source *source)
{
	return container_of(source, struct timer_source, source);
}

static void wire_noop(struct irq_data *data)
{
}

/* Our line needs no acknowledging and no masking, but genirq asks for it. */
static struct irq_chip wire_chip = {
	.name		= "iodemo-wire",
	.irq_ack	= wire_noop,
	.irq_mask	= wire_noop,
	.irq_unmask	= wire_noop,
};

/* The wire ---------------------------------------------------------------- */

static ktime_t period(const struct timer_source *timer)
{
	return ns_to_ktime((u64)READ_ONCE(timer->config.period_us) * NSEC_PER_USEC);
}

/* Until when the wire rests after work from @begin to @end, ns */
static u64 rest(u64 begin, u64 end)
{
	return end + 2 * (end - begin);
}

static bool wanted(const struct timer_source *timer)
{
	lockdep_assert_held(&timer->lock);
	return !timer->held && timer->config.period_us;
}

/*
 * In hard interrupt context, as generic_handle_irq() wants it. Return: does the
 * handler see this period by itself, or did the one before it still wait?
 */
static bool pull(struct timer_source *timer, unsigned int by)
{
	if (test_and_set_bit(by, &timer->status))
		return false;
	generic_handle_irq(timer->source.irq);
	return true;
}

static enum hrtimer_restart timer_expired(struct hrtimer *hrtimer)
{
	struct timer_source *timer = container_of(hrtimer, struct timer_source, timer);
	u64 rest_until = READ_ONCE(timer->rest_until), began = READ_ONCE(timer->began);
	/* If it is just started anew, the wire is as well pulled as not. */
	bool rests = ktime_to_ns(data_race(hrtimer_get_expires(hrtimer))) < rest_until;
	bool pulled = !rests && pull(timer, BY_TIMER);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	u64 now = ktime_to_ns(hrtimer_cb_get_time(hrtimer));
	u64 last = READ_ONCE(timer->began);

	/* If the handler has run within that call */
	if (last != began)
		rest_until = rest(last, now);

	raw_spin_lock(&timer->lock);
	if (wanted(timer) && !hrtimer_is_queued(hrtimer)) {
		u64 periods = hrtimer_forward(hrtimer, ns_to_ktime(max(now, rest_until)),
					      period(timer));

		WRITE_ONCE(timer->source.overruns, timer->source.overruns + periods - pulled);
		restart = HRTIMER_RESTART;
	}
	raw_spin_unlock(&timer->lock);
	return restart;
}

/* One by one, and each is waited for: so this is always an edge. */
static void trigger_run(struct irq_work *work)
{
	pull(container_of(work, struct timer_source, trigger), BY_HAND);
}

static int timer_source_trigger(struct iodemo_source *source)
{
	struct timer_source *timer = timer_of(source);

	irq_work_queue(&timer->trigger);
	irq_work_sync(&timer->trigger);
	/* If the handler was just running elsewhere, or runs in a thread */
	synchronize_irq(source->irq);
	return 0;
}

/* The handler ------------------------------------------------------------- */

/* What the hardware does for one pull of the wire: sample, and send. */
static void one_interrupt(struct timer_source *timer, u64 now)
{
	struct iodemo_source *source = &timer->source;
	struct iodemo_device *dev = source->dev;
	u32 burst = READ_ONCE(timer->config.burst);
	struct iodemo_payload payload;

	for (u32 i = 0; i < burst; i++) {
		const u8 *sample = iodemo_sample(iodemo_device_records(dev));

		iodemo_device_receive(dev, now, IODEMO_TYPE_SAMPLE, sample, IODEMO_DATA_SIZE);
	}

	for (u32 i = 0; i < TX_DRAIN && iodemo_device_take(dev, &payload); i++) {
		iodemo_device_receive(dev, now, IODEMO_TYPE_ECHO, payload.data, payload.len);
		WRITE_ONCE(source->echoes, source->echoes + 1);
	}
	WRITE_ONCE(source->interrupts, source->interrupts + 1);
}

static irqreturn_t handle_interrupt(int irq, void *data)
{
	struct timer_source *timer = data;
	struct iodemo_source *source = &timer->source;
	unsigned long status = xchg(&timer->status, 0);
	irqreturn_t ret = IRQ_HANDLED;
	u64 now;

	if (!status)
		return IRQ_NONE;

	now = ktime_get_ns();
	iodemo_device_interrupt(source->dev, hweight_long(status), now);
	if (status & BIT(BY_TIMER))
		one_interrupt(timer, now);
	if (status & BIT(BY_HAND))
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

	/* The timer has not waited for us. */
	if (!in_hardirq() && status & BIT(BY_TIMER))
		WRITE_ONCE(timer->rest_until, rest(now, ktime_get_ns()));
	return ret;
}

/* The bottom half, with threaded=1. */
static irqreturn_t handle_interrupt_thread(int irq, void *data)
{
	struct timer_source *timer = data;

	clear_bit(0, &timer->thread_due);
	smp_mb__after_atomic();		/* pairs with test_and_set_bit() */
	iodemo_device_wake(timer->source.dev);
	return IRQ_HANDLED;
}

/* Starting and stopping --------------------------------------------------- */

/* A callback that is under way stops by itself. */
static void hold(struct timer_source *timer, unsigned int why)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	timer->held |= why;
	hrtimer_try_to_cancel(&timer->timer);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

/* And wait for it, and for the handler. */
static void hold_sync(struct timer_source *timer, unsigned int why)
{
	hold(timer, why);
	hrtimer_cancel(&timer->timer);
	synchronize_irq(timer->source.irq);
}

/* A callback that is under way sees that the timer is queued already. */
static void let_go(struct timer_source *timer, unsigned int why)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&timer->lock, flags);
	timer->held &= ~why;
	if (wanted(timer))
		hrtimer_start(&timer->timer, period(timer), HRTIMER_MODE_REL_HARD);
	raw_spin_unlock_irqrestore(&timer->lock, flags);
}

static void timer_source_start(struct iodemo_source *source)
{
	let_go(timer_of(source), HELD_UNUSED);
}

static void timer_source_stop(struct iodemo_source *source)
{
	hold(timer_of(source), HELD_UNUSED);
}

static int timer_source_configure(struct iodemo_source *source,
				  const struct iodemo_config *config)
{
	struct timer_source *timer = timer_of(source);

	hold_sync(timer, HELD_CONFIG);
	WRITE_ONCE(timer->config.period_us, config->period_us);
	WRITE_ONCE(timer->config.burst, config->burst);
	let_go(timer, HELD_CONFIG);
	return 0;
}

/* The wire stops, so that resuming begins with no burst of what was missed. */
void iodemo_timer_source_suspend(struct iodemo_source *source)
{
	hold_sync(timer_of(source), HELD_SUSPENDED);
}

void iodemo_timer_source_resume(struct iodemo_source *source)
{
	let_go(timer_of(source), HELD_SUSPENDED);
}

static u64 timer_source_expires(const struct iodemo_source *source)
{
	if (!READ_ONCE(timer_of(source)->config.period_us))
		return 0;
	/* Without a lock: what it was before an interrupt is as right as after it. */
	return ktime_to_ns(data_race(hrtimer_get_expires(&timer_of(source)->timer)));
}

static void timer_source_shutdown(struct iodemo_source *source)
{
	hold_sync(timer_of(source), HELD_SUSPENDED);
}

static const struct iodemo_source_ops timer_source_ops = {
	.name		= "timer",
	.node		= "iodemo",
	.tx_drain	= TX_DRAIN,
	.start		= timer_source_start,
	.stop		= timer_source_stop,
	.shutdown	= timer_source_shutdown,
	.configure	= timer_source_configure,
	.trigger	= timer_source_trigger,
	.expires	= timer_source_expires,
};

static void destroy(void *data)
{
	struct timer_source *timer = data;

	free_irq(timer->source.irq, timer);
	irq_free_desc(timer->source.irq);
}

static int request_line(struct timer_source *timer)
{
	struct iodemo_source *source = &timer->source;
	int err;

	/* irq_alloc_desc() would have the line's user, us, pin its owner, us too. */
	source->irq = __irq_alloc_descs(-1, 1, 1, NUMA_NO_NODE, NULL, NULL);
	if (source->irq < 0)
		return source->irq;
	irq_set_chip_and_handler_name(source->irq, &wire_chip, handle_edge_irq, "edge");
	irq_clear_status_flags(source->irq, IRQ_NOREQUEST);
	irq_set_status_flags(source->irq, IRQ_NOPROBE);

	err = request_threaded_irq(source->irq, handle_interrupt,
				   source->flags & IODEMO_INFO_THREADED ?
				   handle_interrupt_thread : NULL,
				   0, timer->name, timer);
	if (err)
		irq_free_desc(source->irq);
	return err;
}

/* It lasts as long as @parent has its driver. */
struct iodemo_source *iodemo_timer_source_create(struct device *parent, unsigned int index,
						 bool threaded)
{
	struct timer_source *timer = devm_kzalloc(parent, sizeof(*timer), GFP_KERNEL);
	int err;

	if (!timer)
		return ERR_PTR(-ENOMEM);
	timer->source.ops = &timer_source_ops;
	timer->source.flags = threaded ? IODEMO_INFO_THREADED : 0;
	if (index)
		snprintf(timer->name, sizeof(timer->name), "%s%u", timer_source_ops.node, index);
	else
		strscpy(timer->name, timer_source_ops.node, sizeof(timer->name));
	raw_spin_lock_init(&timer->lock);
	timer->held = HELD_UNUSED;
	timer->trigger = IRQ_WORK_INIT_HARD(trigger_run);
	hrtimer_setup(&timer->timer, timer_expired, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);

	err = request_line(timer);
	if (!err)
		err = devm_add_action_or_reset(parent, destroy, timer);
	return err ? ERR_PTR(err) : &timer->source;
}
