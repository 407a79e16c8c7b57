/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The transmit queue: bounded, filled by write(), drained by the source
 */
#ifndef _IODEMO_TX_H
#define _IODEMO_TX_H

#include <linux/kfifo.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "source.h"

#define IODEMO_TX_CAPACITY	64	/* a power of two, for kfifo */

/**
 * struct iodemo_tx - what waits to be sent, and who waits to send
 * @lock: protects the members but the last; taken in hard interrupt context
 * @queue: what waits to be sent
 * @made_room: it was full or waited for, and there is room; nobody has been told yet
 * @closed: nothing is sent any more
 * @holder: only this one may send; NULL: all may
 * @writers: who waits in write(), exclusive, and requests to write; in turn
 */
struct iodemo_tx {
	spinlock_t lock;	/* hard irq */
	DECLARE_KFIFO(queue, struct iodemo_payload, IODEMO_TX_CAPACITY);
	bool made_room;
	bool closed;
	const void *holder;
	wait_queue_head_t writers;
};

void iodemo_tx_init(struct iodemo_tx *tx);
void iodemo_tx_close(struct iodemo_tx *tx);
void iodemo_tx_reserve(struct iodemo_tx *tx, const void *who);
bool iodemo_tx_release(struct iodemo_tx *tx, const void *who);
int iodemo_tx_put(struct iodemo_tx *tx, const void *who, const struct iodemo_payload *payload,
		  bool in_turn);
bool iodemo_tx_take(struct iodemo_tx *tx, struct iodemo_payload *payload);
bool iodemo_tx_take_room(struct iodemo_tx *tx);
bool iodemo_tx_flush(struct iodemo_tx *tx);

static inline bool iodemo_tx_has_room(struct iodemo_tx *tx)
{
	/* Without the lock a hint: who puts asks again, and who waits is told of room. */
	return !data_race(kfifo_is_full(&tx->queue));
}

/* Would a write that may sleep come back without having slept? */
static inline bool iodemo_tx_writable(struct iodemo_tx *tx)
{
	return iodemo_tx_has_room(tx) || READ_ONCE(tx->closed);
}

/* Does it belong to somebody else? */
static inline bool iodemo_tx_held_from(const struct iodemo_tx *tx, const void *who)
{
	const void *holder = READ_ONCE(tx->holder);

	return holder && holder != who;
}

#endif /* _IODEMO_TX_H */
