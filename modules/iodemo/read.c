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

#include <linux/sched/signal.h>
#include <linux/string_helpers.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "compat.h"
#include "iodemo.h"

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

/* Of a constant size: then hardened usercopy need not look up what lies there. */
static bool copy_record(const struct iodemo_record *from, struct iov_iter *to)
{
	void __user *buffer = to->ubuf + to->iov_offset;
	size_t copied;

	if (iter_is_ubuf(to) && IS_ALIGNED((unsigned long)buffer, sizeof(u64))) {
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

/* Copies @n records that lie side by side; returns how many arrived whole. */
static size_t copy_records(const struct iodemo_record *from, size_t n, struct iov_iter *to)
{
	size_t copied;

	if (n == 1)
		return copy_record(from, to);
	copied = copy_to_iter(from, n * IODEMO_RECORD_SIZE, to);
	iov_iter_revert(to, copied % IODEMO_RECORD_SIZE);
	return copied / IODEMO_RECORD_SIZE;
}

static ssize_t read_raw(struct iodemo_client *client, struct iov_iter *to)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	u32 capacity = iodemo_ring_capacity(ring);
	/* A lap at most: a reader must come back even from a producer as fast as it. */
	size_t left = min_t(size_t, iov_iter_count(to) / IODEMO_RECORD_SIZE, capacity);
	size_t done = 0;

	if (!left)	/* the format has changed while we slept */
		return -EINVAL;

	/* As many tries at most, whatever another thread does with the cursor. */
	for (u32 tries = capacity; left && tries; tries--) {
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
			continue;
		}
		done += whole * IODEMO_RECORD_SIZE;
		left -= whole;
		if (whole < batch)
			break;
	}
	return done ?: -EAGAIN;
}

static const char *type_name(u16 type)
{
	return type == IODEMO_TYPE_ECHO ? "echo" : "sample";
}

static u16 format_line(char *text, const struct iodemo_record *record)
{
	u32 nsec;
	u64 sec = div_u64_rem(record->timestamp, NSEC_PER_SEC, &nsec);
	int len = scnprintf(text, IODEMO_LINE_MAX, "%llu %llu.%09u cpu%u %s ", record->seq,
			    sec, nsec, record->cpu, type_name(record->type));

	/* There is room: at worst \ooo for each byte. */
	len += string_escape_mem(record->data, record->len, text + len,
				 IODEMO_LINE_MAX - len,
				 ESCAPE_SPACE | ESCAPE_SPECIAL | ESCAPE_OCTAL |
				 ESCAPE_NAP | ESCAPE_APPEND, "\\");
	text[len++] = '\n';
	return len;
}

/* The rest of the line that is half read, or the next record as a line. */
static bool get_line(struct iodemo_client *client, struct iodemo_line *line)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	struct iodemo_record record;
	bool half_read;

	spin_lock(&client->lock);
	half_read = iodemo_client_half_read(client);
	if (half_read)
		*line = client->rest;
	spin_unlock(&client->lock);
	if (half_read)
		return true;

	for (u32 tries = iodemo_ring_capacity(ring); tries; tries--) {
		line->seq = iodemo_client_catch_up(client);
		if (iodemo_ring_head(ring) <= line->seq)
			return false;
		memcpy(&record, iodemo_ring_slot(ring, line->seq), sizeof(record));
		if (!iodemo_ring_intact(ring, line->seq))
			continue;
		line->off = 0;
		line->len = format_line(line->text, &record);
		return true;
	}
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
	bool ours;

	spin_lock(&client->lock);
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
	spin_unlock(&client->lock);
	return ours;
}

/* Whole lines; only a buffer that is smaller than the first gets a part of it. */
static ssize_t read_text(struct iodemo_client *client, struct iov_iter *to)
{
	u32 left = iodemo_ring_capacity(&client->dev->ring);
	struct iodemo_line line;
	size_t done = 0;

	while (iov_iter_count(to) && left-- && get_line(client, &line)) {
		size_t part = min_t(size_t, iov_iter_count(to), line.len - line.off);
		size_t copied;

		if (done && part < line.len - line.off)
			break;
		copied = copy_to_iter(line.text + line.off, part, to);
		if (!copied)
			return done ?: -EFAULT;
		if (!consume_line(client, &line, copied)) {
			iov_iter_revert(to, copied);
			continue;
		}
		done += copied;
		if (copied < part)
			break;
	}
	return done ?: -EAGAIN;
}

/* What is there, without sleeping; EAGAIN if nothing. */
ssize_t iodemo_read_some(struct iodemo_client *client, struct iov_iter *to)
{
	if (READ_ONCE(client->format) == IODEMO_FORMAT_RAW)
		return read_raw(client, to);
	return read_text(client, to);
}

/*
 * Exclusive: one arrival wakes one of the readers. Who wakes us takes us off the
 * queue, so mostly we need not look after it again, as wait_event would.
 */
static noinline int sleep_until_readable(struct iodemo_client *client)
{
	DEFINE_WAIT(wait);
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

static ssize_t wait_and_read(struct iodemo_client *client, struct iov_iter *to, bool nowait,
			     struct kiocb *aio)
{
	/* Requests are completed in the order in which they were submitted. */
	bool behind_others = aio && !list_empty(&client->aio.reads);
	ssize_t ret;

	for (;;) {
		/* In this order: what was stored before it went can be read. */
		bool gone = iodemo_device_gone(client->dev);

		if (nowait || (iodemo_client_readable(client) && !behind_others)) {
			ret = iodemo_read_some(client, to);
			if (ret != -EAGAIN)
				break;
			if (gone)
				return 0;
			if (nowait)
				return -EAGAIN;
			/* Somebody was faster; be sure that this can't go on for ever. */
			cond_resched();
			if (signal_pending(current)) {
				ret = -ERESTARTSYS;
				break;
			}
		}
		if (aio)
			return iodemo_aio_read(client, aio, to);
		ret = sleep_until_readable(client);
		if (ret)
			return ret;
	}
	iodemo_client_wake_next_reader(client);
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

/* readv(), preadv2(), io_uring, kernel AIO, splice */
ssize_t iodemo_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct iodemo_client *client = iocb->ki_filp->private_data;
	bool nowait = iodemo_nowait(iocb);
	ssize_t answer;

	if (answered(client, iov_iter_count(to), nowait, &answer))
		return answer;
	return wait_and_read(client, to, nowait, iocb_is_aio(iocb) ? iocb : NULL);
}

/*
 * read() would get there by iodemo_read_iter() too, but without this not as fast.
 * The price: kernel_read(), for readers in the kernel, refuses files with both.
 */
ssize_t iodemo_read(struct file *file, char __user *buffer, size_t count, loff_t *pos)
{
	struct iodemo_client *client = file->private_data;
	bool nowait = file->f_flags & O_NONBLOCK;
	struct iov_iter to;
	ssize_t answer;

	if (answered(client, count, nowait, &answer))
		return answer;
	iov_iter_ubuf(&to, ITER_DEST, buffer, count);
	return wait_and_read(client, &to, nowait, NULL);
}
