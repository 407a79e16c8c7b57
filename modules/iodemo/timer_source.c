// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulated hardware: a timer is the wire, a real interrupt line the bell
 *
 * When the timer expires, or TRIGGER asks for it, the "hardware" sets its
 * status register and pulls an edge-triggered line that we allocated from
 * genirq. From there on all is as with any driver: the kernel counts the
 * interrupt in /proc/interrupts and calls the handler that was registered with
 * request_threaded_irq(), in hard interrupt context.
 *
 * An edge that comes while the handler runs on another processor is not lost:
 * the status register counts, and genirq runs the handler again.
 */

#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/ktime.h>

#include "compat.h"
#include "iodemo.h"

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

/* In hard interrupt context, as generic_handle_irq() wants it. */
static void pull_wire(struct iodemo_source *source)
{
	smp_mb__before_atomic();	/* who takes this sees what was written before */
	atomic_inc(&source->pending);
	generic_handle_irq(source->irq);
}

static ktime_t period(const struct iodemo_source *source)
{
	return ns_to_ktime((u64)READ_ONCE(source->config.period_us) * NSEC_PER_USEC);
}

static enum hrtimer_restart timer_expired(struct hrtimer *timer)
{
	struct iodemo_source *source = container_of(timer, struct iodemo_source, timer);

	pull_wire(source);
	hrtimer_forward_now(timer, period(source));
	return HRTIMER_RESTART;
}

static void trigger_run(struct irq_work *work)
{
	pull_wire(container_of(work, struct iodemo_source, trigger));
}

/* What the hardware does for one pull of the wire: sample, and send. */
static void one_interrupt(struct iodemo_device *dev, u64 now)
{
	struct iodemo_source *source = &dev->source;
	u32 burst = READ_ONCE(source->config.burst);
	struct iodemo_payload payload;

	for (u32 i = 0; i < burst; i++) {
		const u8 *sample = iodemo_sample(iodemo_ring_head(&dev->ring));

		iodemo_device_receive(dev, now, IODEMO_TYPE_SAMPLE, sample, IODEMO_DATA_SIZE);
	}

	for (u32 i = 0; i < IODEMO_TX_DRAIN && iodemo_tx_take(&dev->tx, &payload); i++) {
		iodemo_device_receive(dev, now, IODEMO_TYPE_ECHO, payload.data, payload.len);
		source->echoes++;
	}
	source->interrupts++;
}

static irqreturn_t handle_interrupt(int irq, void *data)
{
	struct iodemo_device *dev = container_of(data, struct iodemo_device, source);
	int pulls = atomic_xchg(&dev->source.pending, 0);
	u64 now = ktime_get_ns();

	if (!pulls)
		return IRQ_NONE;

	while (pulls--)
		one_interrupt(dev, now);

	if (dev->source.threaded)
		return IRQ_WAKE_THREAD;
	iodemo_device_wake(dev);
	return IRQ_HANDLED;
}

/* The bottom half, with threaded=1. */
static irqreturn_t handle_interrupt_thread(int irq, void *data)
{
	iodemo_device_wake(container_of(data, struct iodemo_device, source));
	return IRQ_HANDLED;
}

/* The source is a member of its device; the name has to live as long as it. */
int iodemo_source_init(struct iodemo_source *source, const char *name,
		       const struct iodemo_config *config, bool threaded)
{
	int err;

	source->config = *config;
	source->threaded = threaded;
	source->trigger = IRQ_WORK_INIT_HARD(trigger_run);
	hrtimer_setup(&source->timer, timer_expired, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);

	/* irq_alloc_desc() would have the line's user, us, pin its owner, us too. */
	source->irq = __irq_alloc_descs(-1, 1, 1, NUMA_NO_NODE, NULL, NULL);
	if (source->irq < 0)
		return source->irq;
	irq_set_chip_and_handler_name(source->irq, &wire_chip, handle_edge_irq, "edge");
	irq_clear_status_flags(source->irq, IRQ_NOREQUEST);
	irq_set_status_flags(source->irq, IRQ_NOPROBE);

	err = request_threaded_irq(source->irq, handle_interrupt,
				   threaded ? handle_interrupt_thread : NULL,
				   0, name, source);
	if (err)
		irq_free_desc(source->irq);
	return err;
}

void iodemo_source_exit(struct iodemo_source *source)
{
	iodemo_source_stop(source);
	free_irq(source->irq, source);
	irq_free_desc(source->irq);
}

void iodemo_source_start(struct iodemo_source *source)
{
	source->running = true;
	if (source->config.period_us)
		hrtimer_start(&source->timer, period(source), HRTIMER_MODE_REL_HARD);
}

void iodemo_source_stop(struct iodemo_source *source)
{
	source->running = false;
	hrtimer_cancel(&source->timer);
}

void iodemo_source_configure(struct iodemo_source *source,
			     const struct iodemo_config *config)
{
	bool running = source->running;

	iodemo_source_stop(source);
	WRITE_ONCE(source->config.period_us, config->period_us);
	WRITE_ONCE(source->config.burst, config->burst);
	if (running)
		iodemo_source_start(source);
}

/* When the next interrupt is due, ns of CLOCK_MONOTONIC; 0 if none is. */
u64 iodemo_source_expires(const struct iodemo_source *source)
{
	if (!READ_ONCE(source->config.period_us))
		return 0;
	/* Without a lock: what it was before an interrupt is as right as after it. */
	return ktime_to_ns(data_race(hrtimer_get_expires(&source->timer)));
}

/* One interrupt by hand; when it returns, the handler has run. Doesn't sleep. */
void iodemo_source_trigger(struct iodemo_source *source)
{
	irq_work_queue(&source->trigger);
	irq_work_sync(&source->trigger);
}

/* Also wait until the handler has run elsewhere, if it did, and its thread. */
void iodemo_source_trigger_wait(struct iodemo_source *source)
{
	iodemo_source_trigger(source);
	synchronize_irq(source->irq);
}
