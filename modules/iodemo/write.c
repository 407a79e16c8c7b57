// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing: a bounded transmit queue, which the source drains and echoes
 */

#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "compat.h"
#include "iodemo.h"

void iodemo_tx_init(struct iodemo_tx *tx)
{
	spin_lock_init(&tx->lock);
	INIT_KFIFO(tx->queue);
	init_waitqueue_head(&tx->writers);
}

static bool tx_put(struct iodemo_tx *tx, const struct iodemo_payload *payload)
{
	unsigned long flags;
	bool put;

	spin_lock_irqsave(&tx->lock, flags);
	put = kfifo_put(&tx->queue, *payload);
	spin_unlock_irqrestore(&tx->lock, flags);
	return put;
}

/* For the source: the next record to send. */
bool iodemo_tx_take(struct iodemo_tx *tx, struct iodemo_payload *payload)
{
	unsigned long flags;
	bool taken;

	if (kfifo_is_empty(&tx->queue))		/* mostly, and then needs no lock */
		return false;

	spin_lock_irqsave(&tx->lock, flags);
	if (kfifo_is_full(&tx->queue))
		WRITE_ONCE(tx->made_room, true);
	taken = kfifo_get(&tx->queue, payload);
	spin_unlock_irqrestore(&tx->lock, flags);
	return taken;
}

/*
 * Wake who sleeps for room, if the queue was full and is no more. One writer is
 * enough: it will wake the next if it leaves room. Unplugged, all go. Return:
 * has room been made, for those to know who don't sleep?
 */
bool iodemo_tx_wake(struct iodemo_tx *tx, bool gone, u64 *wakeups)
{
	unsigned long flags;
	bool made_room;

	if (!READ_ONCE(tx->made_room) && !gone)
		return false;

	spin_lock_irqsave(&tx->lock, flags);
	made_room = tx->made_room;
	WRITE_ONCE(tx->made_room, false);
	spin_unlock_irqrestore(&tx->lock, flags);

	if (wq_has_sleeper(&tx->writers)) {
		(*wakeups)++;
		if (gone)
			wake_up_interruptible_all(&tx->writers);
		else
			wake_up_interruptible(&tx->writers);
	}
	return made_room;
}

/*
 * Both of these take one record's worth from the user. Return: the bytes taken,
 * or EFAULT, or EINVAL for a record that isn't one.
 */

static ssize_t get_raw(struct iodemo_payload *payload, struct iov_iter *from)
{
	struct iodemo_record record;

	if (!copy_from_iter_full(&record, sizeof(record), from))
		return -EFAULT;
	if (record.seq || record.timestamp || record.cpu || record.type ||
	    record.len > IODEMO_DATA_SIZE) {
		iov_iter_revert(from, sizeof(record));
		return -EINVAL;
	}
	payload->len = record.len;
	memset(payload->data, 0, sizeof(payload->data));
	memcpy(payload->data, record.data, record.len);
	return sizeof(record);
}

/* Up to a newline, which is taken and not sent, or as much as a record holds. */
static ssize_t get_text(struct iodemo_payload *payload, struct iov_iter *from)
{
	char text[IODEMO_DATA_SIZE + 1];
	size_t copied = copy_from_iter(text, min(iov_iter_count(from), sizeof(text)), from);
	const char *newline = memchr(text, '\n', copied);
	size_t taken;

	if (!copied)
		return -EFAULT;
	if (newline) {
		payload->len = newline - text;
		taken = payload->len + 1;
	} else {
		payload->len = min_t(size_t, copied, IODEMO_DATA_SIZE);
		taken = payload->len;
	}
	memset(payload->data, 0, sizeof(payload->data));
	memcpy(payload->data, text, payload->len);
	iov_iter_revert(from, copied - taken);
	return taken;
}

static int send(struct iodemo_client *client, const struct iodemo_payload *payload)
{
	struct iodemo_device *dev = client->dev;
	const struct iodemo_client *holder = READ_ONCE(dev->holder);

	if (iodemo_device_gone(dev))
		return -ENODEV;
	if (holder && holder != client)
		return -EBUSY;
	return tx_put(&dev->tx, payload) ? 0 : -EAGAIN;
}

/* What there is room for, without sleeping; EAGAIN if there is none. */
ssize_t iodemo_write_some(struct iodemo_client *client, struct iov_iter *from)
{
	bool raw = READ_ONCE(client->format) == IODEMO_FORMAT_RAW;
	size_t smallest = raw ? IODEMO_RECORD_SIZE : 1;
	struct iodemo_payload payload;
	size_t done = 0;
	ssize_t ret = 0;

	while (iov_iter_count(from) >= smallest) {
		ssize_t taken = raw ? get_raw(&payload, from) : get_text(&payload, from);

		ret = taken;
		if (taken < 0)
			break;
		ret = send(client, &payload);
		if (ret) {
			iov_iter_revert(from, taken);
			break;
		}
		done += taken;
	}
	return done ?: ret;
}

static bool writable(struct iodemo_device *dev)
{
	return iodemo_tx_has_room(&dev->tx) || iodemo_device_gone(dev);
}

ssize_t iodemo_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct iodemo_client *client = iocb->ki_filp->private_data;
	struct iodemo_device *dev = client->dev;
	bool nowait = iodemo_nowait(iocb);
	bool aio = iocb_is_aio(iocb);
	size_t done = 0;
	ssize_t ret;

	if (READ_ONCE(client->format) == IODEMO_FORMAT_RAW &&
	    iov_iter_count(from) < IODEMO_RECORD_SIZE)
		return -EINVAL;
	if (aio && !nowait && !list_empty(&client->aio.writes))
		return iodemo_aio_write(client, iocb, from, 0);

	for (;;) {
		ret = iodemo_write_some(client, from);
		if (ret > 0) {
			done += ret;
			continue;
		}
		if (ret != -EAGAIN || nowait)
			break;
		if (aio)
			return iodemo_aio_write(client, iocb, from, done);
		ret = wait_event_interruptible_exclusive(dev->tx.writers, writable(dev));
		if (ret)
			break;
	}

	/* As the sleeper that was woken, pass it on if there is still room. */
	if (wq_has_sleeper(&dev->tx.writers) && iodemo_tx_has_room(&dev->tx))
		wake_up_interruptible(&dev->tx.writers);
	return done ?: ret;
}
