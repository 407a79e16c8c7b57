// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mapped ring, read by C11's rules
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
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libiodemo-ring.h"

static size_t ring_length(__u64 capacity)
{
	return IODEMO_MMAP_RECORDS + capacity * sizeof(struct iodemo_record);
}

static int map_cursor(struct iodemo_ring *ring)
{
	struct iodemo_cursor_page *page;

	if ((fcntl(ring->fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return 0;
	page = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
		    IODEMO_MMAP_CURSOR);
	if (page == MAP_FAILED)
		return -1;
	ring->cursor = (atomic_ullong *)&page->cursor;
	return 0;
}

int iodemo_ring_map(struct iodemo_ring *ring, int fd)
{
	const struct iodemo_ring_page *page;
	struct iodemo_info info;
	int saved;

	if (ioctl(fd, IODEMO_GET_INFO, &info))
		return -1;
	page = mmap(NULL, ring_length(info.capacity), PROT_READ, MAP_SHARED, fd,
		    IODEMO_MMAP_RING);
	if (page == MAP_FAILED)
		return -1;
	*ring = (struct iodemo_ring){
		.fd = fd,
		.capacity = info.capacity,
		.records = (const void *)((const char *)page + IODEMO_MMAP_RECORDS),
		.begun = (const atomic_ullong *)&page->begun,
		.head = (const atomic_ullong *)&page->head,
	};
	if (map_cursor(ring)) {
		saved = errno;
		iodemo_ring_unmap(ring);
		errno = saved;
		return -1;
	}
	return 0;
}

void iodemo_ring_unmap(struct iodemo_ring *ring)
{
	munmap((char *)ring->records - IODEMO_MMAP_RECORDS, ring_length(ring->capacity));
	if (ring->cursor)
		munmap((void *)ring->cursor, sysconf(_SC_PAGESIZE));
}

static const struct iodemo_record *slot(const struct iodemo_ring *ring, __u64 seq)
{
	return &ring->records[seq % ring->capacity];
}

/* After a record was used: was it whole all the time? */
static bool intact(const struct iodemo_ring *ring, __u64 seq)
{
	atomic_thread_fence(memory_order_acquire);	/* (begun) */
	return atomic_load_explicit(ring->begun, memory_order_relaxed) <= seq + ring->capacity;
}

__u64 iodemo_ring_head(const struct iodemo_ring *ring)
{
	return atomic_load_explicit(ring->head, memory_order_acquire);	/* (finished) */
}

const struct iodemo_record *iodemo_ring_peek(struct iodemo_ring *ring)
{
	__u64 seq;

	if (!ring->cursor)
		return NULL;
	seq = atomic_load_explicit(ring->cursor, memory_order_relaxed);
	if (iodemo_ring_head(ring) <= seq)
		return NULL;
	ring->peeked = seq;
	return slot(ring, seq);
}

int iodemo_ring_take(struct iodemo_ring *ring)
{
	struct iodemo_stats stats;
	__u64 seq = ring->peeked;

	if (!intact(ring, seq))
		return ioctl(ring->fd, IODEMO_GET_STATS, &stats);
	return atomic_compare_exchange_strong_explicit(ring->cursor, &seq, seq + 1,
						       memory_order_relaxed,
						       memory_order_relaxed);
}

bool iodemo_ring_copy(const struct iodemo_ring *ring, __u64 seq, struct iodemo_record *record)
{
	if (iodemo_ring_head(ring) <= seq)
		return false;
	memcpy(record, slot(ring, seq), sizeof(*record));
	return intact(ring, seq);
}
