/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mapped ring: records read where they lie, without a copy or a system call
 *
 *	struct iodemo_ring ring;
 *
 *	if (iodemo_ring_map(&ring, fd))
 *		...
 *	while ((record = iodemo_ring_peek(&ring))) {
 *		... use *record, in a way that can still be undone ...
 *		if (iodemo_ring_take(&ring) == 1)
 *			... it was whole, and it is ours ...
 *	}
 *
 * It does what read() does in the kernel, on the same cursor: records taken
 * here are not read there, and poll(), SIGIO and io_uring go by it. Threads and
 * processes that share a file share its records, but each needs a struct of its
 * own.
 *
 * Errors are returned as -errno. No function here may be called for one struct by
 * two threads at a time.
 *
 * The kernel's side is modules/iodemo/ring.c, and the order of both is one:
 *
 *	producer, for the record seq	here, for the record seq
 *
 *	begun = seq + 1			load head, acquire	(finished)
 *	smp_wmb()	(begun)		use the record
 *	store the slot			fence, acquire		(begun)
 *	head = seq + 1	(finished)	load begun
 *
 * (finished) The acquire load of head pairs with the release store: who sees
 * the new head sees the whole record.
 *
 * (begun) The acquire fence pairs with the write barrier: if even one byte that
 * we used was of the record that replaces seq, which is seq + capacity, then we
 * also see begun beyond it. So if begun <= seq + capacity, what we used was
 * whole all the time.
 *
 * The record itself is read by ordinary loads, which can race with the device;
 * nothing comes of what they gave until the check has passed. The cursor needs
 * no order, as the device never looks at it: only one who moves it from seq to
 * seq + 1 has the record.
 */
#ifndef LIBIODEMO_RING_H
#define LIBIODEMO_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "iodemo.h"

#pragma GCC visibility push(default)

/**
 * struct iodemo_ring - a mapped ring, and a file's place in it
 * @fd: the file
 * @capacity: records in the ring, a power of two
 * @records: the record with a seq is at index seq % capacity
 * @begun: seq up to which the device has begun to store records
 * @head: seq up to which it has finished
 * @cursor: seq of the next record to read, of this file; NULL if the file is
 *	open for reading alone
 * @peeked: seq of the record that was handed out
 */
struct iodemo_ring {
	int fd;
	__u64 capacity;
	const struct iodemo_record *records;
	const atomic_ullong *begun;
	const atomic_ullong *head;
	atomic_ullong *cursor;
	__u64 peeked;
};

/**
 * iodemo_ring_map() - map the ring of an open device
 * @ring: to be filled in
 * @fd: a device, open for reading and writing; for reading alone, there is no
 *	cursor, and what is left is iodemo_ring_copy(). It stays the caller's,
 *	and has to stay open for iodemo_ring_take().
 *
 * Return: 0, or -EACCES if it is not open for reading, -ENODEV if the device was
 * unplugged, -ENOTTY if it is no iodemo device, -EBADF, -ENOMEM
 */
int iodemo_ring_map(struct iodemo_ring *ring, int fd);

void iodemo_ring_unmap(struct iodemo_ring *ring);

/* The seq that the next record will have: those from it - capacity up are in the ring. */
static inline __u64 iodemo_ring_head(const struct iodemo_ring *ring)
{
	return atomic_load_explicit(ring->head, memory_order_acquire);	/* (finished) */
}

/* Where the record with this seq lies, if the ring holds it. */
static inline const struct iodemo_record *iodemo_ring_slot(const struct iodemo_ring *ring,
							   __u64 seq)
{
	return &ring->records[seq & (ring->capacity - 1)];
}

/* After a record was used: was it whole all the time? */
static inline bool iodemo_ring_intact(const struct iodemo_ring *ring, __u64 seq)
{
	atomic_thread_fence(memory_order_acquire);	/* (begun) */
	return atomic_load_explicit(ring->begun, memory_order_relaxed) <= seq + ring->capacity;
}

/**
 * iodemo_ring_peek() - look at the next record, which stays
 * @ring: the mapped ring
 *
 * The device can begin to overwrite it at any time. What it held is certain
 * only once iodemo_ring_take() has returned 1.
 *
 * Return: where it lies; NULL if none is there, or if there is no cursor
 */
static inline const struct iodemo_record *iodemo_ring_peek(struct iodemo_ring *ring)
{
	__u64 seq;

	if (!ring->cursor)
		return NULL;
	seq = atomic_load_explicit(ring->cursor, memory_order_relaxed);
	if (iodemo_ring_head(ring) <= seq)
		return NULL;
	ring->peeked = seq;
	return iodemo_ring_slot(ring, seq);
}

/* For iodemo_ring_take(). Takes the descriptor, so that a ring can live in registers. */
int iodemo_ring_lapped(int fd);

/**
 * iodemo_ring_take() - move the cursor past the record that peek gave
 * @ring: the mapped ring
 *
 * A file that was lapped asks IODEMO_GET_STATS, the one system call here: it
 * counts what was lost, moves the cursor to the oldest record and takes back
 * EPOLLPRI. So read + lost + lag stays exact, whoever reads, and how.
 *
 * Return: 1 if the record was whole and is the caller's; 0 if it is not, since
 * it was overwritten, or somebody else who shares the file was faster: peek
 * again. -ENODEV if it was lapped, and then the device was
 * unplugged: read() gives what is left.
 */
static inline int iodemo_ring_take(struct iodemo_ring *ring)
{
	__u64 seq = ring->peeked;

	if (!iodemo_ring_intact(ring, seq))
		return iodemo_ring_lapped(ring->fd);
	return atomic_compare_exchange_strong_explicit(ring->cursor, &seq, seq + 1,
						       memory_order_relaxed,
						       memory_order_relaxed);
}

/**
 * iodemo_ring_copy() - copy any record that the ring holds, wherever the cursor is
 * @ring: the mapped ring
 * @seq: which
 * @record: where to
 *
 * Return: did it hold that record, whole? If not, @record means nothing
 */
bool iodemo_ring_copy(const struct iodemo_ring *ring, __u64 seq, struct iodemo_record *record);

#pragma GCC visibility pop

#endif /* LIBIODEMO_RING_H */
