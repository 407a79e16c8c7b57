// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls; uapi/iodemo.h tells what each does and which errors it gives
 */

#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/ioctls.h>

#include "models.h"

#define ALL_TYPES	(BIT(IODEMO_TYPE_MAX + 1) - BIT(IODEMO_TYPE_SAMPLE))

static long get_info(struct iodemo_device *dev, void __user *argp)
{
	struct iodemo_info info = dev->info;

	if (iodemo_uring_can_wait())
		info.flags |= IODEMO_INFO_URING_WAIT;
	return copy_to_user(argp, &info, sizeof(info)) ? -EFAULT : 0;
}

static long get_config(struct iodemo_device *dev, void __user *argp)
{
	struct iodemo_config config;

	if (!(dev->info.flags & IODEMO_INFO_CONFIG))
		return -EOPNOTSUPP;
	if (mutex_lock_killable(&dev->lock))
		return -EINTR;
	config = dev->config;
	mutex_unlock(&dev->lock);
	return copy_to_user(argp, &config, sizeof(config)) ? -EFAULT : 0;
}

static long set_config(struct iodemo_client *client, void __user *argp)
{
	struct iodemo_device *dev = client->dev;
	struct iodemo_config config;
	long err;

	if (copy_from_user(&config, argp, sizeof(config)))
		return -EFAULT;
	if (!iodemo_device_config_valid(&config))
		return -EINVAL;

	if (mutex_lock_killable(&dev->lock))
		return -EINTR;
	err = iodemo_client_may_change(client);
	if (!err)
		err = iodemo_device_configure(dev, &config);
	mutex_unlock(&dev->lock);
	return err;
}

static long get_client(struct iodemo_client *client, void __user *argp)
{
	struct iodemo_client_config config;

	spin_lock_irq(&client->lock);
	config = client->config;
	spin_unlock_irq(&client->lock);
	return copy_to_user(argp, &config, sizeof(config)) ? -EFAULT : 0;
}

static long set_client(struct iodemo_client *client, void __user *argp)
{
	struct iodemo_client_config config;

	if (copy_from_user(&config, argp, sizeof(config)))
		return -EFAULT;
	if (memchr_inv(config.reserved, 0, sizeof(config.reserved)) ||
	    config.format > IODEMO_FORMAT_RAW || config.types & ~ALL_TYPES ||
	    config.low_water < IODEMO_LOW_WATER_MIN ||
	    config.low_water > iodemo_ring_capacity(&client->dev->ring))
		return -EINVAL;
	iodemo_client_configure(client, &config);
	return 0;
}

static long get_stats(struct iodemo_client *client, void __user *argp)
{
	struct iodemo_device *dev = client->dev;
	struct iodemo_stats stats = { };

	iodemo_device_count(dev, &stats);
	iodemo_client_count(client, &stats);
	if (copy_to_user(argp, &stats, sizeof(stats)))
		return -EFAULT;
	iodemo_client_tell_lost(client, stats.lost);
	return 0;
}

/*
 * One by one, so that neither a signal nor another file waits for a long count.
 * That the count can be written is looked at first: it tells the user what is left.
 */
static long trigger(struct iodemo_client *client, u32 __user *argp)
{
	struct iodemo_device *dev = client->dev;
	u32 count;
	long err;

	if (get_user(count, argp))
		return -EFAULT;
	if (!count)
		return -EINVAL;
	if (put_user(count, argp))
		return -EFAULT;

	for (;;) {
		if (mutex_lock_killable(&dev->lock))
			return -EINTR;
		err = iodemo_client_may_fire(client);
		if (!err)
			err = iodemo_device_trigger(dev);
		mutex_unlock(&dev->lock);
		if (err)
			break;
		iodemo_device_finish_wake(dev);
		if (!--count)
			return 0;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		cond_resched();
	}
	return put_user(count, argp) ? -EFAULT : err;
}

static long reserve(struct iodemo_client *client)
{
	struct iodemo_device *dev = client->dev;
	long err;

	if (mutex_lock_killable(&dev->lock))
		return -EINTR;
	err = iodemo_client_may_change(client);
	if (!err) {
		iodemo_tx_reserve(&dev->tx, client);
		WRITE_ONCE(client->reserved_by, current->files);
	}
	mutex_unlock(&dev->lock);
	return err;
}

static long release(struct iodemo_client *client)
{
	struct iodemo_device *dev = client->dev;
	long err;

	if (mutex_lock_killable(&dev->lock))
		return -EINTR;
	err = iodemo_client_may_change(client);
	if (!err && !iodemo_tx_release(&dev->tx, client))
		err = -EINVAL;
	mutex_unlock(&dev->lock);
	return err;
}

/* Who waits for room has been woken when this returns. */
static long flush(struct iodemo_client *client)
{
	struct iodemo_device *dev = client->dev;
	long err;

	if (mutex_lock_killable(&dev->lock))
		return -EINTR;
	err = iodemo_client_may_change(client);
	if (!err)
		iodemo_device_flush(dev);
	mutex_unlock(&dev->lock);
	if (!err)
		iodemo_device_finish_wake(dev);
	return err;
}

static long get_bytes(struct iodemo_client *client, int __user *argp)
{
	ssize_t bytes;

	if (!(client->mode & FMODE_READ))
		return -EBADF;
	bytes = iodemo_read_bytes(client);	/* of a lap at most, so this is an int */
	return bytes < 0 ? bytes : put_user(bytes, argp);
}

long iodemo_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct iodemo_client *client = file->private_data;
	void __user *argp = (void __user *)arg;

	/* What an unplugged device has left can be read. */
	if (cmd == FIONREAD)
		return get_bytes(client, argp);
	if (iodemo_device_gone(client->dev))
		return -ENODEV;

	switch (cmd) {
	case IODEMO_GET_INFO:
		return get_info(client->dev, argp);
	case IODEMO_GET_CONFIG:
		return get_config(client->dev, argp);
	case IODEMO_SET_CONFIG:
		return set_config(client, argp);
	case IODEMO_GET_CLIENT:
		return get_client(client, argp);
	case IODEMO_SET_CLIENT:
		return set_client(client, argp);
	case IODEMO_GET_STATS:
		return get_stats(client, argp);
	case IODEMO_TRIGGER:
		return trigger(client, argp);
	case IODEMO_RESERVE:
		return reserve(client);
	case IODEMO_RELEASE:
		return release(client);
	case IODEMO_FLUSH:
		return flush(client);
	default:
		return -ENOTTY;
	}
}
