// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device: plugged in by probe, unplugged by unbind, and gone for good only
 * when the last file that had it open is closed
 */

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/platform_device.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "device.h"
#include "trace.h"

/* Read-only attributes, /sys/class/misc/iodemo/ */

static struct iodemo_device *attr_device(struct device *misc_dev)
{
	return iodemo_device_of(dev_get_drvdata(misc_dev));
}

static ssize_t period_us_show(struct device *misc_dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(attr_device(misc_dev)->source->config.period_us));
}
static DEVICE_ATTR_RO(period_us);

static ssize_t burst_show(struct device *misc_dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(attr_device(misc_dev)->source->config.burst));
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
	return sysfs_emit(buf, "%u\n", attr_device(misc_dev)->source->threaded);
}
static DEVICE_ATTR_RO(threaded);

static struct attribute *iodemo_attrs[] = {
	&dev_attr_period_us.attr,
	&dev_attr_burst.attr,
	&dev_attr_capacity.attr,
	&dev_attr_threaded.attr,
	NULL
};
ATTRIBUTE_GROUPS(iodemo);

/* For a source, in its interrupt ------------------------------------------ */

/**
 * iodemo_device_receive() - store one record
 * @dev: the device
 * @timestamp: CLOCK_MONOTONIC, ns
 * @type: IODEMO_TYPE_*
 * @data: the payload, IODEMO_DATA_SIZE bytes, zero from @len on
 * @len: how many of them are in use
 *
 * Calls must not overlap.
 */
void iodemo_device_receive(struct iodemo_device *dev, u64 timestamp, u16 type,
			   const u8 *data, u16 len)
{
	const struct iodemo_record *record;

	record = iodemo_ring_push(&dev->ring, timestamp, type, data, len);
	trace_iodemo_store(dev, record);
	trace_iodemo_echo(dev, record);
}

/* How many it has received: the next one's seq. */
u64 iodemo_device_records(const struct iodemo_device *dev)
{
	return iodemo_ring_head(&dev->ring);
}

/* The next record that is to be sent. Return: is there one? */
bool iodemo_device_take(struct iodemo_device *dev, struct iodemo_payload *payload)
{
	/* Mostly there is none, and that needs no lock. */
	return !kfifo_is_empty(&dev->tx.queue) && iodemo_tx_take(&dev->tx, payload);
}

/* Telling ----------------------------------------------------------------- */

/* Those who wait to write take what room there is, in turn. */
static void tell_writers(struct iodemo_device *dev, struct iodemo_wake *wake)
{
	bool gone = iodemo_device_gone(dev);
	unsigned int woken = wake->woken;

	if (!wq_has_sleeper(&dev->tx.writers) || !iodemo_tx_writable(&dev->tx))
		return;
	__wake_up(&dev->tx.writers, TASK_INTERRUPTIBLE, gone ? IODEMO_WAKES : 1, wake);
	if (gone && waitqueue_active(&dev->tx.writers))	/* none comes who doesn't see it */
		wake->more = true;
	dev->wakeups += wake->woken != woken;
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
		dev->told = dev->round;
	}
	dev->room = more_writers;
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
 * For a source, after what it received or sent; in any context.
 *
 * A client gets on the list of listeners after somebody has got on its wait
 * queue, and that somebody looks at the ring after that. We come here after the
 * ring has changed. Whoever takes the lock second sees what the other did, so
 * no wake-up is lost. A client that nobody waits on any more leaves the list
 * here, and costs the next interrupt nothing.
 */
void iodemo_device_wake(struct iodemo_device *dev)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->listeners.head.lock, flags);
	dev->news++;
	if (iodemo_tx_take_room(&dev->tx) || iodemo_device_gone(dev))
		dev->room = true;
	/* Mostly nobody waits. */
	if (list_empty(&dev->listeners.head.head) && !dev->room)
		dev->told = dev->news;
	else if (!tell_some(dev) && !dev->all_told)
		queue_work(system_unbound_wq, &dev->bottom_half);
	spin_unlock_irqrestore(&dev->listeners.head.lock, flags);
}

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

/*
 * A file is opened: neither this nor the next waits for what is under way. Return:
 * its number, from 1 on.
 */
u32 iodemo_device_open(struct iodemo_device *dev)
{
	u32 number;

	kref_get(&dev->ref);
	spin_lock(&dev->files_lock);
	if (!dev->open_files++)
		dev->source->ops->start(dev->source);
	number = ++dev->opens;
	spin_unlock(&dev->files_lock);
	return number;
}

void iodemo_device_close(struct iodemo_device *dev)
{
	spin_lock(&dev->files_lock);
	if (!--dev->open_files)
		dev->source->ops->stop(dev->source);
	spin_unlock(&dev->files_lock);
}

/* With @dev->lock, and not gone, as the next two. */
void iodemo_device_configure(struct iodemo_device *dev, const struct iodemo_config *config)
{
	dev->source->ops->configure(dev->source, config);
}

/* One interrupt by hand; when this returns, its records are in the ring. */
void iodemo_device_trigger(struct iodemo_device *dev)
{
	lockdep_assert_held(&dev->lock);
	dev->source->ops->trigger(dev->source);
}

/* The wake-up is under the lock too: unplugging waits for the bottom half but once. */
void iodemo_device_flush(struct iodemo_device *dev)
{
	lockdep_assert_held(&dev->lock);
	if (iodemo_tx_flush(&dev->tx))
		iodemo_device_wake(dev);
}

/* Life -------------------------------------------------------------------- */

static void device_free(struct kref *ref)
{
	struct iodemo_device *dev = container_of(ref, struct iodemo_device, ref);

	iodemo_ring_free(&dev->ring);
	kfree(dev->source);
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

/*
 * Unbind, rmmod. First nobody comes in, then nothing comes from the hardware,
 * and only then @gone tells: who sees it can rely on the ring's being final.
 */
static void device_unplug(void *data)
{
	struct iodemo_device *dev = data;

	misc_deregister(&dev->misc);
	debugfs_remove(dev->debugfs);

	mutex_lock(&dev->lock);
	dev->source->ops->exit(dev->source);
	iodemo_tx_close(&dev->tx);
	smp_store_release(&dev->gone, true);	/* pairs with iodemo_device_gone() */
	mutex_unlock(&dev->lock);

	trace_iodemo_unplug(dev);
	iodemo_device_wake(dev);
	forbid_bottom_half(dev);
	flush_work(&dev->bottom_half);
	iodemo_device_put(dev);
}

/* The wire stops, so that resuming begins with no burst of what was missed. */
void iodemo_device_suspend(struct iodemo_device *dev)
{
	mutex_lock(&dev->lock);
	dev->source->ops->suspend(dev->source);
	mutex_unlock(&dev->lock);
}

void iodemo_device_resume(struct iodemo_device *dev)
{
	mutex_lock(&dev->lock);
	dev->source->ops->resume(dev->source);
	mutex_unlock(&dev->lock);
}

static struct iodemo_device *alloc_device(unsigned int index,
					  const struct iodemo_device_params *params)
{
	struct iodemo_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return NULL;
	dev->source = kzalloc(params->source->size, GFP_KERNEL);
	if (!dev->source) {
		kfree(dev);
		return NULL;
	}
	kref_init(&dev->ref);
	mutex_init(&dev->lock);
	spin_lock_init(&dev->files_lock);
	iodemo_queue_init(&dev->listeners);
	INIT_WORK(&dev->bottom_half, bottom_half);
	iodemo_tx_init(&dev->tx);

	dev->source->ops = params->source;
	dev->source->dev = dev;
	dev->source->config = params->config;
	dev->source->threaded = params->threaded;

	dev->index = index;
	if (index)
		snprintf(dev->name, sizeof(dev->name), IODEMO_NAME "%u", index);
	else
		strscpy(dev->name, IODEMO_NAME, sizeof(dev->name));
	return dev;
}

/* Probe: bind, insmod. */
int iodemo_device_plug(struct platform_device *pdev,
		       const struct iodemo_device_params *params)
{
	struct iodemo_device *dev = alloc_device(pdev->id, params);
	int err;

	if (!dev)
		return -ENOMEM;
	err = iodemo_ring_init(&dev->ring, params->capacity);
	if (err)
		goto err_ring;
	err = dev->source->ops->init(dev->source, dev->name);
	if (err)
		goto err_source;

	dev->misc.minor = MISC_DYNAMIC_MINOR;
	dev->misc.name = dev->name;
	dev->misc.fops = params->fops;
	dev->misc.mode = params->mode;
	dev->misc.parent = &pdev->dev;
	dev->misc.groups = iodemo_groups;
	err = misc_register(&dev->misc);
	if (err)
		goto err_misc;
	iodemo_debugfs_add(dev);

	platform_set_drvdata(pdev, dev);
	return devm_add_action_or_reset(&pdev->dev, device_unplug, dev);

err_misc:
	dev->source->ops->exit(dev->source);
err_source:
err_ring:
	iodemo_device_put(dev);
	return err;
}
