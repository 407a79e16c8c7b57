// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many records of which type there are before a place in the stream
 *
 * A file that wants only some types asks how many of these wait for it, in each
 * interrupt, and must not look at all records for that. So for each 64 of them there
 * is a block that has a bit for each, and how many there were before: a look at one
 * block tells of any place, and a search by halves finds the next record of a type,
 * in as many looks as the ring's capacity has bits.
 *
 * The producer writes it with the record, and so the order told in ring.c holds for
 * it too; but a block lasts longer than its records do. Nobody maps it.
 */

#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include "tally.h"

/*
 * For two laps, as a reader needs one, and the other is for what comes while he
 * looks; four blocks at least, since he may begin in the middle of one.
 */
int iodemo_tally_init(struct iodemo_tally *tally, u32 capacity)
{
	tally->blocks = max(4U, 2 * capacity / IODEMO_TALLY_RECORDS);
	tally->reach = (tally->blocks - 1) * IODEMO_TALLY_RECORDS;
	tally->block = kvcalloc(tally->blocks, sizeof(*tally->block), GFP_KERNEL);
	return tally->block ? 0 : -ENOMEM;
}

void iodemo_tally_free(struct iodemo_tally *tally)
{
	kvfree(tally->block);
}

static struct iodemo_tally_block *block_of(const struct iodemo_tally *tally, u64 seq)
{
	return &tally->block[seq / IODEMO_TALLY_RECORDS & (tally->blocks - 1)];
}

/* A new block, of which @seq is the first record. */
static void begin(struct iodemo_tally *tally, u64 seq)
{
	const struct iodemo_tally_block *last = block_of(tally, seq - 1);
	struct iodemo_tally_block *block = block_of(tally, seq);

	for (int i = 0; i < IODEMO_TALLY_TYPES; i++) {
		WRITE_ONCE(block->before[i], last->before[i] + hweight64(last->which[i]));
		WRITE_ONCE(block->which[i], 0);
	}
}

/* For the producer, of each record in turn that iodemo_tally_changes(). */
void iodemo_tally_add(struct iodemo_tally *tally, u64 seq, u16 type)
{
	u64 *which;

	if (!(seq % IODEMO_TALLY_RECORDS))
		begin(tally, seq);
	if (type == IODEMO_TYPE_SAMPLE)
		return;
	which = &block_of(tally, seq)->which[type - IODEMO_TYPE_SAMPLE - 1];
	WRITE_ONCE(*which, *which | BIT_ULL(seq % IODEMO_TALLY_RECORDS));
}

/**
 * iodemo_tally_before() - how many there are of these types before a record
 * @tally: of its ring
 * @seq: the record, up to head
 * @types: the types, a bit each
 *
 * In any context. Valid if iodemo_ring_tallied() says so afterwards.
 */
u64 iodemo_tally_before(const struct iodemo_tally *tally, u64 seq, u32 types)
{
	/* Head may be the first of a block that has not begun. */
	u64 last = seq - 1, others = 0, count = 0;
	const struct iodemo_tally_block *block = block_of(tally, last);
	u64 up_to_last = ~0ULL >> (IODEMO_TALLY_RECORDS - 1 - last % IODEMO_TALLY_RECORDS);

	if (!seq)
		return 0;
	for (int i = 0; i < IODEMO_TALLY_TYPES; i++) {
		u64 before = READ_ONCE(block->before[i]) +
			     hweight64(READ_ONCE(block->which[i]) & up_to_last);

		others += before;
		if (types & BIT(IODEMO_TYPE_SAMPLE + 1 + i))
			count += before;
	}
	if (types & BIT(IODEMO_TYPE_SAMPLE))
		count += seq - others;
	return count;
}

/**
 * iodemo_tally_find() - where the next record of these types is
 * @tally: of its ring
 * @from: where to begin
 * @to: where to end, up to head
 * @types: the types, a bit each
 *
 * As above, of @from. Return: its seq, or @to if there is none
 */
u64 iodemo_tally_find(const struct iodemo_tally *tally, u64 from, u64 to, u32 types)
{
	u64 before = iodemo_tally_before(tally, from, types);

	while (from < to) {
		u64 middle = from + (to - from) / 2;

		if (iodemo_tally_before(tally, middle + 1, types) == before)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}
