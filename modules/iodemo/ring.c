// SPDX-License-Identifier: GPL-2.0-only
/*
 * The broadcast ring: one producer, any number of readers
 *
 * The producer is the interrupt. It never waits, and it does not know the
 * readers: it overwrites the oldest record. A reader copies what it wants
 * without a lock, and afterwards asks whether the producer had meanwhile begun
 * to overwrite it; if so, what it copied is void.
 *
 * Two positions make that safe. All records below head are finished; all
 * records from begun on have not been touched yet:
 *
 *	producer, for the record seq	reader, of the records from seq up
 *
 *	begun = seq + 1			load head		(finished)
 *	smp_wmb()	(begun)		copy the slots
 *	store the slot			smp_rmb()		(begun)
 *	head = seq + 1	(finished)	load begun
 *
 * (finished) A release store of head pairs with the acquire load: who sees the
 * new head sees the whole slot.
 *
 * (begun) The write barrier pairs with the read barrier: who copied even one
 * byte of the record that replaces seq, which is seq + capacity, also sees
 * begun beyond it. So if begun <= seq + capacity, then seq and all that
 * follow it were whole all the time.
 *
 * The copy itself is a data race, and meant to be: what it brings counts only when
 * it is known to have met no store. So readers say data_race().
 *
 * The tally is stored and looked at where the slots are, and so is ordered as they
 * are; only that its blocks are overwritten later (iodemo_ring_tallied()).
 *
 * A program that maps the ring is a reader like any other, with the barriers
 * that C11 has (userspace/lib/libiodemo-ring.h).
 */

#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "ring.h"

int iodemo_ring_init(struct iodemo_ring *ring, u32 capacity)
{
	void *memory = vmalloc_user(IODEMO_MMAP_RECORDS +
				    array_size(capacity, IODEMO_RECORD_SIZE));

	if (!memory)
		return -ENOMEM;
	ring->page = memory;
	ring->page->capacity = capacity;
	ring->slots = memory + IODEMO_MMAP_RECORDS;
	ring->capacity = capacity;
	return iodemo_tally_init(&ring->tally, capacity);
}

void iodemo_ring_free(struct iodemo_ring *ring)
{
	iodemo_tally_free(&ring->tally);
	vfree(ring->page);
}

/* All of it, from its first page on. */
int iodemo_ring_map(const struct iodemo_ring *ring, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, ring->page, 0);
}

/* What is not so with most records, apart: so these need not keep anything for it. */
static noinline const struct iodemo_record *finish_tallied(struct iodemo_ring *ring,
							   struct iodemo_record *slot)
{
	if (WARN_ON_ONCE(slot->type < IODEMO_TYPE_SAMPLE || slot->type > IODEMO_TYPE_MAX))
		slot->type = IODEMO_TYPE_ECHO;	/* a source's mistake is not to be ours */
	iodemo_tally_add(&ring->tally, slot->seq, slot->type);
	smp_store_release(&ring->page->head, slot->seq + 1);	/* (finished) */
	return slot;
}

/*
 * Called by one producer at a time, in any context. @data is as long as a
 * record's, and zero from @len on. Return: the record.
 */
const struct iodemo_record *iodemo_ring_push(struct iodemo_ring *ring, u64 timestamp,
					     u16 type, const u8 *data, u16 len)
{
	u64 seq = ring->page->head;
	struct iodemo_record *slot = iodemo_ring_slot(ring, seq);

	WRITE_ONCE(ring->page->begun, seq + 1);
	smp_wmb();	/* (begun) */

	slot->seq = seq;
	WRITE_ONCE(slot->timestamp, timestamp);	/* iodemo_client_peek() takes no copy */
	slot->cpu = raw_smp_processor_id();
	slot->type = type;
	slot->len = len;
	memcpy(slot->data, data, IODEMO_DATA_SIZE);

	if (unlikely(iodemo_tally_changes(seq, type)))
		return finish_tallied(ring, slot);
	smp_store_release(&ring->page->head, seq + 1);	/* (finished) */
	return slot;
}
