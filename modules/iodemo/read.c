// SPDX-License-Identifier: GPL-2.0-only
/*
 * Models one and two: sleep until there is something to read, or EAGAIN
 *
 * No lock is held while data is copied to the user, which can fault and sleep:
 * a nonblocking reader has to get through, whoever else reads the same file.
 * So reading is optimistic. A reader looks where the cursor is, copies what is
 * there, and then moves the cursor past it, if the producer has not overwritten
 * what it copied and no other thread has moved the cursor. Else what is in the
 * user's buffer is void, and it starts again.
 */

#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/string_helpers.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"
#include "models.h"
#include "trace.h"

/* Records copied before the cursor moves: a producer close behind voids no more. */
#define BATCH	64

/* To an aligned buffer, word by word: that is quicker than a call, or than a loop. */
static bool put_record(struct iodemo_record __user *to, const struct iodemo_record *from)
{
	const u64 *word = (const u64 *)from;
	u64 __user *to_word = (u64 __user *)to;

	if (!user_write_access_begin(to, sizeof(*to)))
		return false;
	unsafe_put_user(word[0], &to_word[0], fault);
	unsafe_put_user(word[1], &to_word[1], fault);
	unsafe_put_user(word[2], &to_word[2], fault);
	unsafe_put_user(word[3], &to_word[3], fault);
	unsafe_put_user(word[4], &to_word[4], fault);
	unsafe_put_user(word[5], &to_word[5], fault);
	unsafe_put_user(word[6], &to_word[6], fault);
	unsafe_put_user(word[7], &to_word[7], fault);
	user_write_access_end();
	return true;
fault:
	user_write_access_end();
	return false;
}

/* Where an aligned record has room in the user's memory, in one piece; else NULL */
static void __user *room_for_record(const struct iov_iter *to)
{
	void __user *buffer = NULL;

	if (iter_is_ubuf(to) ||
	    (iter_is_iovec(to) && iter_segment_len(to) >= IODEMO_RECORD_SIZE))
		buffer = iter_segment(to);
	return IS_ALIGNED((unsigned long)buffer, sizeof(u64)) ? buffer : NULL;
}

/* Of a constant size: then hardened usercopy need not look up what lies there. */
static bool copy_record(const struct iodemo_record *from, struct iov_iter *to)
{
	void __user *buffer = room_for_record(to);
	size_t copied;

	if (buffer) {
		if (!put_record(buffer, from))
			return false;
		iov_iter_advance(to, IODEMO_RECORD_SIZE);
		return true;
	}
	copied = copy_to_iter(from, IODEMO_RECORD_SIZE, to);
	if (copied < IODEMO_RECORD_SIZE)
		iov_iter_revert(to, copied);
	return copied == IODEMO_RECORD_SIZE;
}

/*
 * Copies @n records that lie side by side; returns how many arrived whole. With
 * interrupts off one by one, as that look-up takes a lock that no interrupt may.
 */
static size_t copy_records(const struct iodemo_record *from, size_t n, struct iov_iter *to)
{
	size_t copied;

	if (n > 1 && !irqs_disabled()) {
		copied = copy_to_iter(from, n * IODEMO_RECORD_SIZE, to);
		iov_iter_revert(to, copied % IODEMO_RECORD_SIZE);
		return copied / IODEMO_RECORD_SIZE;
	}
	for (copied = 0; copied < n && copy_record(&from[copied], to); copied++)
		;
	return copied;
}

static ssize_t read_raw(struct iodemo_client *client, struct iov_iter *to, u32 retries)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	u32 capacity = iodemo_ring_capacity(ring);
	/* A lap at most: a reader must come back even from a producer as fast as it. */
	size_t left = min_t(size_t, iov_iter_count(to) / IODEMO_RECORD_SIZE, capacity);
	size_t done = 0;

	if (!left)	/* the format has changed while we slept */
		return -EINVAL;

	while (left) {
		u64 cursor = iodemo_client_catch_up(client);
		u64 head = iodemo_ring_head(ring);
		size_t to_end = capacity - (cursor & (capacity - 1));
		size_t batch, whole;

		if (head <= cursor)
			break;
		batch = min3(left, to_end, (size_t)min_t(u64, head - cursor, BATCH));
		whole = copy_records(iodemo_ring_slot(ring, cursor), batch, to);
		if (!whole)
			return done ?: -EFAULT;

		if (!iodemo_ring_intact(ring, cursor) ||
		    !iodemo_client_consume(client, cursor, whole)) {
			iov_iter_revert(to, whole * IODEMO_RECORD_SIZE);
			if (!retries--)
				break;
			continue;
		}
		done += whole * IODEMO_RECORD_SIZE;
		left -= whole;
		if (whole < batch)
			break;
	}
	return done ?: -EAGAIN;
}

/* In decimal, @width digits at least. Return: where they end. */
static char *put_number(char *text, u64 value, unsigned int width)
{
	char digits[20], *first = digits + sizeof(digits);
	size_t len;

	do {
		*--first = '0' + value % 10;
		value /= 10;
		len = digits + sizeof(digits) - first;
	} while (value || len < width);
	memcpy(text, first, len);
	return text + len;
}

static char *put_word(char *text, const char *word)
{
	while (*word)
		*text++ = *word++;
	return text;
}

static bool is_plain(const u8 *data, u16 len)
{
	for (u16 i = 0; i < len; i++) {
		if (data[i] < ' ' || data[i] > '~' || data[i] == '\\')
			return false;
	}
	return true;
}

static char *put_data(char *text, size_t size, const u8 *data, u16 len)
{
	if (!is_plain(data, len))
		return text + string_escape_mem(data, len, text, size,
						ESCAPE_SPACE | ESCAPE_SPECIAL | ESCAPE_OCTAL |
						ESCAPE_NAP | ESCAPE_APPEND, "\\");
	memcpy(text, data, len);
	return text + len;
}

/* Everybody's first read, and not by sprintf(), which takes five times as long */
static u16 format_line(char *text, const struct iodemo_record *record)
{
	u32 nsec;
	u64 sec = div_u64_rem(record->timestamp, NSEC_PER_SEC, &nsec);
	char *end = text;

	end = put_number(end, record->seq, 1);
	*end++ = ' ';
	end = put_number(end, sec, 1);
	*end++ = '.';
	end = put_number(end, nsec, 9);
	end = put_word(end, " cpu");
	end = put_number(end, record->cpu, 1);
	end = put_word(end, record->type == IODEMO_TYPE_ECHO ? " echo " : " sample ");
	/* There is room: at worst \ooo for each byte. */
	end = put_data(end, text + IODEMO_LINE_MAX - end, record->data, record->len);
	*end++ = '\n';
	return end - text;
}

/* The shortest line with so much data: "0 0.000000000 cpu0 echo " and a newline */
#define LINE_MIN(len)	(25 + (len))

/* The rest of the line that is half read, if there is one. */
static bool get_rest(struct iodemo_client *client, struct iodemo_line *line)
{
	unsigned long flags;
	bool half_read;

	if (!iodemo_client_half_read(client))
		return false;
	spin_lock_irqsave(&client->lock, flags);
	half_read = iodemo_client_half_read(client);
	if (half_read)
		*line = client->rest;
	spin_unlock_irqrestore(&client->lock, flags);
	return half_read;
}

/* That, or the next record as a line, unless it is longer than @room for sure. */
static bool get_line(struct iodemo_client *client, struct iodemo_line *line, size_t room,
		     u32 *retries)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	struct iodemo_record record;

	if (get_rest(client, line))
		return true;

	do {
		line->seq = iodemo_client_catch_up(client);
		if (iodemo_ring_head(ring) <= line->seq)
			return false;
		memcpy(&record, iodemo_ring_slot(ring, line->seq), sizeof(record));
		if (iodemo_ring_intact(ring, line->seq)) {
			if (LINE_MIN(record.len) > room)
				return false;
			line->off = 0;
			line->len = format_line(line->text, &record);
			return true;
		}
	} while ((*retries)--);
	return false;
}

/*
 * Whoever takes a line's first bytes moves the cursor past its record; what is
 * left of the line is kept for the next read. Return: did we get it first?
 */
static bool consume_line(struct iodemo_client *client, struct iodemo_line *line,
			 size_t copied)
{
	bool begins = !line->off;
	unsigned long flags;
	bool ours;

	spin_lock_irqsave(&client->lock, flags);
	if (begins)
		ours = !iodemo_client_half_read(client);
	else
		ours = iodemo_client_half_read(client) &&
		       client->rest.seq == line->seq && client->rest.off == line->off;
	if (ours) {
		line->off += copied;
		if (line->off < line->len && client->format == IODEMO_FORMAT_TEXT)
			iodemo_client_keep_rest(client, line);
		else
			iodemo_client_drop_rest(client);
	}
	/* Only now: in between it would look as if there was nothing left to read. */
	if (ours && begins && !iodemo_client_consume(client, line->seq, 1)) {
		iodemo_client_drop_rest(client);
		ours = false;
	}
	spin_unlock_irqrestore(&client->lock, flags);
	return ours;
}

/* Whole lines; only a buffer that is smaller than the first gets a part of it. */
static ssize_t read_text(struct iodemo_client *client, struct iov_iter *to, u32 retries)
{
	u32 left = iodemo_ring_capacity(&client->dev->ring);
	struct iodemo_line line;
	size_t done = 0;

	while (iov_iter_count(to) && left &&
	       get_line(client, &line, done ? iov_iter_count(to) : SIZE_MAX, &retries)) {
		size_t part = min_t(size_t, iov_iter_count(to), line.len - line.off);
		size_t copied;

		if (done && part < line.len - line.off)
			break;
		copied = copy_to_iter(line.text + line.off, part, to);
		if (!copied)
			return done ?: -EFAULT;
		if (!consume_line(client, &line, copied)) {
			iov_iter_revert(to, copied);
			if (!retries--)
				break;
			continue;
		}
		left--;
		done += copied;
		if (copied < part)
			break;
	}
	return done ?: -EAGAIN;
}

/*
 * Exclusive: one arrival wakes one of the readers. Who wakes us takes us off the
 * queue, so mostly we need not look after it again, as wait_event would.
 */
noinline int iodemo_read_sleep(struct iodemo_client *client)
{
	DEFINE_WAIT_FUNC(wait, iodemo_wake_reader);
	int err = 0;

	do {
		prepare_to_wait_exclusive(&client->readers, &wait, TASK_INTERRUPTIBLE);
		iodemo_client_listen(client);
		if (iodemo_client_readable(client))
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		schedule();
	} while (!iodemo_client_readable(client));
	finish_wait(&client->readers, &wait);
	return err;
}

/**
 * iodemo_read_now() - what a reader gets that may not sleep, or has slept
 * @client: who reads
 * @to: where to
 * @retries: how often another may be faster; a program that has the cursor mapped
 *	can always be
 *
 * In any context. Return: bytes, 0 if there will be none, EAGAIN, or EDEADLK: not
 * in an interrupt. For text takes long, and where its buffer lies, hardened
 * usercopy would look up with a lock that no interrupt may take.
 */
ssize_t iodemo_read_now(struct iodemo_client *client, struct iov_iter *to, u32 retries)
{
	/* In this order: what was stored before it went can be read. */
	bool gone = iodemo_device_gone(client->dev);
	ssize_t ret;

	if (READ_ONCE(client->format) == IODEMO_FORMAT_RAW)
		ret = read_raw(client, to, retries);
	else if (in_hardirq())
		ret = -EDEADLK;
	else
		ret = read_text(client, to, retries);
	return ret == -EAGAIN && gone ? 0 : ret;
}

static ssize_t wait_and_read(struct iodemo_client *client, struct iov_iter *to, bool nowait)
{
	ssize_t ret;

	for (;;) {
		if (nowait || iodemo_client_readable(client)) {
			ret = iodemo_read_now(client, to,
					      iodemo_ring_capacity(&client->dev->ring));
			if (ret != -EAGAIN || nowait)
				break;
			/* Somebody was faster; be sure that this can't go on for ever. */
			cond_resched();
			if (signal_pending(current)) {
				ret = -ERESTARTSYS;
				break;
			}
		}
		ret = iodemo_read_sleep(client);
		if (ret)
			return ret;
	}
	iodemo_client_pass_on(client);
	return ret;
}

/*
 * Is there an answer without a copy, and without a wait? Who asks in vain asks
 * again and again, so that comes before all that costs something.
 */
static inline bool answered(struct iodemo_client *client, size_t count, bool nowait,
			    ssize_t *answer)
{
	bool gone;

	if (READ_ONCE(client->format) == IODEMO_FORMAT_RAW) {
		*answer = -EINVAL;
		if (count < IODEMO_RECORD_SIZE)
			return true;
	} else {
		*answer = 0;
		if (!count)
			return true;
	}
	gone = iodemo_device_gone(client->dev);
	*answer = gone ? 0 : -EAGAIN;
	return (nowait || gone) && iodemo_client_empty(client);
}

static inline bool traced(void)
{
	return trace_iodemo_read_begin_enabled() || trace_iodemo_read_end_enabled();
}

/* Apart, since what it has to keep until the end costs who isn't traced 20 instructions */
static noinline ssize_t read_traced(struct iodemo_client *client, struct iov_iter *to,
				    bool nowait)
{
	ssize_t ret;

	trace_iodemo_read_begin(client, iov_iter_count(to), nowait);
	if (!answered(client, iov_iter_count(to), nowait, &ret))
		ret = wait_and_read(client, to, nowait);
	trace_iodemo_read_end(client, ret);
	return ret;
}

/* One after the other: sleep, or EAGAIN if @nowait. */
ssize_t iodemo_read_sync(struct iodemo_client *client, struct iov_iter *to, bool nowait)
{
	ssize_t answer;

	if (traced())
		return read_traced(client, to, nowait);
	if (answered(client, iov_iter_count(to), nowait, &answer))
		return answer;
	return wait_and_read(client, to, nowait);
}

static noinline ssize_t read_file_traced(struct file *file, char __user *buffer, size_t count)
{
	struct iov_iter to;

	iov_iter_ubuf(&to, ITER_DEST, buffer, count);
	return read_traced(file->private_data, &to, file->f_flags & O_NONBLOCK);
}

/*
 * read() would get there by read_iter too, but without this not as fast. The
 * price: kernel_read(), for readers in the kernel, refuses files with both.
 */
ssize_t iodemo_read(struct file *file, char __user *buffer, size_t count, loff_t *pos)
{
	struct iodemo_client *client = file->private_data;
	bool nowait = file->f_flags & O_NONBLOCK;
	struct iov_iter to;
	ssize_t answer;

	if (traced())
		return read_file_traced(file, buffer, count);
	if (answered(client, count, nowait, &answer))
		return answer;
	iov_iter_ubuf(&to, ITER_DEST, buffer, count);
	return wait_and_read(client, &to, nowait);
}
