/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A wake-up, and how much of it happens at once
 *
 * Whoever waits is an entry on a wait queue, with a wake function of its own: a
 * sleeping reader, an epoll item, a kernel AIO request, an io_uring command, and
 * a client, which waits for its device in their place. There can be any number
 * of them, since any program may open the device; and who tells them may be an
 * interrupt. So a wake-up has a budget, and what is beyond it is left to the
 * bottom half.
 */
#ifndef _IODEMO_WAKE_H
#define _IODEMO_WAKE_H

#include <linux/types.h>
#include <linux/wait.h>

/* Waiters that are told with interrupts off, before others get a turn. */
#define IODEMO_WAKES	32

/*
 * Who was told. The first is what a wake function gives that knows nothing of us;
 * ours on a client's pollers give theirs.
 */
#define IODEMO_WHOM_POLLERS	0x01
#define IODEMO_WHOM_READERS	0x02	/* asleep in a read */
#define IODEMO_WHOM_WRITERS	0x04	/* and in a write */
#define IODEMO_WHOM_SIGNALS	0x08	/* told, not woken */
#define IODEMO_WHOM_AIO		0x10	/* likewise: completed */
#define IODEMO_WHOM_URING	0x20

/**
 * struct iodemo_wake - what our own wake functions get as their key
 * @budget: waiters that may still be told
 * @woken: those who were, and were asleep
 * @whom: what kinds of them were told, IODEMO_WHOM_*
 * @room: the transmit queue was full, and is no more
 * @more: not all were told
 */
struct iodemo_wake {
	unsigned int budget;
	unsigned int woken;
	u32 whom;
	bool room;
	bool more;
};

#define IODEMO_WAKE(name)	struct iodemo_wake name = { .budget = IODEMO_WAKES }

/* Is there a turn left for one more? */
static inline bool iodemo_wake_spend(struct iodemo_wake *wake)
{
	if (wake->budget) {
		wake->budget--;
		return true;
	}
	wake->more = true;
	return false;
}

/**
 * struct iodemo_queue - a wait queue whose entries stay on it when they are told
 * @head: the entries; its lock is taken in hard interrupt context
 * @mark: who stands before it has not been told yet; on no list when all were
 */
struct iodemo_queue {
	wait_queue_head_t head;
	struct wait_queue_entry mark;
};

static inline void iodemo_queue_init(struct iodemo_queue *queue)
{
	init_waitqueue_head(&queue->head);	/* a class of its own for each .c, to lockdep */
	INIT_LIST_HEAD(&queue->mark.entry);
}

/* Has a round begun, and is not over? With its lock. */
static inline bool iodemo_queue_telling(const struct iodemo_queue *queue)
{
	return !list_empty(&queue->mark.entry);
}

/* Those who were told already are to be told again. With its lock. */
static inline void iodemo_queue_restart(struct iodemo_queue *queue)
{
	if (iodemo_queue_telling(queue))
		list_move_tail(&queue->mark.entry, &queue->head.head);
}

bool iodemo_queue_tell(struct iodemo_queue *queue, struct iodemo_wake *wake, void *key);
int iodemo_wake_reader(struct wait_queue_entry *wait, unsigned int mode, int flags,
		       void *key);

#endif /* _IODEMO_WAKE_H */
