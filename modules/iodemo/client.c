// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client: one open file, with its own place in the stream
 */

#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/splice.h>

#include "compat.h"
#include "iodemo.h"

/* Where the stream is for this client ------------------------------------- */

static void set_flag(struct iodemo_client *client, u32 flag)
{
	lockdep_assert_held(&client->lock);
	WRITE_ONCE(client->flags, client->flags | flag);
}

static void clear_flag(struct iodemo_client *client, u32 flag)
{
	lockdep_assert_held(&client->lock);
	WRITE_ONCE(client->flags, client->flags & ~flag);
}

/* One try, not a loop: a program that maps the cursor could make us lose for ever. */
static u64 catch_up_locked(struct iodemo_client *client)
{
	u64 oldest = iodemo_ring_oldest(&client->dev->ring);
	u64 cursor = iodemo_client_cursor(client);
	u32 flags = client->flags;

	lockdep_assert_held(&client->lock);

	if (cursor >= oldest)
		return cursor;
	/* Before the cursor moves: in between it would look as if nothing was lost. */
	set_flag(client, IODEMO_CLIENT_LOST);
	if (iodemo_client_consume(client, cursor, oldest - cursor)) {
		client->lost += oldest - cursor;
		return oldest;
	}
	WRITE_ONCE(client->flags, flags);
	return cursor;
}

u64 iodemo_client_skip_lost(struct iodemo_client *client)
{
	u64 cursor;

	spin_lock(&client->lock);
	cursor = catch_up_locked(client);
	spin_unlock(&client->lock);
	return cursor;
}

void iodemo_client_keep_rest(struct iodemo_client *client, const struct iodemo_line *line)
{
	client->rest = *line;
	set_flag(client, IODEMO_CLIENT_HALF_READ);
}

void iodemo_client_drop_rest(struct iodemo_client *client)
{
	clear_flag(client, IODEMO_CLIENT_HALF_READ);
}

/* The next record, which stays. In any context; false if there is none. */
bool iodemo_client_peek(const struct iodemo_client *client, u64 *seq, u64 *timestamp)
{
	const struct iodemo_ring *ring = &client->dev->ring;

	for (u32 tries = iodemo_ring_capacity(ring); tries; tries--) {
		u64 from = max(iodemo_client_cursor(client), iodemo_ring_oldest(ring));

		if (iodemo_ring_head(ring) <= from)
			return false;
		*seq = from;
		*timestamp = READ_ONCE(iodemo_ring_slot(ring, from)->timestamp);
		if (iodemo_ring_intact(ring, from))
			return true;
	}
	return false;
}

/* May this file change the device? Call with the device locked. */
int iodemo_client_may_change(const struct iodemo_client *client)
{
	const struct iodemo_device *dev = client->dev;

	lockdep_assert_held(&dev->lock);

	if (!(client->mode & FMODE_WRITE))
		return -EBADF;
	if (iodemo_device_gone(dev))
		return -ENODEV;
	if (dev->holder && dev->holder != client)
		return -EBUSY;
	return 0;
}

__poll_t iodemo_client_rare_events(const struct iodemo_client *client)
{
	__poll_t events = 0;

	if (iodemo_device_gone(client->dev))
		events |= EPOLLHUP;
	if (!(READ_ONCE(client->flags) & IODEMO_CLIENT_WRITE_ONLY)) {
		if (iodemo_client_readable(client))
			events |= EPOLLIN | EPOLLRDNORM;
		if (iodemo_client_lapped(client))
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
	stats->lag = stats->records > cursor ? stats->records - cursor : 0;
}

/* The user knows now that this file has lost so many. */
void iodemo_client_tell_lost(struct iodemo_client *client, u64 lost)
{
	spinlock_t *listeners_lock = &client->dev->listeners_lock;

	spin_lock(&client->lock);
	spin_lock_irq(listeners_lock);
	if (client->lost == lost)
		clear_flag(client, IODEMO_CLIENT_LOST);
	client->lapped_signalled = false;
	spin_unlock_irq(listeners_lock);
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
	/* The listeners' lock orders this: who got on a queue has listened since. */
	bool readers = waitqueue_active(&client->readers);
	bool pollers = waitqueue_active(&client->pollers);	/* likewise */
	bool requests = iodemo_aio_pending(client);
	bool commands = iodemo_uring_pending(client);
	__poll_t events;

	lockdep_assert_held(&dev->listeners_lock);

	if (!readers && !pollers && !requests && !commands && !client->fasync)
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
	if (requests && events)
		iodemo_aio_kick(client);
	if (commands && events & (EPOLLIN | EPOLLHUP))
		iodemo_uring_wake(client);
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
	bool lowered;

	spin_lock(&client->lock);
	if (client->format != config->format) {
		iodemo_client_drop_rest(client);
		WRITE_ONCE(client->format, config->format);
	}
	lowered = config->low_water < client->low_water;
	WRITE_ONCE(client->low_water, config->low_water);
	spin_unlock(&client->lock);

	/* A lower mark can be what somebody waits for; the lock orders us and the interrupt. */
	if (lowered) {
		spin_lock_irq(&dev->listeners_lock);
		iodemo_client_wake(client, false);
		spin_unlock_irq(&dev->listeners_lock);
	}
}

/* The file ---------------------------------------------------------------- */

static void client_free(struct iodemo_client *client)
{
	free_page((unsigned long)client->page);
	kfree(client);
}

static int iodemo_open(struct inode *inode, struct file *file)
{
	struct iodemo_device *dev = container_of(file->private_data, struct iodemo_device, misc);
	struct iodemo_client *client;
	int err = 0;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	if (!client)
		return -ENOMEM;
	client->page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!client->page) {
		kfree(client);
		return -ENOMEM;
	}
	client->dev = dev;
	client->mode = file->f_mode & (FMODE_READ | FMODE_WRITE);
	client->format = IODEMO_FORMAT_TEXT;
	client->low_water = IODEMO_LOW_WATER_MIN;
	if (!(client->mode & FMODE_READ))
		client->flags = IODEMO_CLIENT_WRITE_ONLY;
	spin_lock_init(&client->lock);
	init_waitqueue_head(&client->readers);
	init_waitqueue_head(&client->pollers);
	INIT_LIST_HEAD(&client->listening);
	iodemo_aio_init_client(client);
	iodemo_uring_init_client(client);

	mutex_lock(&dev->lock);
	if (dev->holder) {
		err = -EBUSY;
	} else {
		client->opened_at = iodemo_ring_head(&dev->ring);
		client->page->cursor = client->opened_at;
		if (!dev->open_files++)
			iodemo_source_start(&dev->source);
	}
	mutex_unlock(&dev->lock);
	if (err) {
		client_free(client);
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

	iodemo_aio_exit_client(client);

	spin_lock_irq(&dev->listeners_lock);
	list_del(&client->listening);
	spin_unlock_irq(&dev->listeners_lock);

	mutex_lock(&dev->lock);
	if (dev->holder == client)
		WRITE_ONCE(dev->holder, NULL);
	if (!--dev->open_files && !iodemo_device_gone(dev))
		iodemo_source_stop(&dev->source);
	mutex_unlock(&dev->lock);

	client_free(client);
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
	.flush		= iodemo_aio_flush,
	.release	= iodemo_release,
	.read		= iodemo_read,
	.read_iter	= iodemo_read_iter,
	.write_iter	= iodemo_write_iter,
	.poll		= iodemo_poll,
	.fasync		= iodemo_fasync,
	.mmap		= iodemo_mmap,
	.uring_cmd	= iodemo_uring_cmd,
	.uring_cmd_iopoll = iodemo_uring_cmd_iopoll,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
	.unlocked_ioctl	= iodemo_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= iodemo_show_fdinfo,
};
