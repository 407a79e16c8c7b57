// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device: plugged in by probe, unplugged by unbind, and gone for good only
 * when the last file that had it open is closed
 */

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "device.h"
#include "trace.h"

/* What all devices start with */
static struct iodemo_device_defaults defaults;

/* Read-only attributes, /sys/class/misc/iodemo/ */

static struct iodemo_device *attr_device(struct device *misc_dev)
{
	return iodemo_device_of(dev_get_drvdata(misc_dev));
}

static ssize_t period_us_show(struct device *misc_dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(attr_device(misc_dev)->config.period_us));
}
static DEVICE_ATTR_RO(period_us);

static ssize_t burst_show(struct device *misc_dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(attr_device(misc_dev)->config.burst));
}
static DEVICE_ATTR_RO(burst);

static ssize_t capacity_show(struct device *misc_dev, struct device_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%u\n", iodemo_ring_capacity(&attr_device(misc_dev)->ring));
}
static DEVICE_ATTR_RO(capacity);

static ssize_t threaded_show(struct device *misc_dev, struct device_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  !!(attr_device(misc_dev)->info.flags & IODEMO_INFO_THREADED));
}
static DEVICE_ATTR_RO(threaded);

static ssize_t source_show(struct device *misc_dev, struct device_attribute *attr,
			   char *buf)
{
	return sysfs_emit(buf, "%s\n", attr_device(misc_dev)->info.source);
}
static DEVICE_ATTR_RO(source);

static struct attribute *iodemo_attrs[] = {
	&dev_attr_source.attr,
	&dev_attr_capacity.attr,
	&dev_attr_threaded.attr,
	&dev_attr_period_us.attr,
	&dev_attr_burst.attr,
	NULL
};

/* What can't be configured has no configuration. */
static umode_t attr_mode(struct kobject *kobj, struct attribute *attr, int n)
{
	struct iodemo_device *dev = attr_device(kobj_to_dev(kobj));

	if (attr == &dev_attr_period_us.attr || attr == &dev_attr_burst.attr)
		return dev->info.flags & IODEMO_INFO_CONFIG ? attr->mode : 0;
	return attr->mode;
}

static const struct attribute_group iodemo_group = {
	.attrs = iodemo_attrs,
	.is_visible = attr_mode,
};
__ATTRIBUTE_GROUPS(iodemo);

/* For a source, in its interrupt ------------------------------------------ */

/**
 * iodemo_device_interrupt() - tell who traces that a handler runs
 * @dev: the device
 * @interrupts: that it serves; more than one if some have merged
 * @timestamp: of the records that it is about to store: CLOCK_MONOTONIC, ns
 *
 * Context: any.
 */
void iodemo_device_interrupt(struct iodemo_device *dev, unsigned int interrupts,
			     u64 timestamp)
{
	trace_iodemo_interrupt(dev, interrupts, timestamp);
}
EXPORT_SYMBOL_IODEMO(iodemo_device_interrupt);

/**
 * iodemo_device_receive() - store one record
 * @dev: the device
 * @timestamp: when it came: CLOCK_MONOTONIC, ns; not before that of the last
 * @type: IODEMO_TYPE_*
 * @data: the payload, IODEMO_DATA_SIZE bytes, zero from @len on: all are copied
 * @len: how many of them are in use, 0..IODEMO_DATA_SIZE
 *
 * The oldest record makes room for it if need be. Nobody is told: see
 * iodemo_device_wake().
 *
 * Context: any. Calls must not overlap: the source has one handler, or a lock.
 */
void iodemo_device_receive(struct iodemo_device *dev, u64 timestamp, u16 type,
			   const u8 *data, u16 len)
{
	const struct iodemo_record *record;

	if (WARN_ON_ONCE(len > IODEMO_DATA_SIZE))
		len = IODEMO_DATA_SIZE;	/* a source's mistake is not to be ours */
	record = iodemo_ring_push(&dev->ring, timestamp, type, data, len);
	trace_iodemo_store(dev, record);
	trace_iodemo_echo(dev, record);
}
EXPORT_SYMBOL_IODEMO(iodemo_device_receive);

/**
 * iodemo_device_records() - how many it has received
 * @dev: the device
 *
 * Context: any.
 * Return: the next one's seq
 */
u64 iodemo_device_records(const struct iodemo_device *dev)
{
	return iodemo_ring_head(&dev->ring);
}
EXPORT_SYMBOL_IODEMO(iodemo_device_records);

/* How many records from the first that this file wants, and has yet to read. */
static u64 records_for(const struct iodemo_ring *ring, const struct iodemo_reading *reading)
{
	/* Acquire: what it has read, it has read before we overwrite it. */
	u64 cursor = smp_load_acquire(&reading->page->cursor);
	u64 from = max(cursor, iodemo_ring_oldest(ring));
	u64 head = iodemo_ring_head(ring);
	u32 types = READ_ONCE(reading->types);

	if (types != U32_MAX && from < head)
		cursor = iodemo_tally_find(&ring->tally, from, head, types);
	return iodemo_ring_waiting(ring, cursor);
}

/**
 * iodemo_device_room() - how many records it can receive and lose none for who counts
 * @dev: the device
 *
 * For a source that waits for room instead of overwriting, IODEMO_INFO_WAITS. What it
 * waits for are the files that are open for reading, and whose opener is in charge of
 * the device: anybody else could hold up the others by not reading, and is lapped.
 * Of types that such a file doesn't want, nothing is waited for.
 * Nothing tells when there is more room, since readers that map the ring move on
 * without us. The source looks again after a while.
 *
 * There may be more room than that by now, but not less: it only gets less by what the
 * source itself stores, or when a file begins to want what it didn't.
 *
 * Context: process.
 * Return: records, the whole ring if nobody is to be waited for; 0 if no file is open
 *	for reading
 */
u32 iodemo_device_room(struct iodemo_device *dev)
{
	const struct iodemo_ring *ring = &dev->ring;
	const struct iodemo_reading *reading;
	u64 waiting = 0;

	spin_lock(&dev->files_lock);
	if (!dev->readers)
		waiting = iodemo_ring_capacity(ring);
	list_for_each_entry(reading, &dev->waited_for, entry)
		waiting = max(waiting, records_for(ring, reading));
	spin_unlock(&dev->files_lock);
	return iodemo_ring_capacity(ring) - waiting;
}
EXPORT_SYMBOL_IODEMO(iodemo_device_room);

/**
 * iodemo_device_take() - take what a program wants to be sent
 * @dev: the device
 * @payload: where it goes
 *
 * Records come in the order in which they were written. Who waits for room is told
 * by the next iodemo_device_wake().
 *
 * Context: any, with other calls at the same time too.
 * Return: was there one?
 */
bool iodemo_device_take(struct iodemo_device *dev, struct iodemo_payload *payload)
{
	/* Mostly there is none, and that needs no lock: what comes now is sent by the next. */
	return !data_race(kfifo_is_empty(&dev->tx.queue)) && iodemo_tx_take(&dev->tx, payload);
}
EXPORT_SYMBOL_IODEMO(iodemo_device_take);

/* Telling ----------------------------------------------------------------- */

/* Those who wait to write take what room there is, in turn. */
static void tell_writers(struct iodemo_device *dev, struct iodemo_wake *wake)
{
	bool gone = iodemo_device_gone(dev);
	unsigned int woken = wake->woken;

	if (!wq_has_sleeper(&dev->tx.writers) || !iodemo_tx_writable(&dev->tx))
		return;
	__wake_up(&dev->tx.writers, TASK_INTERRUPTIBLE, 0, wake);
	if (gone && waitqueue_active(&dev->tx.writers))	/* none comes who doesn't see it */
		wake->more = true;
	if (wake->woken != woken)
		WRITE_ONCE(dev->wakeups, dev->wakeups + 1);
}

/* As many as @wake allows. Return: has everybody been told of all there was? */
static bool tell(struct iodemo_device *dev, struct iodemo_wake *wake)
{
	bool more_writers = false;

	if (unlikely(dev->room)) {
		tell_writers(dev, wake);
		more_writers = wake->more;
		wake->more = false;
		wake->room = iodemo_tx_has_room(&dev->tx);
	}
	while (dev->told != dev->news) {
		/* What comes while a round is under way, the next one tells of. */
		if (!iodemo_queue_telling(&dev->listeners))
			dev->round = dev->news;
		if (!iodemo_queue_tell(&dev->listeners, wake, wake))
			return false;
		WRITE_ONCE(dev->told, dev->round);
	}
	WRITE_ONCE(dev->room, more_writers);
	return !more_writers;
}

/* One turn of it. */
static bool tell_some(struct iodemo_device *dev)
{
	IODEMO_WAKE(wake);

	lockdep_assert_held(&dev->listeners.head.lock);

	wake.more = !tell(dev, &wake);
	trace_iodemo_wake(dev, &wake);
	return !wake.more;
}

/**
 * iodemo_device_wake() - tell those who wait what has changed
 * @dev: the device
 *
 * For a source, after what it received or took, once for all of it. Some are told at
 * once, in bounded time, the others by a bottom half.
 *
 * A client gets on the list of listeners after somebody has got on its wait
 * queue, and that somebody looks at the ring after that. We come here after the
 * ring has changed. Whoever takes the lock second sees what the other did, so
 * no wake-up is lost. A client that nobody waits on any more leaves the list
 * here, and costs the next interrupt nothing.
 *
 * Context: any, with other calls at the same time too.
 */
void iodemo_device_wake(struct iodemo_device *dev)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->listeners.head.lock, flags);
	WRITE_ONCE(dev->news, dev->news + 1);
	if (iodemo_tx_take_room(&dev->tx) || iodemo_device_gone(dev))
		WRITE_ONCE(dev->room, true);
	/* Mostly nobody waits. */
	if (list_empty(&dev->listeners.head.head) && !dev->room)
		WRITE_ONCE(dev->told, dev->news);
	else if (!tell_some(dev) && !dev->all_told)
		queue_work(system_unbound_wq, &dev->bottom_half);
	spin_unlock_irqrestore(&dev->listeners.head.lock, flags);
}
EXPORT_SYMBOL_IODEMO(iodemo_device_wake);

/* See iodemo_device_finish_wake(). */
void iodemo_device_tell_until(struct iodemo_device *dev, u64 news)
{
	bool done = false;

	while (!done && !fatal_signal_pending(current)) {
		spin_lock_irq(&dev->listeners.head.lock);
		done = tell_some(dev) || dev->told >= news;
		spin_unlock_irq(&dev->listeners.head.lock);
		cond_resched();
	}
}

static void bottom_half(struct work_struct *work)
{
	struct iodemo_device *dev = container_of(work, struct iodemo_device, bottom_half);
	bool done;

	do {
		spin_lock_irq(&dev->listeners.head.lock);
		done = tell_some(dev);
		spin_unlock_irq(&dev->listeners.head.lock);
		cond_resched();
	} while (!done);
}

/* For clients ------------------------------------------------------------- */

/* Those who start and stop it, and those who ask it something, each have their lock. */
static struct iodemo_source *source_of_files(struct iodemo_device *dev)
{
	return rcu_dereference_protected(dev->source, lockdep_is_held(&dev->files_lock));
}

static struct iodemo_source *source_of(struct iodemo_device *dev)
{
	return rcu_dereference_protected(dev->source, lockdep_is_held(&dev->lock));
}

/*
 * A file is opened, and stands at the end of the stream: neither this nor the next
 * waits for what is under way. Return: its number, from 1 on.
 */
u32 iodemo_device_open(struct iodemo_device *dev, struct iodemo_reading *reading)
{
	struct iodemo_source *source;
	u32 number;

	kref_get(&dev->ref);
	spin_lock(&dev->files_lock);
	source = source_of_files(dev);
	/* Under the lock: iodemo_device_room() is right for who comes after it, too. */
	reading->page->cursor = iodemo_ring_head(&dev->ring);
	dev->readers += reading->reads;
	if (reading->waited_for)
		list_add(&reading->entry, &dev->waited_for);
	if (!dev->open_files && source)
		source->ops->start(source);
	WRITE_ONCE(dev->open_files, dev->open_files + 1);
	number = ++dev->opens;
	spin_unlock(&dev->files_lock);
	return number;
}

void iodemo_device_close(struct iodemo_device *dev, struct iodemo_reading *reading)
{
	struct iodemo_source *source;

	spin_lock(&dev->files_lock);
	source = source_of_files(dev);
	dev->readers -= reading->reads;
	if (reading->waited_for)
		list_del(&reading->entry);
	WRITE_ONCE(dev->open_files, dev->open_files - 1);
	if (!dev->open_files && source)
		source->ops->stop(source);
	spin_unlock(&dev->files_lock);
}

/* With @dev->lock, and not gone, as the next two. */
int iodemo_device_configure(struct iodemo_device *dev, const struct iodemo_config *config)
{
	struct iodemo_source *source = source_of(dev);
	int err;

	if (!source->ops->configure)
		return -EOPNOTSUPP;
	err = source->ops->configure(source, config);
	if (!err) {
		WRITE_ONCE(dev->config.period_us, config->period_us);
		WRITE_ONCE(dev->config.burst, config->burst);
	}
	return err;
}

/* One interrupt by hand; when this returns, its records are in the ring. */
int iodemo_device_trigger(struct iodemo_device *dev)
{
	struct iodemo_source *source = source_of(dev);

	if (!source->ops->trigger)
		return -EOPNOTSUPP;
	return source->ops->trigger(source);
}

/* The wake-up is under the lock too: unplugging waits for the bottom half but once. */
void iodemo_device_flush(struct iodemo_device *dev)
{
	lockdep_assert_held(&dev->lock);
	if (iodemo_tx_flush(&dev->tx))
		iodemo_device_wake(dev);
}

/* See iodemo_device_written(). */
void iodemo_device_tell_source(struct iodemo_device *dev)
{
	struct iodemo_source *source;

	rcu_read_lock();
	source = rcu_dereference(dev->source);
	if (source)
		source->ops->send(source);
	rcu_read_unlock();
}

/* Is it within what uapi/iodemo.h says? */
bool iodemo_device_config_valid(const struct iodemo_config *config)
{
	if (memchr_inv(config->reserved, 0, sizeof(config->reserved)))
		return false;
	if (config->period_us && (config->period_us < IODEMO_PERIOD_US_MIN ||
				  config->period_us > IODEMO_PERIOD_US_MAX))
		return false;
	return config->burst >= IODEMO_BURST_MIN && config->burst <= IODEMO_BURST_MAX;
}

/* Life -------------------------------------------------------------------- */

/* Before the first is plugged */
void iodemo_device_init(const struct iodemo_device_defaults *given)
{
	defaults = *given;
}

static void device_free(struct kref *ref)
{
	struct iodemo_device *dev = container_of(ref, struct iodemo_device, ref);

	iodemo_ring_free(&dev->ring);
	kfree(dev);
}

/* In any context, since the last request of a closed file holds it too. */
void iodemo_device_put(struct iodemo_device *dev)
{
	kref_put(&dev->ref, device_free);
}

/*
 * Who waits has been told by it, and who comes later looks by himself. A reader that
 * passes a wake-up on can still be about, and it must not begin what would outlive us.
 */
static void forbid_bottom_half(struct iodemo_device *dev)
{
	spin_lock_irq(&dev->listeners.head.lock);
	dev->all_told = true;
	spin_unlock_irq(&dev->listeners.head.lock);
}

static struct iodemo_device *alloc_device(struct iodemo_source *source, unsigned int index)
{
	struct iodemo_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return NULL;
	kref_init(&dev->ref);
	mutex_init(&dev->lock);
	spin_lock_init(&dev->files_lock);
	INIT_LIST_HEAD(&dev->waited_for);
	iodemo_queue_init(&dev->listeners);
	INIT_WORK(&dev->bottom_half, bottom_half);
	iodemo_tx_init(&dev->tx);
	dev->sends = source->ops->send;

	if (index)
		snprintf(dev->name, sizeof(dev->name), "%s%u", source->ops->node, index);
	else
		strscpy(dev->name, source->ops->node, sizeof(dev->name));

	dev->info.version = IODEMO_VERSION;
	dev->info.record_size = IODEMO_RECORD_SIZE;
	dev->info.capacity = defaults.capacity;
	dev->info.tx_capacity = IODEMO_TX_CAPACITY;
	dev->info.tx_drain = source->ops->tx_drain;
	dev->info.index = index;
	dev->info.irq = source->irq;
	dev->info.flags = source->flags;
	if (source->ops->configure)
		dev->info.flags |= IODEMO_INFO_CONFIG;
	if (source->ops->trigger)
		dev->info.flags |= IODEMO_INFO_TRIGGER;
	strscpy(dev->info.source, source->ops->name, sizeof(dev->info.source));
	return dev;
}

/* Nobody is there yet who could ask for something else. */
static int configure_first(struct iodemo_device *dev, struct device *parent,
			   const struct iodemo_config *config)
{
	int err = -EINVAL;

	mutex_lock(&dev->lock);
	if (iodemo_device_config_valid(config))
		err = iodemo_device_configure(dev, config);
	mutex_unlock(&dev->lock);
	if (err)
		dev_err(parent, "period_us=%u burst=%u: refused with error %d\n",
			config->period_us, config->burst, err);
	return err;
}

/**
 * iodemo_device_plug() - make a device of a source
 * @source: the hardware, quiet until it is started; its line is requested
 * @parent: what it is to the kernel: a platform, PCI or virtio device
 * @index: 0 for the first of its kind, whose node is @source->ops->node; 1 for the
 *	next, with 1 behind that
 * @config: what it begins with; NULL if it can't be configured
 *
 * When this returns, programs open it, and the operations are called.
 *
 * Context: process; the driver's probe.
 * Return: 0, or a negative error, with nothing left behind
 */
int iodemo_device_plug(struct iodemo_source *source, struct device *parent,
		       unsigned int index, const struct iodemo_config *config)
{
	struct iodemo_device *dev = alloc_device(source, index);
	int err;

	if (!dev)
		return -ENOMEM;
	source->dev = dev;
	rcu_assign_pointer(dev->source, source);
	err = iodemo_ring_init(&dev->ring, defaults.capacity);
	if (!err && config)
		err = configure_first(dev, parent, config);
	if (err)
		goto err_put;

	dev->misc.minor = MISC_DYNAMIC_MINOR;
	dev->misc.name = dev->name;
	dev->misc.fops = defaults.fops;
	dev->misc.mode = defaults.mode;
	dev->misc.parent = parent;
	dev->misc.groups = iodemo_groups;
	err = misc_register(&dev->misc);
	if (err)
		goto err_put;
	iodemo_debugfs_add(dev);
	return 0;

err_put:
	iodemo_device_put(dev);
	return err;
}
EXPORT_SYMBOL_IODEMO(iodemo_device_plug);

/**
 * iodemo_device_unplug() - the hardware goes
 * @source: what was plugged
 *
 * First nobody comes in, then nothing comes from the hardware, and only then @gone
 * tells: who sees it can rely on the ring's being final. Files that are open stay
 * so: what is buffered can be read. When this returns, none of the operations is
 * called any more, and nothing of @source is touched; its driver, which may be on its
 * way out too, frees the line and the memory.
 *
 * Context: process; the driver's remove.
 */
void iodemo_device_unplug(struct iodemo_source *source)
{
	struct iodemo_device *dev = source->dev;

	misc_deregister(&dev->misc);
	debugfs_remove(dev->debugfs);

	mutex_lock(&dev->lock);
	spin_lock(&dev->files_lock);
	rcu_assign_pointer(dev->source, NULL);
	spin_unlock(&dev->files_lock);
	synchronize_rcu();			/* who has found it before is done with it */
	source->ops->shutdown(source);
	iodemo_tx_close(&dev->tx);
	smp_store_release(&dev->gone, true);	/* pairs with iodemo_device_gone() */
	mutex_unlock(&dev->lock);

	trace_iodemo_unplug(dev);
	iodemo_device_wake(dev);
	forbid_bottom_half(dev);
	flush_work(&dev->bottom_half);
	iodemo_device_put(dev);
}
EXPORT_SYMBOL_IODEMO(iodemo_device_unplug);

static void unplug(void *source)
{
	iodemo_device_unplug(source);
}

/**
 * devm_iodemo_device_plug() - iodemo_device_plug(), and unplug with the driver
 * @source: see there
 * @parent: likewise; its driver's detaching unplugs, before it frees what was
 *	managed earlier: the line, the memory of @source
 * @index: see there
 * @config: likewise
 *
 * Context: process; the driver's probe.
 * Return: 0, or a negative error, with nothing left behind
 */
int devm_iodemo_device_plug(struct iodemo_source *source, struct device *parent,
			    unsigned int index, const struct iodemo_config *config)
{
	int err = iodemo_device_plug(source, parent, index, config);

	return err ?: devm_add_action_or_reset(parent, unplug, source);
}
EXPORT_SYMBOL_IODEMO(devm_iodemo_device_plug);
