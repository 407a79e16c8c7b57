// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device: plugged in by probe, unplugged by unbind, and gone for good only
 * when the last file that had it open is closed
 */

#include <linux/debugfs.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "iodemo.h"

/* Read-only attributes, /sys/class/misc/iodemo/ */

static struct iodemo_device *attr_device(struct device *misc_dev)
{
	struct miscdevice *misc = dev_get_drvdata(misc_dev);

	return container_of(misc, struct iodemo_device, misc);
}

static ssize_t period_us_show(struct device *misc_dev, struct device_attribute *attr,
			      char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(attr_device(misc_dev)->source.config.period_us));
}
static DEVICE_ATTR_RO(period_us);

static ssize_t burst_show(struct device *misc_dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  READ_ONCE(attr_device(misc_dev)->source.config.burst));
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
	return sysfs_emit(buf, "%u\n", attr_device(misc_dev)->source.threaded);
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

static void device_free(struct kref *ref)
{
	struct iodemo_device *dev = container_of(ref, struct iodemo_device, ref);

	iodemo_ring_free(&dev->ring);
	kfree(dev);
}

void iodemo_device_put(struct iodemo_device *dev)
{
	kref_put(&dev->ref, device_free);
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
	iodemo_source_exit(&dev->source);
	smp_store_release(&dev->gone, true);	/* pairs with iodemo_device_gone() */
	mutex_unlock(&dev->lock);

	iodemo_device_wake(dev);
	iodemo_device_put(dev);
}

/* Probe: bind, insmod. */
int iodemo_device_plug(struct platform_device *pdev,
		       const struct iodemo_device_params *params)
{
	struct iodemo_device *dev;
	int err;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;
	kref_init(&dev->ref);
	mutex_init(&dev->lock);
	spin_lock_init(&dev->listeners_lock);
	INIT_LIST_HEAD(&dev->listeners);
	iodemo_tx_init(&dev->tx);

	dev->index = pdev->id;
	if (dev->index)
		snprintf(dev->name, sizeof(dev->name), IODEMO_NAME "%u", dev->index);
	else
		strscpy(dev->name, IODEMO_NAME, sizeof(dev->name));

	err = iodemo_ring_init(&dev->ring, params->capacity);
	if (err)
		goto err_ring;
	err = iodemo_source_init(&dev->source, dev->name, &params->config, params->threaded);
	if (err)
		goto err_source;

	dev->misc.minor = MISC_DYNAMIC_MINOR;
	dev->misc.name = dev->name;
	dev->misc.fops = &iodemo_fops;
	dev->misc.mode = 0666;
	dev->misc.parent = &pdev->dev;
	dev->misc.groups = iodemo_groups;
	err = misc_register(&dev->misc);
	if (err)
		goto err_misc;
	iodemo_debugfs_add(dev);

	platform_set_drvdata(pdev, dev);
	return devm_add_action_or_reset(&pdev->dev, device_unplug, dev);

err_misc:
	iodemo_source_exit(&dev->source);
err_source:
err_ring:
	iodemo_device_put(dev);
	return err;
}

/**
 * iodemo_device_receive() - store one record
 * @dev: the device
 * @timestamp: CLOCK_MONOTONIC, ns
 * @type: IODEMO_TYPE_*
 * @data: the payload, IODEMO_DATA_SIZE bytes, zero from @len on
 * @len: how many of them are in use
 *
 * For a source, in its interrupt; calls must not overlap.
 */
void iodemo_device_receive(struct iodemo_device *dev, u64 timestamp, u16 type,
			   const u8 *data, u16 len)
{
	iodemo_ring_push(&dev->ring, timestamp, type, data, len);
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
	struct iodemo_client *client, *next;
	unsigned long flags;
	bool made_room;

	spin_lock_irqsave(&dev->listeners_lock, flags);
	made_room = iodemo_tx_wake(&dev->tx, iodemo_device_gone(dev), &dev->wakeups);
	list_for_each_entry_safe(client, next, &dev->listeners, listening) {
		if (!iodemo_client_wake(client, made_room))
			list_del_init(&client->listening);
	}
	spin_unlock_irqrestore(&dev->listeners_lock, flags);
}
