// SPDX-License-Identifier: GPL-2.0-only
/*
 * Models one and two, writing: sleep until there is room in the transmit queue,
 * which the source drains and echoes, or EAGAIN
 */

#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "models.h"
#include "trace.h"

/*
 * Both of these take one record's worth from the user. Return: the bytes taken,
 * or EFAULT, or EINVAL for a record that isn't one.
 */

static ssize_t get_raw(struct iodemo_payload *payload, struct iov_iter *from)
{
	struct iodemo_record record;

	if (!copy_from_iter_full(&record, sizeof(record), from))
		return -EFAULT;
	if (record.seq || record.timestamp || record.cpu || record.type ||
	    record.len > IODEMO_DATA_SIZE) {
		iov_iter_revert(from, sizeof(record));
		return -EINVAL;
	}
	payload->len = record.len;
	memset(payload->data, 0, sizeof(payload->data));
	memcpy(payload->data, record.data, record.len);
	return sizeof(record);
}

/* Up to a newline, which is taken and not sent, or as much as a record holds. */
static ssize_t get_text(struct iodemo_payload *payload, struct iov_iter *from)
{
	char text[IODEMO_DATA_SIZE + 1];
	size_t copied = copy_from_iter(text, min(iov_iter_count(from), sizeof(text)), from);
	const char *newline = memchr(text, '\n', copied);
	size_t taken;

	if (!copied)
		return -EFAULT;
	if (newline) {
		payload->len = newline - text;
		taken = payload->len + 1;
	} else {
		payload->len = min_t(size_t, copied, IODEMO_DATA_SIZE);
		taken = payload->len;
	}
	memset(payload->data, 0, sizeof(payload->data));
	memcpy(payload->data, text, payload->len);
	iov_iter_revert(from, copied - taken);
	return taken;
}

/* Which of them it is depends on the least that a write can be of. */
static inline ssize_t get_payload(struct iodemo_payload *payload, struct iov_iter *from,
				  size_t unit)
{
	return unit == IODEMO_RECORD_SIZE ? get_raw(payload, from) : get_text(payload, from);
}

/* Each is told of at once: the next may have to be waited for, page by page. */
static int put(struct iodemo_client *client, const struct iodemo_payload *payload, bool in_turn)
{
	int err = iodemo_tx_put(&client->dev->tx, client, payload, in_turn);

	if (!err)
		iodemo_device_written(client->dev);
	return err;
}

/**
 * iodemo_write_some() - what there is room for, without sleeping
 * @client: who writes
 * @from: what
 * @in_turn: it has waited; else it comes behind all who wait, and gets EAGAIN
 *
 * In any context. Return: bytes, EAGAIN if there is no room, or EDEADLK if it is
 * text, in an interrupt, as for reading
 */
ssize_t iodemo_write_some(struct iodemo_client *client, struct iov_iter *from, bool in_turn)
{
	size_t unit = iodemo_client_unit(client);
	struct iodemo_payload payload;
	size_t done = 0;
	ssize_t ret = 0;

	if (unit != IODEMO_RECORD_SIZE && !in_task())
		return -EDEADLK;
	while (iov_iter_count(from) >= unit) {
		ssize_t taken = get_payload(&payload, from, unit);

		ret = taken;
		if (taken < 0)
			break;
		ret = put(client, &payload, in_turn);
		if (ret) {
			iov_iter_revert(from, taken);
			break;
		}
		done += taken;
	}
	return done ?: ret;
}

/* In turn ------------------------------------------------------------------ */

/**
 * struct writer - who sleeps until it is his turn
 * @wait: on the device's writers
 * @client: through which file
 * @result: 0: what he has brought is sent; EAGAIN: not yet
 * @count: records that he has brought; none: he is only to be woken
 * @sent: how many of them are sent
 * @bytes: what each was to the user
 * @payloads: the records
 *
 * He has copied what he brings: so whoever makes room can send it in his place, and
 * nobody who comes meanwhile finds that room, nor waits for a writer who is slow to
 * wake up, or is stopped.
 */
struct writer {
	struct wait_queue_entry wait;
	struct iodemo_client *client;
	int result;
	unsigned int count;
	unsigned int sent;
	u8 bytes[IODEMO_WRITE_TURN];
	struct iodemo_payload payloads[IODEMO_WRITE_TURN];
};

/* What he brought, as far as there is room. */
static int send(struct writer *writer)
{
	int err = 0;

	if (!writer->count)
		return iodemo_tx_writable(&writer->client->dev->tx) ? 0 : -EAGAIN;
	while (!err && writer->sent < writer->count) {
		err = put(writer->client, &writer->payloads[writer->sent], true);
		writer->sent += !err;
	}
	return err;
}

/* Less than 0 ends the walk: those behind him wait too, or he passes it on himself. */
static int wake_writer(struct wait_queue_entry *wait, unsigned int mode, int flags, void *key)
{
	struct writer *writer = container_of(wait, struct writer, wait);
	bool alone = !writer->count;
	struct iodemo_wake *wake = key;
	int err;

	if (!iodemo_wake_spend(wake))
		return -EBUSY;
	err = send(writer);
	if (err == -EAGAIN)
		return err;
	WRITE_ONCE(writer->result, err);
	if (default_wake_function(wait, mode, flags, NULL)) {
		wake->woken++;
		wake->whom |= IODEMO_WHOM_WRITERS;
	}
	list_del_init_careful(&wait->entry);	/* now he may be gone */
	return alone ? -EBUSY : 0;
}

static noinline void serve_writers(struct iodemo_tx *tx)
{
	/* Who waits has been seen after a barrier, and who comes looks by himself. */
	while (iodemo_tx_writable(tx) && waitqueue_active(&tx->writers)) {
		IODEMO_WAKE(wake);

		__wake_up(&tx->writers, TASK_INTERRUPTIBLE, 0, &wake);
		trace_iodemo_wake(container_of(tx, struct iodemo_device, tx), &wake);
		if (!wake.more)
			break;
		cond_resched();
	}
}

/* If there is room, it is for those who wait. May sleep. */
void iodemo_write_pass_on(struct iodemo_tx *tx)
{
	if (unlikely(wq_has_sleeper(&tx->writers)))
		serve_writers(tx);
}

/* Behind all who wait. Return: 0, or what he gets for what is not sent. */
static int wait_in_turn(struct iodemo_tx *tx, struct writer *writer)
{
	int err = 0;

	init_wait_entry(&writer->wait, WQ_FLAG_EXCLUSIVE);
	writer->wait.func = wake_writer;
	writer->result = -EAGAIN;
	add_wait_queue_exclusive(&tx->writers, &writer->wait);
	/* What room was made just before, who is first gets. */
	iodemo_write_pass_on(tx);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(writer->result) != -EAGAIN)
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		schedule();
	}
	finish_wait(&tx->writers, &writer->wait);
	return writer->result == -EAGAIN ? err : writer->result;
}

/* Who has nothing to bring: to be woken when there is room, and be quick then. */
int iodemo_write_sleep(struct iodemo_client *client)
{
	struct writer writer = { .client = client };

	return wait_in_turn(&client->dev->tx, &writer);
}

/* What he brings. Return: 0, or an error of the first record that is none. */
static int fetch(struct writer *writer, struct iov_iter *from)
{
	size_t unit = iodemo_client_unit(writer->client);

	while (writer->count < IODEMO_WRITE_TURN && iov_iter_count(from) >= unit) {
		ssize_t taken = get_payload(&writer->payloads[writer->count], from, unit);

		if (taken < 0)
			return writer->count ? 0 : taken;
		writer->bytes[writer->count++] = taken;
	}
	return 0;
}

/* The next few records. Return: bytes that are sent, or an error. */
static noinline ssize_t write_in_turn(struct iodemo_client *client, struct iov_iter *from)
{
	struct writer writer = { .client = client };
	size_t done = 0, left = 0;
	int err = fetch(&writer, from);

	if (err || !writer.count)
		return err;
	err = wait_in_turn(&client->dev->tx, &writer);
	for (unsigned int i = 0; i < writer.count; i++) {
		if (i < writer.sent)
			done += writer.bytes[i];
		else
			left += writer.bytes[i];
	}
	iov_iter_revert(from, left);
	return err ?: done;
}

/* The calls ---------------------------------------------------------------- */

static bool too_short(const struct iodemo_client *client, const struct iov_iter *from)
{
	return iodemo_client_unit(client) == IODEMO_RECORD_SIZE &&
	       iov_iter_count(from) < IODEMO_RECORD_SIZE;
}

/* As many as fit, without sleeping; see iodemo_write_some(). */
ssize_t iodemo_write_now(struct iodemo_client *client, struct iov_iter *from, bool in_turn)
{
	ssize_t ret = too_short(client, from) ? -EINVAL :
						iodemo_write_some(client, from, in_turn);

	iodemo_write_pass_on(&client->dev->tx);
	return ret;
}

/* As many as fit, and then the next when it is their turn, until all is sent. */
ssize_t iodemo_write_sync(struct iodemo_client *client, struct iov_iter *from, bool nowait)
{
	size_t before = iov_iter_count(from);
	ssize_t ret;

	if (nowait)
		return iodemo_write_now(client, from, false);
	if (too_short(client, from))
		return -EINVAL;

	do {
		ret = iodemo_write_some(client, from, false);
		if (ret == -EAGAIN)
			ret = write_in_turn(client, from);
	} while (ret > 0);

	iodemo_write_pass_on(&client->dev->tx);
	return before - iov_iter_count(from) ?: ret;
}
