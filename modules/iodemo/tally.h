/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many records of which type there are before a place in the stream, and where
 * the next one is
 */
#ifndef _IODEMO_TALLY_H
#define _IODEMO_TALLY_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <uapi/iodemo.h>

/* Records that a block tells of */
#define IODEMO_TALLY_RECORDS	64

/* Types that it counts. Samples are what none of these is. */
#define IODEMO_TALLY_TYPES	(IODEMO_TYPE_MAX - IODEMO_TYPE_SAMPLE)

/**
 * struct iodemo_tally_block - of successive records, the first's seq a multiple of them
 * @before: how many of each type there were before them
 * @which: which of them are of that type, a bit each
 */
struct iodemo_tally_block {
	u64 before[IODEMO_TALLY_TYPES];
	u64 which[IODEMO_TALLY_TYPES];
};

/**
 * struct iodemo_tally - of what the ring holds, and more
 * @block: of the records from seq on it is block[seq / IODEMO_TALLY_RECORDS % blocks]
 * @blocks: a power of two
 * @reach: the block of the record before seq is not touched until begun > seq + reach
 */
struct iodemo_tally {
	struct iodemo_tally_block *block;
	u32 blocks;
	u32 reach;
};

int iodemo_tally_init(struct iodemo_tally *tally, u32 capacity);
void iodemo_tally_free(struct iodemo_tally *tally);
void iodemo_tally_add(struct iodemo_tally *tally, u64 seq, u16 type);
u64 iodemo_tally_before(const struct iodemo_tally *tally, u64 seq, u32 types);
u64 iodemo_tally_find(const struct iodemo_tally *tally, u64 from, u64 to, u32 types);

/* For the producer: is this a record to add? A sample in the middle of a block isn't. */
static inline bool iodemo_tally_changes(u64 seq, u16 type)
{
	return type != IODEMO_TYPE_SAMPLE || !(seq % IODEMO_TALLY_RECORDS);
}

#endif /* _IODEMO_TALLY_H */
