// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulated hardware: what it keeps until somebody looks, and the interrupt line
 * that it pulls
 *
 * The line is edge-triggered and allocated from genirq. It has an affinity, as any:
 * /proc/irq/N/smp_affinity tells where its interrupts go, and they go on elsewhere when
 * that processor is switched off. What pulls it on another processor sends a message.
 */

#include <linux/math64.h>

#include "compat.h"
#include "timer_hardware.h"

/* What it keeps ----------------------------------------------------------- */

static void count_overruns(struct iodemo_timer *timer, u64 overruns)
{
	WRITE_ONCE(timer->source.overruns, timer->source.overruns + overruns);
}

static void keep(struct iodemo_timer_made *made, u64 when)
{
	made->when[made->in++ % IODEMO_MADE_MAX] = when;
}

/*
 * For so many more periods it has room. One place is left for iodemo_timer_make_one(),
 * which waits until all before it are taken, and so must not find too many.
 */
static u64 room(const struct iodemo_timer *timer)
{
	u32 most = min_t(u32, IODEMO_MADE_MAX, IODEMO_MADE_RECORDS / timer->config.burst);
	u64 kept = timer->made.in - timer->made.out;

	return kept < most - 1 ? most - 1 - kept : 0;
}

/* What it has made until now */
void iodemo_timer_make(struct iodemo_timer *timer, u64 now)
{
	struct iodemo_timer_made *made = &timer->made;
	u64 period = iodemo_timer_period(timer);
	u64 periods, kept;

	lockdep_assert_held(&timer->lock);

	if (timer->held & ~IODEMO_HELD_MASKED || !period || now < made->due)
		return;
	periods = div64_u64(now - made->due, period) + 1;
	kept = min(periods, room(timer));
	for (u64 i = 0; i < kept; i++)
		keep(made, made->due + i * period);
	if (periods > kept)
		count_overruns(timer, periods - kept);
	WRITE_ONCE(made->due, made->due + periods * period);
}

/* One by one, and each is waited for, or taken back: so there is room. */
void iodemo_timer_make_one(struct iodemo_timer *timer, u64 now)
{
	iodemo_timer_make(timer, now);
	keep(&timer->made, now);
}

bool iodemo_timer_take(struct iodemo_timer *timer, u64 *when)
{
	struct iodemo_timer_made *made = &timer->made;

	lockdep_assert_held(&timer->lock);

	if (!iodemo_timer_has_made(timer))
		return false;
	*when = made->when[made->out++ % IODEMO_MADE_MAX];
	return true;
}

/* From now on it goes by another period. What it has kept from the last one is lost. */
void iodemo_timer_reset(struct iodemo_timer *timer, u64 now)
{
	struct iodemo_timer_made *made = &timer->made;

	lockdep_assert_held(&timer->lock);

	count_overruns(timer, made->in - made->out);
	made->out = made->in;
	WRITE_ONCE(made->due, now + iodemo_timer_period(timer));
}

/* Until when the wire rests after work of @work that ends at @end, ns */
u64 iodemo_timer_rest(const struct iodemo_timer *timer, u64 work, u64 end)
{
	return timer->options.rest ? end + 2 * work : end;
}

/* The line ---------------------------------------------------------------- */

static void line_noop(struct irq_data *data)
{
}

/*
 * A processor for those that a mask names; with all of them, where the timer happens to
 * expire is as good as any, and takes no message.
 */
static int line_set_affinity(struct irq_data *data, const struct cpumask *mask, bool force)
{
	struct iodemo_timer *timer = irq_data_get_irq_chip_data(data);
	unsigned int cpu = cpumask_first_and(mask, cpu_online_mask);
	bool all = cpumask_subset(cpu_online_mask, mask);

	if (cpu >= nr_cpu_ids)
		return -EINVAL;
	WRITE_ONCE(timer->line.cpu, all ? -1 : (int)cpu);
	irq_data_update_effective_affinity(data, all ? mask : cpumask_of(cpu));
	return IRQ_SET_MASK_OK;
}

/* Our line needs no acknowledging and no masking, but genirq asks for it. */
static struct irq_chip line_chip = {
	.name			= "iodemo-wire",
	.irq_ack		= line_noop,
	.irq_mask		= line_noop,
	.irq_unmask		= line_noop,
	.irq_set_affinity	= line_set_affinity,
};

/* In hard interrupt context, as generic_handle_irq() wants it. */
static void arrive(void *data)
{
	struct iodemo_timer *timer = data;

	generic_handle_irq(timer->source.irq);
	atomic_dec_return_release(&timer->line.on_way);	/* the last that we do with it */
}

/*
 * Interrupts are off, so no processor leaves the machine meanwhile. If one is on its way
 * already, that will find our bit in @status.
 */
void iodemo_timer_line_pull_on(struct iodemo_timer *timer, int cpu)
{
	struct iodemo_timer_line *line = &timer->line;
	int err = -ENXIO;

	if (cpu != smp_processor_id() && cpu_online(cpu)) {
		raw_spin_lock(&timer->lock);
		atomic_inc(&line->on_way);
		err = smp_call_function_single_async(cpu, &line->route);
		if (err)
			atomic_dec(&line->on_way);
		raw_spin_unlock(&timer->lock);
	}
	if (err == -ENXIO)
		generic_handle_irq(timer->source.irq);
}

int iodemo_timer_line_request(struct iodemo_timer *timer, irq_handler_t handler,
			      irq_handler_t thread)
{
	struct iodemo_source *source = &timer->source;
	int err;

	timer->line.cpu = -1;
	INIT_CSD(&timer->line.route, arrive, timer);
	/* irq_alloc_desc() would have the line's user, us, pin its owner, us too. */
	source->irq = __irq_alloc_descs(-1, 1, 1, NUMA_NO_NODE, NULL, NULL);
	if (source->irq < 0)
		return source->irq;
	irq_set_chip_and_handler_name(source->irq, &line_chip, handle_edge_irq, "edge");
	irq_set_chip_data(source->irq, timer);
	irq_clear_status_flags(source->irq, IRQ_NOREQUEST);
	irq_set_status_flags(source->irq, IRQ_NOPROBE);
	irq_set_moves_at_once(source->irq);

	err = request_threaded_irq(source->irq, handler, thread, 0, timer->name, timer);
	if (err)
		irq_free_desc(source->irq);
	return err;
}

void iodemo_timer_line_free(struct iodemo_timer *timer)
{
	free_irq(timer->source.irq, timer);
	irq_free_desc(timer->source.irq);
}
