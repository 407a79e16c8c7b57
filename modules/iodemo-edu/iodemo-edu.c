// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware with registers: QEMU's educational PCI device (1234:11e8), and the
 * three ways in which data gets from a device into memory
 *
 * A period, or TRIGGER, gives the device a job, and the job's result is a record:
 *
 * pio: the processor writes a command, asks the status register until it says ready,
 *	and moves each word of the record through a register. No interrupt.
 * interrupt: the same, but the device pulls its line when it is ready, and nobody
 *	asks meanwhile.
 * dma: the device moves the whole record by itself, and then pulls its line.
 *
 * What is real and what is not. The job of the first two is the device's factorial:
 * command, busy, status and result are its own registers, but it has no more to tell
 * than one number. Its only register for data gives back the inverse of what was
 * written there. So each word of a sample goes there and comes back, which makes two
 * accesses of what were one with hardware that has a FIFO; a word that came back
 * wrong is no record. What programs write goes the same way. For dma, the device's
 * own memory is filled once with all samples that there are, and each record comes
 * from there; what programs write goes out to that memory by DMA, and comes back by
 * DMA, before the samples of the same job do. The engine takes 100 ms for a transfer,
 * however short: that is QEMU's, and no property of DMA.
 *
 * The memory that it moves to and from is coherent: device and processor see the same
 * at any time, without being told to look. That is right for a page which both use
 * all the time, and on machines whose buses don't snoop, its price is that the
 * processor does not cache it. With a streaming mapping the data would go straight to
 * where it is wanted: dma_map_single() before each transfer and dma_unmap_single()
 * after it (or dma_sync_single_for_cpu() and _for_device() where the memory is used
 * again), which clean or drop cache lines, and bounce what the device can't reach;
 * the processor keeps its hands off in between. 40 bytes are copied sooner than mapped.
 */

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/hrtimer.h>
#include <linux/idr.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "source.h"

#define NAME		"iodemo-edu"

#define TX_DRAIN	4	/* records that a job sends at most */
#define BURST_MAX	8	/* samples a job */
#define PERIOD_US_MIN	100
#define TIMEOUT		HZ	/* for a job; it takes 100 ms at most */

/* Registers, of 32 bits */
#define EDU_ID		0x00
#define  EDU_ID_MASK	0xff
#define  EDU_ID_EDU	0xed
#define EDU_DATA	0x04	/* gives the inverse of what was written */
#define EDU_FACTORIAL	0x08	/* written: the command; read: its result */
#define EDU_STATUS	0x20
#define  EDU_BUSY	BIT(0)
#define  EDU_LINE	BIT(7)	/* pull the line when ready */
#define EDU_IRQ_STATUS	0x24
#define  EDU_IRQ_READY	BIT(0)
#define  EDU_IRQ_DMA	BIT(8)
#define EDU_IRQ_ACK	0x64
#define EDU_DMA_FROM	0x80
#define EDU_DMA_TO	0x88
#define EDU_DMA_SIZE	0x90
#define EDU_DMA_COMMAND	0x98
#define  EDU_DMA_RUN	BIT(0)
#define  EDU_DMA_IN	BIT(1)	/* from the device to memory */
#define  EDU_DMA_LINE	BIT(2)

/* In a register: what a device that isn't there any more answers */
#define ALL_ONES	(~0U)

/* The device's own memory, as its DMA engine sees it: 4096 bytes. */
#define EDU_MEMORY	0x40000
#define EDU_SAMPLES	EDU_MEMORY
#define EDU_ECHOES	(EDU_MEMORY + 3072)
#define EDU_DMA_BITS	28

#define ARGUMENT	1000000	/* a millisecond or so */
#define RESULT		0	/* of its factorial, the lower 32 bits */

enum transfer {
	PIO,
	INTERRUPT,
	DMA,
};

static const char * const transfers[] = {
	[PIO] = "pio",
	[INTERRUPT] = "interrupt",
	[DMA] = "dma",
};

/* Who has the job: nobody; some code of ours, which then owns all of the device; the device */
enum state {
	IDLE,
	TAKEN,
	AWAY,
};

/* What the engine moves */
enum step {
	SEND,		/* what programs have written, to the device */
	ECHO,		/* that, back */
	SAMPLE,
};

/* What keeps the timer from running */
#define HELD_UNUSED	BIT(0)	/* nobody has the device open */
#define HELD_OWNED	BIT(1)	/* something changes, or the machine sleeps, or the device goes */

/* The memory that the device moves to and from; the last is needed only once. */
struct page_of_records {
	u8 samples[BURST_MAX][IODEMO_DATA_SIZE];
	u8 echoes[TX_DRAIN][IODEMO_DATA_SIZE];
	u8 sent[TX_DRAIN][IODEMO_DATA_SIZE];
	u8 all[IODEMO_SAMPLES + BURST_MAX - 1][IODEMO_DATA_SIZE];
};

static_assert(sizeof(struct page_of_records) <= PAGE_SIZE);
static_assert(sizeof_field(struct page_of_records, all) <= EDU_ECHOES - EDU_SAMPLES);

/**
 * struct edu - a device
 * @source: what all sources have
 * @pdev: what it is to the kernel
 * @regs: its registers
 * @page: what it moves to and from
 * @page_dma: where it sees that
 * @name: of the line
 * @transfer: how; changed by who owns it
 * @config: period and burst; likewise
 * @timer: ends a period
 * @work: a job in process context, where it can take its time
 * @lock: protects @held, with the timer's start
 * @held: why the timer doesn't run: HELD_*
 * @state: who has the job: enum state. All below is of who has it.
 * @idle: for those who want to have it next
 * @wanted: how many they are
 * @since: when it was taken, jiffies
 * @by_hand: somebody waits for @done
 * @done: it is
 * @err: how it went
 * @failed: the last job did, and this was told
 * @awaited: the interrupt that the device is to raise: EDU_IRQ_*
 * @step: what the engine does
 * @sent: records that were sent
 * @sent_len: bytes of each
 * @rest_until: no job before, ns: that leaves programs two thirds of a processor
 * @jobs: done well
 * @accesses: to registers, for jobs
 * @polls: of these, such as found the device busy
 * @register_bytes: through the data register
 * @dma_bytes: by the engine
 */
struct edu {
	struct iodemo_source source;
	struct pci_dev *pdev;
	void __iomem *regs;
	struct page_of_records *page;
	dma_addr_t page_dma;
	char name[24];

	enum transfer transfer;
	struct iodemo_config config;
	struct hrtimer timer;
	struct work_struct work;

	spinlock_t lock;	/* hard irq */
	unsigned int held;

	atomic_t state;
	wait_queue_head_t idle;
	atomic_t wanted;
	unsigned long since;
	bool by_hand;
	struct completion done;
	int err;
	bool failed;
	u32 awaited;
	enum step step;
	unsigned int sent;
	u8 sent_len[TX_DRAIN];
	u64 rest_until;

	u64 jobs;
	u64 accesses;
	u64 polls;
	u64 register_bytes;
	u64 dma_bytes;
};

static DEFINE_IDA(indexes);

static struct edu *edu_of(const struct iodemo_source *source)
{
	return container_of(source, struct edu, source);
}

/* Registers --------------------------------------------------------------- */

/* Only who has the job counts, so these are exact. */
static void count(u64 *counter, unsigned int n)
{
	WRITE_ONCE(*counter, *counter + n);
}

static u32 get(struct edu *edu, unsigned int reg)
{
	count(&edu->accesses, 1);
	return readl(edu->regs + reg);
}

static void put(struct edu *edu, unsigned int reg, u32 value)
{
	count(&edu->accesses, 1);
	writel(value, edu->regs + reg);
}

/* Through the data register, word by word. Return: has it come back whole? */
static bool move(struct edu *edu, u8 *to, const u8 *from, unsigned int size)
{
	for (unsigned int i = 0; i < size; i += sizeof(u32)) {
		u32 word, back;

		memcpy(&word, from + i, sizeof(word));
		put(edu, EDU_DATA, word);
		back = ~get(edu, EDU_DATA);
		if (back != word)
			return false;
		memcpy(to + i, &back, sizeof(back));
		count(&edu->register_bytes, 2 * sizeof(word));
	}
	return true;
}

/* Is it at work, or gone? */
static bool busy(struct edu *edu)
{
	return readl(edu->regs + EDU_STATUS) & EDU_BUSY ||
	       readl(edu->regs + EDU_DMA_COMMAND) & EDU_DMA_RUN;
}

/* Who isn't there any more answers with ones only; QEMU's buses do so with zeros. */
static bool gone(struct edu *edu)
{
	return (readl(edu->regs + EDU_ID) & EDU_ID_MASK) != EDU_ID_EDU;
}

/* No interrupt, and none pending */
static void quiet(struct edu *edu)
{
	writel(0, edu->regs + EDU_STATUS);
	writel(ALL_ONES, edu->regs + EDU_IRQ_ACK);
}

/* Who has the job --------------------------------------------------------- */

static bool take(struct edu *edu)
{
	if (atomic_cmpxchg(&edu->state, IDLE, TAKEN) != IDLE)
		return false;
	WRITE_ONCE(edu->since, jiffies);
	return true;
}

static void leave(struct edu *edu)
{
	atomic_set_release(&edu->state, IDLE);
	wake_up(&edu->idle);
}

/* Before the command, since the interrupt can come at once */
static void hand_over(struct edu *edu, u32 awaited)
{
	WRITE_ONCE(edu->awaited, awaited);
	atomic_set_release(&edu->state, AWAY);
}

/*
 * The job is done, or not. What was taken from the transmit queue has made room, so
 * those who wait are told in any case.
 */
static void finish(struct edu *edu, int err)
{
	bool by_hand = edu->by_hand;

	if (!err)
		count(&edu->jobs, 1);
	else if (!edu->failed && err != -EINTR)
		dev_err(&edu->pdev->dev, "transfer=%s: %s\n", transfers[edu->transfer],
			err == -ENODEV ? "the device is gone" : "the device did not get ready");
	edu->failed = err;
	edu->err = err;
	iodemo_device_wake(edu->source.dev);

	/* Who waits looks at no more than @err, and the next one may begin */
	edu->by_hand = false;
	if (by_hand)
		complete(&edu->done);
	leave(edu);
}

/* The device has it for too long. */
static void give_up(struct edu *edu)
{
	if (atomic_cmpxchg(&edu->state, AWAY, TAKEN) == AWAY)
		finish(edu, gone(edu) ? -ENODEV : -EIO);
}

/* Wait for what is under way, and begin nothing else. Return: 0, or -EINTR */
static int own(struct edu *edu, bool killable)
{
	long left = 0;

	atomic_inc(&edu->wanted);
	while (!left) {
		if (killable)
			left = wait_event_killable_timeout(edu->idle, take(edu), TIMEOUT);
		else
			left = wait_event_timeout(edu->idle, take(edu), TIMEOUT);
		if (!left)
			give_up(edu);
	}
	atomic_dec(&edu->wanted);
	return left < 0 ? -EINTR : 0;
}

/* By registers ------------------------------------------------------------ */

/* The record, when the device is ready */
static int fetch(struct edu *edu, u64 now)
{
	struct iodemo_device *dev = edu->source.dev;
	u8 sample[IODEMO_DATA_SIZE];
	struct iodemo_payload payload;

	if (get(edu, EDU_FACTORIAL) != RESULT)
		return gone(edu) ? -ENODEV : -EIO;
	for (u32 i = 0; i < edu->config.burst; i++) {
		if (!move(edu, sample, iodemo_sample(iodemo_device_records(dev)),
			  sizeof(sample)))
			return gone(edu) ? -ENODEV : -EIO;
		iodemo_device_receive(dev, now, IODEMO_TYPE_SAMPLE, sample, sizeof(sample));
	}
	for (u32 i = 0; i < TX_DRAIN && iodemo_device_take(dev, &payload); i++) {
		if (!move(edu, payload.data, payload.data, payload.len))
			return gone(edu) ? -ENODEV : -EIO;
		iodemo_device_receive(dev, now, IODEMO_TYPE_ECHO, payload.data, payload.len);
		count(&edu->source.echoes, 1);
	}
	return 0;
}

/* Of a busy device nothing else is known than that. */
static int poll_ready(struct edu *edu)
{
	unsigned long end = jiffies + TIMEOUT;

	for (;;) {
		bool last = time_after(jiffies, end);
		u32 status = get(edu, EDU_STATUS);

		if (status == ALL_ONES)
			return -ENODEV;
		if (!(status & EDU_BUSY))
			return 0;
		count(&edu->polls, 1);
		if (last)
			return -EIO;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

static void pio(struct edu *edu)
{
	int err = 0;

	/* It takes no command while it is busy, as after a job that was given up. */
	if (edu->failed)
		err = poll_ready(edu);
	if (!err) {
		put(edu, EDU_FACTORIAL, ARGUMENT);
		err = poll_ready(edu);
	}
	if (!err)
		err = fetch(edu, ktime_get_ns());
	finish(edu, err);
}

static void pio_work(struct work_struct *work)
{
	pio(container_of(work, struct edu, work));
}

/* By DMA ------------------------------------------------------------------ */

#define FIELD_DMA(edu, member)	((edu)->page_dma + offsetof(struct page_of_records, member))

/*
 * Bus addresses have 28 bits, so the lower halves of its registers do. What we wrote to
 * memory the device sees: writel() comes after it.
 */
static void engine(struct edu *edu, u32 from, u32 to, u32 size, u32 command)
{
	put(edu, EDU_DMA_FROM, from);
	put(edu, EDU_DMA_TO, to);
	put(edu, EDU_DMA_SIZE, size);
	put(edu, EDU_DMA_COMMAND, EDU_DMA_RUN | command);
	count(&edu->dma_bytes, size);
}

static void start_step(struct edu *edu, enum step step)
{
	u32 first = (u32)iodemo_device_records(edu->source.dev) % IODEMO_SAMPLES;

	edu->step = step;
	hand_over(edu, EDU_IRQ_DMA);
	switch (step) {
	case SEND:
		engine(edu, FIELD_DMA(edu, sent), EDU_ECHOES,
		       edu->sent * IODEMO_DATA_SIZE, EDU_DMA_LINE);
		break;
	case ECHO:
		engine(edu, EDU_ECHOES, FIELD_DMA(edu, echoes),
		       edu->sent * IODEMO_DATA_SIZE, EDU_DMA_IN | EDU_DMA_LINE);
		break;
	case SAMPLE:
		engine(edu, EDU_SAMPLES + first * IODEMO_DATA_SIZE, FIELD_DMA(edu, samples),
		       edu->config.burst * IODEMO_DATA_SIZE, EDU_DMA_IN | EDU_DMA_LINE);
		break;
	}
}

static void start_dma(struct edu *edu)
{
	struct iodemo_payload payload;

	edu->sent = 0;
	while (edu->sent < TX_DRAIN && iodemo_device_take(edu->source.dev, &payload)) {
		memcpy(edu->page->sent[edu->sent], payload.data, IODEMO_DATA_SIZE);
		edu->sent_len[edu->sent++] = payload.len;
	}
	start_step(edu, edu->sent ? SEND : SAMPLE);
}

/* Reading the status register came before, and orders what the device wrote before us. */
static void store(struct edu *edu, u64 now)
{
	struct iodemo_device *dev = edu->source.dev;

	for (u32 i = 0; i < edu->config.burst; i++)
		iodemo_device_receive(dev, now, IODEMO_TYPE_SAMPLE, edu->page->samples[i],
				      IODEMO_DATA_SIZE);
	for (u32 i = 0; i < edu->sent; i++)
		iodemo_device_receive(dev, now, IODEMO_TYPE_ECHO, edu->page->echoes[i],
				      edu->sent_len[i]);
	count(&edu->source.echoes, edu->sent);
}

/* All samples to the device's memory, where those of the jobs come from. May sleep. */
static int fill_memory(struct edu *edu)
{
	unsigned long end = jiffies + TIMEOUT;

	for (u32 i = 0; i < ARRAY_SIZE(edu->page->all); i++)
		memcpy(edu->page->all[i], iodemo_sample(i), IODEMO_DATA_SIZE);
	writel(FIELD_DMA(edu, all), edu->regs + EDU_DMA_FROM);
	writel(EDU_SAMPLES, edu->regs + EDU_DMA_TO);
	writel(sizeof(edu->page->all), edu->regs + EDU_DMA_SIZE);
	writel(EDU_DMA_RUN, edu->regs + EDU_DMA_COMMAND);
	while (readl(edu->regs + EDU_DMA_COMMAND) & EDU_DMA_RUN) {
		if (time_after(jiffies, end))
			return -EIO;
		fsleep(10000);
	}
	return 0;
}

/* Jobs -------------------------------------------------------------------- */

/* Of who has taken it; the device, or the work, has it then. */
static void begin(struct edu *edu)
{
	if (edu->transfer == PIO) {
		queue_work(system_unbound_wq, &edu->work);
	} else if (edu->failed && busy(edu)) {
		finish(edu, gone(edu) ? -ENODEV : -EIO);
	} else if (edu->transfer == DMA) {
		start_dma(edu);
	} else {
		hand_over(edu, EDU_IRQ_READY);
		put(edu, EDU_FACTORIAL, ARGUMENT);
	}
}

/*
 * The line may be shared with others, and one may come late, of a job that was given
 * up, or by who plays with the registers.
 */
static irqreturn_t handle_interrupt(int irq, void *data)
{
	struct edu *edu = data;
	u32 status = readl(edu->regs + EDU_IRQ_STATUS);
	u64 now = ktime_get_ns();
	int err = 0;

	if (!status || status == ALL_ONES)
		return IRQ_NONE;
	writel(status, edu->regs + EDU_IRQ_ACK);
	if (!(status & READ_ONCE(edu->awaited)) ||
	    atomic_cmpxchg(&edu->state, AWAY, TAKEN) != AWAY)
		return IRQ_HANDLED;

	count(&edu->accesses, 2);
	count(&edu->source.interrupts, 1);
	iodemo_device_interrupt(edu->source.dev, 1, now);
	if (edu->transfer == INTERRUPT) {
		err = fetch(edu, now);
	} else if (edu->step == SAMPLE) {
		store(edu, now);
	} else {
		start_step(edu, edu->step + 1);
		return IRQ_HANDLED;
	}
	WRITE_ONCE(edu->rest_until, now + 3 * (ktime_get_ns() - now));
	finish(edu, err);
	return IRQ_HANDLED;
}

static bool timer_wanted(const struct edu *edu)
{
	lockdep_assert_held(&edu->lock);
	return !edu->held && edu->config.period_us;
}

static ktime_t period(const struct edu *edu)
{
	return ns_to_ktime((u64)edu->config.period_us * NSEC_PER_USEC);
}

/* A period that ends while the last one's job is under way has none, and is counted. */
static enum hrtimer_restart period_over(struct hrtimer *timer)
{
	struct edu *edu = container_of(timer, struct edu, timer);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	bool started = false;
	u64 now = ktime_get_ns();
	unsigned long flags;

	if (atomic_read_acquire(&edu->state) == AWAY &&
	    time_after(jiffies, READ_ONCE(edu->since) + TIMEOUT))
		give_up(edu);

	spin_lock_irqsave(&edu->lock, flags);
	if (timer_wanted(edu) && !hrtimer_is_queued(timer)) {
		u64 rest_until = READ_ONCE(edu->rest_until);
		u64 periods = hrtimer_forward(timer, ns_to_ktime(max(now, rest_until)),
					      period(edu));

		started = now >= rest_until && !atomic_read(&edu->wanted) && take(edu);
		count(&edu->source.overruns, periods - started);
		restart = HRTIMER_RESTART;
	}
	spin_unlock_irqrestore(&edu->lock, flags);
	if (started)
		begin(edu);
	return restart;
}

/* For the device ---------------------------------------------------------- */

static void hold(struct edu *edu, unsigned int why)
{
	unsigned long flags;

	spin_lock_irqsave(&edu->lock, flags);
	edu->held |= why;
	hrtimer_try_to_cancel(&edu->timer);
	spin_unlock_irqrestore(&edu->lock, flags);
}

static void let_go(struct edu *edu, unsigned int why)
{
	unsigned long flags;

	spin_lock_irqsave(&edu->lock, flags);
	edu->held &= ~why;
	if (timer_wanted(edu))
		hrtimer_start(&edu->timer, period(edu), HRTIMER_MODE_REL_SOFT);
	spin_unlock_irqrestore(&edu->lock, flags);
}

/* Nothing is under way then, and nothing begins. */
static void stand_still(struct edu *edu)
{
	hold(edu, HELD_OWNED);
	hrtimer_cancel(&edu->timer);
	own(edu, false);
}

static void go_on(struct edu *edu)
{
	leave(edu);
	let_go(edu, HELD_OWNED);
}

static void edu_start(struct iodemo_source *source)
{
	let_go(edu_of(source), HELD_UNUSED);
}

static void edu_stop(struct iodemo_source *source)
{
	hold(edu_of(source), HELD_UNUSED);
}

/* What a device does that was given up, it does no more to our memory. */
static void edu_shutdown(struct iodemo_source *source)
{
	struct edu *edu = edu_of(source);

	if (gone(edu))
		give_up(edu);
	stand_still(edu);
	quiet(edu);
	pci_clear_master(edu->pdev);
	synchronize_irq(source->irq);
	cancel_work_sync(&edu->work);
}

static int edu_configure(struct iodemo_source *source, const struct iodemo_config *config)
{
	struct edu *edu = edu_of(source);

	if (config->burst > BURST_MAX || (config->period_us && config->period_us < PERIOD_US_MIN))
		return -EINVAL;
	stand_still(edu);
	edu->config = *config;
	go_on(edu);
	return 0;
}

/* Who is killed meanwhile leaves the job to itself. */
static int edu_trigger(struct iodemo_source *source)
{
	struct edu *edu = edu_of(source);
	long left;

	if (own(edu, true))
		return -EINTR;
	edu->by_hand = true;
	reinit_completion(&edu->done);
	if (edu->transfer == PIO)
		pio(edu);
	else
		begin(edu);
	do {
		left = wait_for_completion_killable_timeout(&edu->done, TIMEOUT);
		if (!left)
			give_up(edu);
	} while (!left);
	if (left < 0)
		return -EINTR;
	synchronize_irq(source->irq);
	return edu->err;
}

static u64 edu_expires(const struct iodemo_source *source)
{
	struct edu *edu = edu_of(source);

	if (!READ_ONCE(edu->config.period_us))
		return 0;
	/* Without a lock: what it was before a period's end is as right as after it. */
	return ktime_to_ns(data_race(hrtimer_get_expires(&edu->timer)));
}

static const struct iodemo_source_ops edu_ops = {
	.name		= "edu",
	.node		= NAME,
	.tx_drain	= TX_DRAIN,
	.start		= edu_start,
	.stop		= edu_stop,
	.shutdown	= edu_shutdown,
	.configure	= edu_configure,
	.trigger	= edu_trigger,
	.expires	= edu_expires,
};

/* How it transfers -------------------------------------------------------- */

/* Of who owns it; also after it has slept, when it knows nothing any more */
static int set_transfer(struct edu *edu, enum transfer transfer)
{
	int err = 0;

	if (gone(edu))
		return -ENODEV;
	quiet(edu);
	if (transfer == DMA)
		err = fill_memory(edu);
	if (!err)
		WRITE_ONCE(edu->transfer, transfer);
	if (edu->transfer == INTERRUPT)
		writel(EDU_LINE, edu->regs + EDU_STATUS);
	return err;
}

static ssize_t transfer_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct edu *edu = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%s\n", transfers[READ_ONCE(edu->transfer)]);
}

static ssize_t transfer_store(struct device *dev, struct device_attribute *attr,
			      const char *buf, size_t count)
{
	struct edu *edu = dev_get_drvdata(dev);
	int transfer = sysfs_match_string(transfers, buf);
	int err;

	if (transfer < 0)
		return transfer;
	stand_still(edu);
	err = set_transfer(edu, transfer);
	go_on(edu);
	return err ?: count;
}
static DEVICE_ATTR_RW(transfer);

static ssize_t count_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct dev_ext_attribute *shown = container_of(attr, struct dev_ext_attribute, attr);
	const u64 *counter = dev_get_drvdata(dev) + (uintptr_t)shown->var;

	return sysfs_emit(buf, "%llu\n", READ_ONCE(*counter));
}

static struct dev_ext_attribute counts[] = {
	{ __ATTR(jobs, 0444, count_show, NULL), (void *)offsetof(struct edu, jobs) },
	{ __ATTR(accesses, 0444, count_show, NULL), (void *)offsetof(struct edu, accesses) },
	{ __ATTR(polls, 0444, count_show, NULL), (void *)offsetof(struct edu, polls) },
	{ __ATTR(register_bytes, 0444, count_show, NULL),
	  (void *)offsetof(struct edu, register_bytes) },
	{ __ATTR(dma_bytes, 0444, count_show, NULL), (void *)offsetof(struct edu, dma_bytes) },
};

static struct attribute *edu_attrs[] = {
	&dev_attr_transfer.attr,
	&counts[0].attr.attr,
	&counts[1].attr.attr,
	&counts[2].attr.attr,
	&counts[3].attr.attr,
	&counts[4].attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(edu);

/* The module's parameters ------------------------------------------------- */

static enum transfer first_transfer = INTERRUPT;

static int param_set_transfer(const char *text, const struct kernel_param *kp)
{
	int transfer = sysfs_match_string(transfers, text);

	if (transfer < 0) {
		pr_err(NAME ": transfer=%s is not one of pio, interrupt, dma\n", text);
		return -EINVAL;
	}
	first_transfer = transfer;
	return 0;
}

static int param_get_transfer(char *text, const struct kernel_param *kp)
{
	return sysfs_emit(text, "%s\n", transfers[first_transfer]);
}

static const struct kernel_param_ops transfer_ops = {
	.set = param_set_transfer,
	.get = param_get_transfer,
};
module_param_cb(transfer, &transfer_ops, NULL, 0444);
MODULE_PARM_DESC(transfer, "how data comes from the device: pio, interrupt or dma (default interrupt); later by the PCI device's attribute of that name");

static unsigned int period_us = 100000;
module_param(period_us, uint, 0444);
MODULE_PARM_DESC(period_us, "microseconds between jobs, 100..60000000, or 0 for only TRIGGER (default 100000)");

static unsigned int burst = 1;
module_param(burst, uint, 0444);
MODULE_PARM_DESC(burst, "samples a job, 1..8 (default 1)");

static bool parameters_valid(void)
{
	if (period_us && (period_us < PERIOD_US_MIN || period_us > IODEMO_PERIOD_US_MAX))
		pr_err(NAME ": period_us=%u is out of range: %u..%u, or 0 for only TRIGGER\n",
		       period_us, PERIOD_US_MIN, IODEMO_PERIOD_US_MAX);
	else if (burst < IODEMO_BURST_MIN || burst > BURST_MAX)
		pr_err(NAME ": burst=%u is out of range: %u..%u\n", burst, IODEMO_BURST_MIN,
		       BURST_MAX);
	else
		return true;
	return false;
}

/* Life -------------------------------------------------------------------- */

static void free_index(void *index)
{
	ida_free(&indexes, (uintptr_t)index);
}

static int alloc_index(struct device *dev)
{
	int index = ida_alloc(&indexes, GFP_KERNEL);
	int err;

	if (index < 0)
		return index;
	err = devm_add_action_or_reset(dev, free_index, (void *)(uintptr_t)index);
	return err ?: index;
}

static struct edu *alloc_edu(struct pci_dev *pdev, unsigned int index)
{
	struct edu *edu = devm_kzalloc(&pdev->dev, sizeof(*edu), GFP_KERNEL);

	if (!edu)
		return NULL;
	edu->source.ops = &edu_ops;
	edu->pdev = pdev;
	if (index)
		snprintf(edu->name, sizeof(edu->name), NAME "%u", index);
	else
		strscpy(edu->name, NAME, sizeof(edu->name));
	INIT_WORK(&edu->work, pio_work);
	spin_lock_init(&edu->lock);
	edu->held = HELD_UNUSED;
	init_waitqueue_head(&edu->idle);
	init_completion(&edu->done);
	hrtimer_setup(&edu->timer, period_over, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	return edu;
}

/* MSI, or the line that is shared with others where there is none */
static int request_line(struct edu *edu)
{
	struct pci_dev *pdev = edu->pdev;
	int err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES);

	if (err < 0)
		return err;
	edu->source.irq = pci_irq_vector(pdev, 0);
	return devm_request_irq(&pdev->dev, edu->source.irq, handle_interrupt, IRQF_SHARED,
				edu->name, edu);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	const struct iodemo_config config = { .period_us = period_us, .burst = burst };
	struct device *dev = &pdev->dev;
	struct edu *edu;
	int index, err;

	index = alloc_index(dev);
	if (index < 0)
		return index;
	edu = alloc_edu(pdev, index);
	if (!edu)
		return -ENOMEM;
	pci_set_drvdata(pdev, edu);

	err = pcim_enable_device(pdev);
	if (err)
		return err;
	edu->regs = devm_ioremap_resource(dev, &pdev->resource[0]);
	if (IS_ERR(edu->regs))
		return PTR_ERR(edu->regs);
	if (gone(edu))
		return dev_err_probe(dev, -ENODEV, "the register at %#x is not edu's\n", EDU_ID);
	quiet(edu);

	err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(EDU_DMA_BITS));
	if (err)
		return dev_err_probe(dev, err, "no memory that %d bits address, and no IOMMU\n",
				     EDU_DMA_BITS);
	edu->page = dmam_alloc_coherent(dev, sizeof(*edu->page), &edu->page_dma, GFP_KERNEL);
	if (!edu->page)
		return -ENOMEM;
	pci_set_master(pdev);
	err = request_line(edu);
	if (err)
		return dev_err_probe(dev, err, "no interrupt\n");
	err = set_transfer(edu, first_transfer);
	if (err)
		return dev_err_probe(dev, err, "transfer=%s: the device did not get ready\n",
				     transfers[first_transfer]);
	return devm_iodemo_device_plug(&edu->source, dev, index, &config);
}

static int edu_suspend(struct device *dev)
{
	struct edu *edu = dev_get_drvdata(dev);

	stand_still(edu);
	quiet(edu);
	return 0;
}

/* Without its memory it goes on all the same, and each job fails. */
static int edu_resume(struct device *dev)
{
	struct edu *edu = dev_get_drvdata(dev);
	int err = set_transfer(edu, edu->transfer);

	go_on(edu);
	return err;
}

static DEFINE_SIMPLE_DEV_PM_OPS(edu_pm_ops, edu_suspend, edu_resume);

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name = NAME,
	.id_table = edu_ids,
	.probe = edu_probe,
	.dev_groups = edu_groups,
	.driver.pm = pm_sleep_ptr(&edu_pm_ops),
	.driver.probe_type = PROBE_FORCE_SYNCHRONOUS,
};

static int __init edu_init(void)
{
	return parameters_valid() ? pci_register_driver(&edu_driver) : -EINVAL;
}
module_init(edu_init);

static void __exit edu_exit(void)
{
	pci_unregister_driver(&edu_driver);
}
module_exit(edu_exit);

MODULE_DESCRIPTION("QEMU's educational PCI device as a source of iodemo's: PIO, interrupt, DMA");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, IODEMO_NAMESPACE);
