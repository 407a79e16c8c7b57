// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client: one open file, with its own place in the stream, and those who wait
 * on it
 */

#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "cursor.h"
#include "trace.h"

/* What it may do, and how it reads ------------------------------------------ */

/* May this file fire the device? Call with the device locked, as the next. */
int iodemo_client_may_fire(const struct iodemo_client *client)
{
	const struct iodemo_device *dev = client->dev;

	lockdep_assert_held(&dev->lock);

	if (!(client->mode & FMODE_WRITE))
		return -EBADF;
	if (iodemo_device_gone(dev))
		return -ENODEV;
	if (iodemo_tx_held_from(&dev->tx, client))
		return -EBUSY;
	return 0;
}

/* And may it do what stays so for all other files? */
int iodemo_client_may_change(const struct iodemo_client *client)
{
	int err = iodemo_client_may_fire(client);

	if (err)
		return err;
	return client->in_charge ? 0 : -EPERM;
}

/* For what is to be pending: is there a place for one more? */
bool iodemo_client_take_place(struct iodemo_client *client)
{
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&client->lock, flags);
	taken = client->pending < IODEMO_PENDING_MAX;
	client->pending += taken;
	spin_unlock_irqrestore(&client->lock, flags);
	return taken;
}

void iodemo_client_leave_place(struct iodemo_client *client)
{
	unsigned long flags;

	spin_lock_irqsave(&client->lock, flags);
	client->pending--;
	spin_unlock_irqrestore(&client->lock, flags);
}

/* Being told -------------------------------------------------------------- */

/* With the lock of the device's listeners. */
void iodemo_client_listen_locked(struct iodemo_client *client)
{
	if (list_empty(&client->listening.entry))
		__add_wait_queue_entry_tail(&client->dev->listeners.head, &client->listening);
}

/*
 * Called by whoever has just got on one of the client's queues, before it
 * looks at what it waits for; pairs with iodemo_device_wake().
 */
void iodemo_client_listen(struct iodemo_client *client)
{
	spinlock_t *lock = &client->dev->listeners.head.lock;
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	iodemo_client_listen_locked(client);
	spin_unlock_irqrestore(lock, flags);
}

/*
 * Those who take, in turn. One sleeping reader is enough: it will wake the next
 * if it leaves something. Unplugged, all go.
 */
static void serve_readers(struct iodemo_client *client, struct iodemo_wake *wake)
{
	bool gone = iodemo_device_gone(client->dev);

	__wake_up(&client->readers, TASK_INTERRUPTIBLE, gone ? IODEMO_WAKES : 1, wake);
	if (gone && waitqueue_active(&client->readers))	/* none comes who doesn't see it */
		wake->more = true;
}

/* The device has news. Who waits on this client? If nobody, it leaves. */
static int wake_client(struct wait_queue_entry *listening, unsigned int mode, int flags,
		       void *key)
{
	struct iodemo_client *client = container_of(listening, struct iodemo_client, listening);
	struct iodemo_device *dev = client->dev;
	struct iodemo_wake *wake = key;
	/* The listeners' lock orders this: who got on a queue has listened since. */
	bool readers = waitqueue_active(&client->readers);
	bool pollers = waitqueue_active(&client->pollers.head);		/* likewise */
	unsigned int woken = wake->woken;
	__poll_t events;

	lockdep_assert_held(&dev->listeners.head.lock);

	if (!readers && !pollers) {
		list_del_init(&listening->entry);
		return 0;
	}

	events = iodemo_client_events(client);
	if (wake->room && client->mode & FMODE_WRITE)
		events |= EPOLLOUT | EPOLLWRNORM;
	if (readers && events & (EPOLLIN | EPOLLHUP))
		serve_readers(client, wake);
	if (pollers && events) {
		spin_lock(&client->pollers.head.lock);
		if (client->round != dev->round)	/* who was told of older news too */
			iodemo_queue_restart(&client->pollers);
		client->round = dev->round;
		iodemo_queue_tell(&client->pollers, wake, poll_to_key(events));
		spin_unlock(&client->pollers.head.lock);
	}
	if (wake->woken != woken)
		WRITE_ONCE(dev->wakeups, dev->wakeups + 1);
	return wake->more ? -EAGAIN : 0;
}

/* Tell all who wait on it. May sleep. */
void iodemo_client_wake(struct iodemo_client *client)
{
	spinlock_t *lock = &client->dev->listeners.head.lock;
	int ret;

	spin_lock_irq(lock);
	client->round = 0;	/* in none of the device's */
	spin_unlock_irq(lock);
	do {
		IODEMO_WAKE(wake);

		spin_lock_irq(lock);
		ret = wake_client(&client->listening, TASK_NORMAL, 0, &wake);
		trace_iodemo_wake(client->dev, &wake);
		spin_unlock_irq(lock);
		cond_resched();
	} while (ret < 0);
}

/* May sleep. A task that is to die leaves them to the bottom half. */
void iodemo_client_serve_readers(struct iodemo_client *client)
{
	/* Who waits has been seen after a barrier, and who comes looks by himself. */
	while (iodemo_client_readable(client) && waitqueue_active(&client->readers)) {
		IODEMO_WAKE(wake);

		serve_readers(client, &wake);
		trace_iodemo_wake(client->dev, &wake);
		if (!wake.more)
			return;
		if (fatal_signal_pending(current)) {
			iodemo_device_wake(client->dev);
			return;
		}
		cond_resched();
	}
}

/* What is in the ring may be just what somebody waits for, now. */
static bool wants_more(const struct iodemo_client_config *config,
		       const struct iodemo_client_config *before)
{
	return config->low_water < before->low_water || config->types != before->types;
}

void iodemo_client_configure(struct iodemo_client *client,
			     const struct iodemo_client_config *config)
{
	bool raw = config->format == IODEMO_FORMAT_RAW, masked = config->types, more;

	spin_lock_irq(&client->lock);
	if (client->config.format != config->format)
		iodemo_client_drop_rest(client);
	if (client->config.types != config->types)
		iodemo_client_want(client, config->types);
	more = wants_more(config, &client->config);
	/* One by one, since fdinfo and others look at them without the lock */
	WRITE_ONCE(client->config.format, config->format);
	WRITE_ONCE(client->config.low_water, config->low_water);
	WRITE_ONCE(client->config.types, config->types);
	WRITE_ONCE(client->format, raw && masked ? IODEMO_FORMAT_RAW_MASKED : config->format);
	WRITE_ONCE(client->unit, raw ? IODEMO_RECORD_SIZE : 1);
	WRITE_ONCE(client->low_water, masked ? IODEMO_LOW_WATER_NEVER : config->low_water);
	spin_unlock_irq(&client->lock);

	if (more)
		iodemo_client_wake(client);
}

/* Life -------------------------------------------------------------------- */

struct iodemo_client *iodemo_client_open(struct iodemo_device *dev, fmode_t mode,
					 bool in_charge)
{
	struct iodemo_client *client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);

	if (!client)
		return NULL;
	client->page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!client->page) {
		kfree(client);
		return NULL;
	}
	kref_init(&client->ref);
	client->dev = dev;
	client->mode = mode & (FMODE_READ | FMODE_WRITE);
	client->in_charge = in_charge;
	client->config.format = IODEMO_FORMAT_TEXT;
	client->config.low_water = IODEMO_LOW_WATER_MIN;
	client->format = client->config.format;
	client->unit = 1;
	client->low_water = client->config.low_water;
	if (!(client->mode & FMODE_READ))
		client->flags = IODEMO_CLIENT_WRITE_ONLY;
	spin_lock_init(&client->lock);
	INIT_LIST_HEAD(&client->requests);
	init_waitqueue_head(&client->readers);
	iodemo_queue_init(&client->pollers);
	init_waitqueue_func_entry(&client->listening, wake_client);
	INIT_LIST_HEAD(&client->listening.entry);

	client->reading.page = client->page;
	client->reading.reads = client->mode & FMODE_READ;
	client->reading.waited_for = client->reading.reads && in_charge;
	client->reading.types = U32_MAX;
	client->id = iodemo_device_open(dev, &client->reading);
	client->opened_at = client->page->cursor;
	return client;
}

/* The file is closed. A request that somebody completes just now may still hold us. */
void iodemo_client_close(struct iodemo_client *client)
{
	spin_lock_irq(&client->dev->listeners.head.lock);
	list_del_init(&client->listening.entry);
	spin_unlock_irq(&client->dev->listeners.head.lock);

	iodemo_device_close(client->dev, &client->reading);
	iodemo_client_put(client);
}

static void client_free(struct kref *ref)
{
	struct iodemo_client *client = container_of(ref, struct iodemo_client, ref);
	struct iodemo_device *dev = client->dev;

	free_page((unsigned long)client->page);
	kfree(client);
	iodemo_device_put(dev);
}

/* In any context. */
void iodemo_client_put(struct iodemo_client *client)
{
	kref_put(&client->ref, client_free);
}
