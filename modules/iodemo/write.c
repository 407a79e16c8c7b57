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

/*
 * What there is room for, without sleeping; EAGAIN if there is none; EDEADLK if it
 * is text, in an interrupt, as for reading.
 */
ssize_t iodemo_write_some(struct iodemo_client *client, struct iov_iter *from)
{
	size_t unit = iodemo_client_unit(client);
	bool raw = unit == IODEMO_RECORD_SIZE;
	struct iodemo_payload payload;
	size_t done = 0;
	ssize_t ret = 0;

	if (!raw && in_hardirq())
		return -EDEADLK;
	while (iov_iter_count(from) >= unit) {
		ssize_t taken = raw ? get_raw(&payload, from) : get_text(&payload, from);

		ret = taken;
		if (taken < 0)
			break;
		ret = iodemo_tx_put(&client->dev->tx, client, &payload);
		if (ret) {
			iov_iter_revert(from, taken);
			break;
		}
		done += taken;
	}
	if (done)
		iodemo_device_written(client->dev);
	return done ?: ret;
}

int iodemo_write_sleep(struct iodemo_tx *tx)
{
	DEFINE_WAIT_FUNC(wait, iodemo_wake_writer);
	int err = 0;

	do {
		prepare_to_wait_exclusive(&tx->writers, &wait, TASK_INTERRUPTIBLE);
		if (iodemo_tx_writable(tx))
			break;
		if (signal_pending(current)) {
			err = -ERESTARTSYS;
			break;
		}
		schedule();
	} while (!iodemo_tx_writable(tx));
	finish_wait(&tx->writers, &wait);
	return err;
}

static noinline void serve_writers(struct iodemo_tx *tx)
{
	/* Who waits has been seen after a barrier, and who comes looks by himself. */
	while (iodemo_tx_writable(tx) && waitqueue_active(&tx->writers)) {
		IODEMO_WAKE(wake);

		__wake_up(&tx->writers, TASK_INTERRUPTIBLE, 1, &wake);
		trace_iodemo_wake(container_of(tx, struct iodemo_device, tx), &wake);
		if (!wake.more)
			break;
		cond_resched();
	}
}

/* As the sleeper that was woken: if there is still room, the next one's turn. May sleep. */
void iodemo_write_pass_on(struct iodemo_tx *tx)
{
	if (unlikely(wq_has_sleeper(&tx->writers)))
		serve_writers(tx);
}

/* As many as fit, and then, unless @nowait, the next when there is room, until all is sent. */
ssize_t iodemo_write_sync(struct iodemo_client *client, struct iov_iter *from, bool nowait)
{
	struct iodemo_tx *tx = &client->dev->tx;
	size_t done = 0;
	ssize_t ret;

	if (READ_ONCE(client->format) == IODEMO_FORMAT_RAW &&
	    iov_iter_count(from) < IODEMO_RECORD_SIZE)
		return -EINVAL;

	for (;;) {
		ret = iodemo_write_some(client, from);
		if (ret > 0) {
			done += ret;
			continue;
		}
		if (ret != -EAGAIN || nowait)
			break;
		ret = iodemo_write_sleep(tx);
		if (ret)
			break;
	}

	iodemo_write_pass_on(tx);
	return done ?: ret;
}
