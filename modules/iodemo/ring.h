/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The broadcast ring: one producer, any number of readers; ring.c tells how
 */
#ifndef _IODEMO_RING_H
#define _IODEMO_RING_H

#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <uapi/iodemo.h>

#include "tally.h"

#ifndef CONFIG_64BIT
#error "iodemo needs a 64-bit kernel: it loads and stores stream positions in one piece"
#endif

#define IODEMO_RECORD_SIZE	sizeof(struct iodemo_record)

static_assert(IODEMO_RECORD_SIZE == 64);

struct vm_area_struct;

/**
 * struct iodemo_ring - the last capacity records of the stream
 * @page: begun and head; shared, with the slots, with who maps the ring
 * @slots: the records; seq is in slots[seq % capacity]
 * @capacity: how many, a power of two
 * @tally: of which types they are
 *
 * Only the producer writes. Readers follow the order told in ring.c.
 */
struct iodemo_ring {
	struct iodemo_ring_page *page;
	struct iodemo_record *slots;
	u32 capacity;
	struct iodemo_tally tally;
};

int iodemo_ring_init(struct iodemo_ring *ring, u32 capacity);
void iodemo_ring_free(struct iodemo_ring *ring);
const struct iodemo_record *iodemo_ring_push(struct iodemo_ring *ring, u64 timestamp,
					     u16 type, const u8 *data, u16 len);
int iodemo_ring_map(const struct iodemo_ring *ring, struct vm_area_struct *vma);

static inline u32 iodemo_ring_capacity(const struct iodemo_ring *ring)
{
	return ring->capacity;
}

static inline struct iodemo_record *iodemo_ring_slot(const struct iodemo_ring *ring,
						     u64 seq)
{
	return &ring->slots[seq & (ring->capacity - 1)];
}

/* Records below this are finished. */
static inline u64 iodemo_ring_head(const struct iodemo_ring *ring)
{
	return smp_load_acquire(&ring->page->head);	/* (finished) in ring.c */
}

/* Records below this are overwritten, or are just being. */
static inline u64 iodemo_ring_oldest(const struct iodemo_ring *ring)
{
	u64 begun = READ_ONCE(ring->page->begun);
	u32 capacity = iodemo_ring_capacity(ring);

	return begun > capacity ? begun - capacity : 0;
}

/* How many of what is there wait for who stands at the cursor. */
static inline u64 iodemo_ring_waiting(const struct iodemo_ring *ring, u64 cursor)
{
	u64 from = max(cursor, iodemo_ring_oldest(ring));
	u64 head = iodemo_ring_head(ring);

	return head > from ? head - from : 0;
}

/* After copying records from seq up: were they whole all the time? */
static inline bool iodemo_ring_intact(const struct iodemo_ring *ring, u64 seq)
{
	smp_rmb();	/* (begun) in ring.c */
	return seq >= iodemo_ring_oldest(ring);
}

/* After looking at the tally from seq up: was that so all the time? */
static inline bool iodemo_ring_tallied(const struct iodemo_ring *ring, u64 seq)
{
	smp_rmb();	/* (begun) in ring.c */
	return READ_ONCE(ring->page->begun) <= seq + ring->tally.reach;
}

#endif /* _IODEMO_RING_H */
