/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records to the user, quickly
 *
 * The plain way is copy_to_iter(from, n * IODEMO_RECORD_SIZE, to), and to many
 * records that is all there is here too. But most reads are of one, and by it take
 * 1077 instructions from the call of read() to its return. With the size constant,
 * hardened usercopy, which is to see that no more is copied than lies there, has
 * nothing to look up: 905. Word by word into an aligned buffer, that leaves 818.
 */
#ifndef _IODEMO_COPY_H
#define _IODEMO_COPY_H

#include <linux/irqflags.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"
#include "ring.h"

static __always_inline u64 iodemo_word(const struct iodemo_record *record, unsigned int word)
{
	/* What the producer was at meanwhile is void, see ring.c. */
	return data_race(((const u64 *)record)[word]);
}

/* To an aligned buffer, word by word: that is quicker than a call, or than a loop. */
static __always_inline bool iodemo_put_record(struct iodemo_record __user *to,
					      const struct iodemo_record *from)
{
	u64 __user *to_word = (u64 __user *)to;

	if (!user_write_access_begin(to, sizeof(*to)))
		return false;
	unsafe_put_user(iodemo_word(from, 0), &to_word[0], fault);
	unsafe_put_user(iodemo_word(from, 1), &to_word[1], fault);
	unsafe_put_user(iodemo_word(from, 2), &to_word[2], fault);
	unsafe_put_user(iodemo_word(from, 3), &to_word[3], fault);
	unsafe_put_user(iodemo_word(from, 4), &to_word[4], fault);
	unsafe_put_user(iodemo_word(from, 5), &to_word[5], fault);
	unsafe_put_user(iodemo_word(from, 6), &to_word[6], fault);
	unsafe_put_user(iodemo_word(from, 7), &to_word[7], fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

/* Where an aligned record has room in the user's memory, in one piece; else NULL */
static inline void __user *iodemo_room_for_record(const struct iov_iter *to)
{
	void __user *buffer = NULL;

	if (iter_is_ubuf(to) ||
	    (iter_is_iovec(to) && iter_segment_len(to) >= IODEMO_RECORD_SIZE))
		buffer = iter_segment(to);
	return IS_ALIGNED((unsigned long)buffer, sizeof(u64)) ? buffer : NULL;
}

/* Of a constant size, see above. */
static __always_inline bool iodemo_copy_record(const struct iodemo_record *from,
					       struct iov_iter *to)
{
	void __user *buffer = iodemo_room_for_record(to);
	size_t copied;

	if (buffer) {
		if (!iodemo_put_record(buffer, from))
			return false;
		iov_iter_advance(to, IODEMO_RECORD_SIZE);
		return true;
	}
	/* As in iodemo_word(). */
	copied = data_race(copy_to_iter(from, IODEMO_RECORD_SIZE, to));
	if (copied < IODEMO_RECORD_SIZE)
		iov_iter_revert(to, copied);
	return copied == IODEMO_RECORD_SIZE;
}

/*
 * Copies @n records that lie side by side; returns how many arrived whole. With
 * interrupts off one by one, as that look-up takes a lock that no interrupt may.
 */
static __always_inline size_t iodemo_copy_records(const struct iodemo_record *from, size_t n,
						  struct iov_iter *to)
{
	size_t copied;

	if (n > 1 && !irqs_disabled()) {
		/* As in iodemo_word(). */
		copied = data_race(copy_to_iter(from, n * IODEMO_RECORD_SIZE, to));
		iov_iter_revert(to, copied % IODEMO_RECORD_SIZE);
		return copied / IODEMO_RECORD_SIZE;
	}
	for (copied = 0; copied < n && iodemo_copy_record(&from[copied], to); copied++)
		;
	return copied;
}

#endif /* _IODEMO_COPY_H */
