// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transmit queue
 *
 * Whose device it is, and whether it still is there, is looked at under the same
 * lock under which a record gets in: when RESERVE, or unplugging, has returned,
 * nothing of anybody else gets in any more.
 */

#include "tx.h"

/*
 * Mostly whoever waits finds the queue full; but who was woken for room, and hasn't
 * taken it yet, doesn't. Without the queue's lock: it is of those who were there before.
 */
static bool has_waiters(struct iodemo_tx *tx)
{
	return waitqueue_active(&tx->writers);	/* see above */
}

void iodemo_tx_init(struct iodemo_tx *tx)
{
	spin_lock_init(&tx->lock);
	INIT_KFIFO(tx->queue);
	init_waitqueue_head(&tx->writers);
}

void iodemo_tx_close(struct iodemo_tx *tx)
{
	spin_lock_irq(&tx->lock);
	WRITE_ONCE(tx->closed, true);
	spin_unlock_irq(&tx->lock);
}

void iodemo_tx_reserve(struct iodemo_tx *tx, const void *who)
{
	spin_lock_irq(&tx->lock);
	WRITE_ONCE(tx->holder, who);
	spin_unlock_irq(&tx->lock);
}

/* Return: was it the holder? */
bool iodemo_tx_release(struct iodemo_tx *tx, const void *who)
{
	bool held;

	spin_lock_irq(&tx->lock);
	held = tx->holder == who;
	if (held)
		WRITE_ONCE(tx->holder, NULL);
	spin_unlock_irq(&tx->lock);
	return held;
}

/*
 * For @who, to send; ENODEV, EBUSY, or EAGAIN: there is no room, or there are others
 * who wait for it, and it isn't his turn. In any context.
 */
int iodemo_tx_put(struct iodemo_tx *tx, const void *who, const struct iodemo_payload *payload,
		  bool in_turn)
{
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&tx->lock, flags);
	if (tx->closed)
		err = -ENODEV;
	else if (iodemo_tx_held_from(tx, who))
		err = -EBUSY;
	else if ((!in_turn && has_waiters(tx)) || !kfifo_put(&tx->queue, *payload))
		err = -EAGAIN;
	spin_unlock_irqrestore(&tx->lock, flags);
	return err;
}

/* For the source: the next record to send. */
bool iodemo_tx_take(struct iodemo_tx *tx, struct iodemo_payload *payload)
{
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&tx->lock, flags);
	if (kfifo_is_full(&tx->queue) || has_waiters(tx))
		WRITE_ONCE(tx->made_room, true);
	taken = kfifo_get(&tx->queue, payload);
	spin_unlock_irqrestore(&tx->lock, flags);
	return taken;
}

/* Has somebody to be told of room? Who asks has to do it. */
bool iodemo_tx_take_room(struct iodemo_tx *tx)
{
	unsigned long flags;
	bool made_room;

	if (!READ_ONCE(tx->made_room))
		return false;

	spin_lock_irqsave(&tx->lock, flags);
	made_room = tx->made_room;
	WRITE_ONCE(tx->made_room, false);
	spin_unlock_irqrestore(&tx->lock, flags);
	return made_room;
}

/* Nothing of what is in it is sent. Return: is that news? As above. */
bool iodemo_tx_flush(struct iodemo_tx *tx)
{
	bool is_news;

	spin_lock_irq(&tx->lock);
	is_news = kfifo_is_full(&tx->queue) || has_waiters(tx);
	if (is_news)
		WRITE_ONCE(tx->made_room, true);
	kfifo_reset_out(&tx->queue);
	spin_unlock_irq(&tx->lock);
	return is_news;
}
