// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mapped ring: what libiodemo-ring.h leaves to a function
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libiodemo-ring.h"

/* Programs have it in themselves, so it stays as it is. */
_Static_assert(sizeof(void *) != 8 || sizeof(struct iodemo_ring) == 56, "struct iodemo_ring");

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
		return -errno;
	ring->cursor = (atomic_ullong *)&page->cursor;
	return 0;
}

int iodemo_ring_map(struct iodemo_ring *ring, int fd)
{
	const struct iodemo_ring_page *page;
	struct iodemo_info info;
	int err;

	if (ioctl(fd, IODEMO_GET_INFO, &info))
		return -errno;
	page = mmap(NULL, ring_length(info.capacity), PROT_READ, MAP_SHARED, fd,
		    IODEMO_MMAP_RING);
	if (page == MAP_FAILED)
		return -errno;
	*ring = (struct iodemo_ring){
		.fd = fd,
		.capacity = info.capacity,
		.records = (const void *)((const char *)page + IODEMO_MMAP_RECORDS),
		.begun = (const atomic_ullong *)&page->begun,
		.head = (const atomic_ullong *)&page->head,
	};
	err = map_cursor(ring);
	if (err)
		iodemo_ring_unmap(ring);
	return err;
}

void iodemo_ring_unmap(struct iodemo_ring *ring)
{
	munmap((char *)ring->records - IODEMO_MMAP_RECORDS, ring_length(ring->capacity));
	if (ring->cursor)
		munmap((void *)ring->cursor, sysconf(_SC_PAGESIZE));
}

int iodemo_ring_lapped(int fd)
{
	struct iodemo_stats stats;

	return ioctl(fd, IODEMO_GET_STATS, &stats) ? -errno : 0;
}

bool iodemo_ring_copy(const struct iodemo_ring *ring, __u64 seq, struct iodemo_record *record)
{
	if (iodemo_ring_head(ring) <= seq)
		return false;
	memcpy(record, iodemo_ring_slot(ring, seq), sizeof(*record));
	return iodemo_ring_intact(ring, seq);
}
