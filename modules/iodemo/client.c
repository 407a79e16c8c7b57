// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client: one open file, with its own place in the stream
 */

#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "iodemo.h"

/* Where the stream is for this client ------------------------------------- */

static u64 catch_up_locked(struct iodemo_client *client)
{
	u64 cursor = smp_load_acquire(&client->cursor);
	u64 oldest;

	lockdep_assert_held(&client->lock);

	while (cursor < (oldest = iodemo_ring_oldest(&client->dev->ring))) {
		if (try_cmpxchg(&client->cursor, &cursor, oldest)) {
			WRITE_ONCE(client->lost, client->lost + oldest - cursor);
			cursor = oldest;
		}
	}
	return cursor;
}

/*
 * The cursor, moved to the oldest record if the client was lapped. Cursor and
 * @lost change together here, and only here; reading moves the cursor alone.
 */
u64 iodemo_client_catch_up(struct iodemo_client *client)
{
	u64 cursor = READ_ONCE(client->cursor);

	if (likely(cursor >= iodemo_ring_oldest(&client->dev->ring)))
		return cursor;

	spin_lock(&client->lock);
	cursor = catch_up_locked(client);
	spin_unlock(&client->lock);
	return cursor;
}

/* A line was begun and not finished. */
bool iodemo_client_half_read(const struct iodemo_client *client)
{
	return READ_ONCE(client->rest.off) < READ_ONCE(client->rest.len);
}

void iodemo_client_keep_rest(struct iodemo_client *client, const struct iodemo_line *line)
{
	lockdep_assert_held(&client->lock);

	memcpy(client->rest.text, line->text, line->len);
	client->rest.seq = line->seq;
	WRITE_ONCE(client->rest.off, line->off);
	WRITE_ONCE(client->rest.len, line->len);
}

void iodemo_client_drop_rest(struct iodemo_client *client)
{
	lockdep_assert_held(&client->lock);

	WRITE_ONCE(client->rest.len, 0);
	WRITE_ONCE(client->rest.off, 0);
}

static bool enough_waits(const struct iodemo_client *client)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	u64 from = max(READ_ONCE(client->cursor), iodemo_ring_oldest(ring));
	u64 head = iodemo_ring_head(ring);

	return head >= from + READ_ONCE(client->low_water);
}

/* Would a read that may sleep come back without having slept? */
bool iodemo_client_readable(const struct iodemo_client *client)
{
	return enough_waits(client) || iodemo_client_half_read(client) ||
	       iodemo_device_gone(client->dev);
}

/* Has it lost records that it wasn't told of? */
static bool lapped(const struct iodemo_client *client)
{
	return READ_ONCE(client->lost) != READ_ONCE(client->lost_told) ||
	       READ_ONCE(client->cursor) < iodemo_ring_oldest(&client->dev->ring);
}

/* What poll() would say of the reading side. In any context, without a lock. */
__poll_t iodemo_client_events(const struct iodemo_client *client)
{
	__poll_t events = 0;

	if (iodemo_device_gone(client->dev))
		events |= EPOLLHUP;
	if (client->mode & FMODE_READ) {
		if (iodemo_client_readable(client))
			events |= EPOLLIN | EPOLLRDNORM;
		if (lapped(client))
			events |= EPOLLPRI;
	}
	return events;
}

/* Its counters, all of one moment. */
void iodemo_client_count(struct iodemo_client *client, struct iodemo_stats *stats)
{
	u64 cursor;

	spin_lock(&client->lock);
	cursor = catch_up_locked(client);
	stats->lost = client->lost;
	spin_unlock(&client->lock);

	stats->records = iodemo_ring_head(&client->dev->ring);
	stats->read = cursor - client->opened_at - stats->lost;
	stats->lag = stats->records - cursor;
}

/* The user knows now that this file has lost so many. */
void iodemo_client_tell_lost(struct iodemo_client *client, u64 lost)
{
	spin_lock(&client->lock);
	WRITE_ONCE(client->lost_told, lost);
	WRITE_ONCE(client->lapped_signalled, false);
	spin_unlock(&client->lock);
}

/* Being told -------------------------------------------------------------- */

/*
 * Called by whoever has just got on one of the client's queues, before it
 * looks at what it waits for; pairs with iodemo_device_wake().
 */
void iodemo_client_listen(struct iodemo_client *client)
{
	struct iodemo_device *dev = client->dev;
	unsigned long flags;

	spin_lock_irqsave(&dev->listeners_lock, flags);
	if (list_empty(&client->listening))
		list_add_tail(&client->listening, &dev->listeners);
	spin_unlock_irqrestore(&dev->listeners_lock, flags);
}

/*
 * Tell who waits on this client. One sleeping reader is enough: it will wake
 * the next if it leaves something. Return: does anybody wait?
 */
bool iodemo_client_wake(struct iodemo_client *client, bool made_room)
{
	struct iodemo_device *dev = client->dev;
	bool readers = waitqueue_active(&client->readers);
	bool pollers = waitqueue_active(&client->pollers);
	__poll_t events;

	lockdep_assert_held(&dev->listeners_lock);

	if (!readers && !pollers && !client->fasync)
		return false;

	events = iodemo_client_events(client);
	if (made_room && client->mode & FMODE_WRITE)
		events |= EPOLLOUT | EPOLLWRNORM;
	readers &= !!(events & (EPOLLIN | EPOLLHUP));
	pollers &= !!events;
	if (readers && events & EPOLLHUP)
		wake_up_interruptible_all(&client->readers);
	else if (readers)
		wake_up_interruptible(&client->readers);
	if (pollers)
		wake_up_interruptible_poll(&client->pollers, events);
	dev->wakeups += readers || pollers;
	dev->signals += iodemo_fasync_signal(client, events);
	return true;
}

/* A reader that leaves records to others who sleep passes the wake-up on. */
void iodemo_client_wake_next_reader(struct iodemo_client *client)
{
	if (wq_has_sleeper(&client->readers) && iodemo_client_readable(client))
		wake_up_interruptible(&client->readers);
}

void iodemo_client_configure(struct iodemo_client *client,
			     const struct iodemo_client_config *config)
{
	struct iodemo_device *dev = client->dev;
	bool was_readable = iodemo_client_readable(client);

	spin_lock(&client->lock);
	if (client->format != config->format) {
		iodemo_client_drop_rest(client);
		WRITE_ONCE(client->format, config->format);
	}
	WRITE_ONCE(client->low_water, config->low_water);
	spin_unlock(&client->lock);

	/* A lower mark can be what somebody waits for. */
	if (!was_readable && iodemo_client_readable(client)) {
		spin_lock_irq(&dev->listeners_lock);
		iodemo_client_wake(client, false);
		spin_unlock_irq(&dev->listeners_lock);
	}
}

/* The file ---------------------------------------------------------------- */

static int iodemo_open(struct inode *inode, struct file *file)
{
	struct iodemo_device *dev = container_of(file->private_data, struct iodemo_device, misc);
	struct iodemo_client *client;
	int err = 0;

	client = kzalloc(sizeof(*client), GFP_KERNEL);
	if (!client)
		return -ENOMEM;
	client->dev = dev;
	client->mode = file->f_mode & (FMODE_READ | FMODE_WRITE);
	client->format = IODEMO_FORMAT_TEXT;
	client->low_water = IODEMO_LOW_WATER_MIN;
	spin_lock_init(&client->lock);
	init_waitqueue_head(&client->readers);
	init_waitqueue_head(&client->pollers);
	INIT_LIST_HEAD(&client->listening);

	mutex_lock(&dev->lock);
	if (dev->holder) {
		err = -EBUSY;
	} else {
		client->opened_at = iodemo_ring_head(&dev->ring);
		client->cursor = client->opened_at;
		if (!dev->open_files++)
			iodemo_source_start(&dev->source);
	}
	mutex_unlock(&dev->lock);
	if (err) {
		kfree(client);
		return err;
	}

	kref_get(&dev->ref);
	file->private_data = client;
	file->f_mode |= FMODE_NOWAIT;	/* we know IOCB_NOWAIT: no worker threads */
	return stream_open(inode, file);
}

static int iodemo_release(struct inode *inode, struct file *file)
{
	struct iodemo_client *client = file->private_data;
	struct iodemo_device *dev = client->dev;

	spin_lock_irq(&dev->listeners_lock);
	list_del(&client->listening);
	spin_unlock_irq(&dev->listeners_lock);

	mutex_lock(&dev->lock);
	if (dev->holder == client)
		WRITE_ONCE(dev->holder, NULL);
	if (!--dev->open_files && !iodemo_device_gone(dev))
		iodemo_source_stop(&dev->source);
	mutex_unlock(&dev->lock);

	kfree(client);
	iodemo_device_put(dev);
	return 0;
}

static void iodemo_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct iodemo_client *client = file->private_data;
	struct iodemo_stats stats;

	iodemo_client_count(client, &stats);
	seq_printf(m, "iodemo-cursor:\t%llu\n", stats.records - stats.lag);
	seq_printf(m, "iodemo-lag:\t%llu\n", stats.lag);
	seq_printf(m, "iodemo-lost:\t%llu\n", stats.lost);
	seq_printf(m, "iodemo-format:\t%s\n",
		   READ_ONCE(client->format) == IODEMO_FORMAT_RAW ? "raw" : "text");
}

const struct file_operations iodemo_fops = {
	.owner		= THIS_MODULE,
	.open		= iodemo_open,
	.release	= iodemo_release,
	.read_iter	= iodemo_read_iter,
	.write_iter	= iodemo_write_iter,
	.poll		= iodemo_poll,
	.fasync		= iodemo_fasync,
	.unlocked_ioctl	= iodemo_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= iodemo_show_fdinfo,
};
