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
 * Errors are returned and left to the caller.
 */
#ifndef LIBIODEMO_RING_H
#define LIBIODEMO_RING_H

#include <stdatomic.h>
#include <stdbool.h>

#include "iodemo.h"

/**
 * struct iodemo_ring - a mapped ring, and a file's place in it
 * @fd: the file
 * @capacity: records in the ring
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
 * Return: 0, or -1 with errno: EACCES if it is not open for reading, ENODEV if
 * the device was unplugged, ENOTTY if it is no iodemo device, ENOMEM
 */
int iodemo_ring_map(struct iodemo_ring *ring, int fd);

void iodemo_ring_unmap(struct iodemo_ring *ring);

/**
 * iodemo_ring_peek() - look at the next record, which stays
 * @ring: the mapped ring
 *
 * The device can begin to overwrite it at any time. What it held is certain
 * only once iodemo_ring_take() has returned 1.
 *
 * Return: where it lies; NULL if none is there, or if there is no cursor
 */
const struct iodemo_record *iodemo_ring_peek(struct iodemo_ring *ring);

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
 * again. -1 with errno ENODEV if it was lapped, and then the device was
 * unplugged: read() gives what is left.
 */
int iodemo_ring_take(struct iodemo_ring *ring);

/* The seq that the next record will have: those from it - capacity up are in the ring. */
__u64 iodemo_ring_head(const struct iodemo_ring *ring);

/**
 * iodemo_ring_copy() - copy any record that the ring holds, wherever the cursor is
 * @ring: the mapped ring
 * @seq: which
 * @record: where to
 *
 * Return: did it hold that record, whole? If not, @record means nothing
 */
bool iodemo_ring_copy(const struct iodemo_ring *ring, __u64 seq, struct iodemo_record *record);

#endif /* LIBIODEMO_RING_H */
