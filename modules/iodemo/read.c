// SPDX-License-Identifier: GPL-2.0-only
/*
 * Models one and two: sleep until there is something to read, or EAGAIN
 *
 * Begin at the end, with iodemo_read(), which is what read() comes to: sleep, then
 * copy. No lock is held while data is copied to the user, which can fault and sleep:
 * a nonblocking reader has to get through, whoever else reads the same file.
 * So reading is optimistic. A reader looks where the cursor is, copies what is
 * there, and then moves the cursor past it, if the producer has not overwritten
 * what it copied and no other thread has moved the cursor. Else what is in the
 * user's buffer is void, and it starts again.
 */

#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "compat.h"
#include "copy.h"
#include "models.h"
#include "trace.h"

/* Records copied before the cursor moves: a producer close behind voids no more. */
#define BATCH	64

/* Waiting ------------------------------------------------------------------ */

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

/* Taking ------------------------------------------------------------------- */

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
		whole = iodemo_copy_records(iodemo_ring_slot(ring, cursor), batch, to);
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

/*
 * Of a client with a mask, which passes what it doesn't want before it reads. Of what
 * it wants, the next few can lie together; or none does: another was faster, and left
 * the cursor before a record that is not wanted.
 */
static noinline ssize_t read_masked(struct iodemo_client *client, struct iov_iter *to,
				    u32 retries)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	u32 capacity = iodemo_ring_capacity(ring);
	size_t left = min_t(size_t, iov_iter_count(to) / IODEMO_RECORD_SIZE, capacity);
	size_t done = 0;

	if (!left)
		return -EINVAL;

	while (left) {
		u64 cursor = iodemo_client_skip_unwanted(client);
		u64 head = iodemo_ring_head(ring);
		size_t to_end = capacity - (cursor & (capacity - 1));
		size_t batch, whole;

		if (head <= cursor)
			break;
		batch = min3(left, to_end, (size_t)min_t(u64, head - cursor, BATCH));
		batch = iodemo_tally_find(&ring->tally, cursor, cursor + batch,
					  ~READ_ONCE(client->reading.types)) - cursor;
		whole = iodemo_copy_records(iodemo_ring_slot(ring, cursor), batch, to);
		if (batch && !whole)
			return done ?: -EFAULT;

		if (!batch || !iodemo_ring_intact(ring, cursor) ||
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

/**
 * iodemo_read_now() - what a reader gets that may not sleep, or has slept
 * @client: who reads
 * @to: where to
 * @retries: how often another may be faster; a program that has the cursor mapped
 *	can always be
 *
 * In any context. Return: bytes, 0 if there will be none, EAGAIN, or EDEADLK: not
 * in an interrupt, hard or soft. For text takes long; and it is put together on the
 * stack, which hardened usercopy looks up if it is not the task's, with a lock that
 * no interrupt may take.
 */
ssize_t iodemo_read_now(struct iodemo_client *client, struct iov_iter *to, u32 retries)
{
	/* In this order: what was stored before it went can be read. */
	bool gone = iodemo_device_gone(client->dev);
	ssize_t ret;

	if (READ_ONCE(client->format) == IODEMO_FORMAT_RAW)
		ret = read_raw(client, to, retries);
	else if (READ_ONCE(client->format) == IODEMO_FORMAT_RAW_MASKED)
		ret = read_masked(client, to, retries);
	else if (!in_task())
		ret = -EDEADLK;
	else
		ret = iodemo_read_text(client, to, retries);
	return ret == -EAGAIN && gone ? 0 : ret;
}

/* FIONREAD: what that would be for a buffer without end. May sleep. */
ssize_t iodemo_read_bytes(struct iodemo_client *client)
{
	u64 records = iodemo_client_waiting(client);

	if (READ_ONCE(client->format) == IODEMO_FORMAT_TEXT)
		return iodemo_text_bytes(client);
	/* With what came while that was counted it may be more than a lap, which no read gets. */
	return min_t(u64, records, iodemo_ring_capacity(&client->dev->ring)) * IODEMO_RECORD_SIZE;
}

/* One after the other ------------------------------------------------------ */

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

	if (count < iodemo_client_unit(client)) {
		*answer = iodemo_client_unit(client) == IODEMO_RECORD_SIZE ? -EINVAL : 0;
		return true;
	}
	gone = iodemo_device_gone(client->dev);
	*answer = gone ? 0 : -EAGAIN;
	return (nowait || gone) && iodemo_client_empty(client);
}

/* With the trace on -------------------------------------------------------- */

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

static noinline ssize_t read_file_traced(struct file *file, char __user *buffer, size_t count)
{
	struct iov_iter to;

	iov_iter_ubuf(&to, ITER_DEST, buffer, count);
	return read_traced(file->private_data, &to, file->f_flags & O_NONBLOCK);
}

/* The calls ---------------------------------------------------------------- */

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
