// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 5, asynchronous: kernel AIO. io_submit() never sleeps, each request
 * is completed once and in its turn, and whatever ends it ends it at once.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#ifdef HAVE_LIBAIO

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "iodemo_aio.h"

#define MANY		1000

IODEMO_FIXTURE_AIO(libaio)

/* Reading */

TEST_F(libaio, submit_returns_before_the_record_exists)
{
	ASSERT_SUBMIT_READ(3, 1);
	EXPECT_EQ(0, STAT(self->fd, records));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(3, RECORD);
	EXPECT_SAMPLE(&self->records[3], 0);
	EXPECT_NOTHING_COMPLETE();
}

TEST_F(libaio, submitter_neither_sleeps_nor_gets_a_thread)
{
	long switches = own_switches();
	int i;

	for (i = 0; i < REQUESTS; i++)
		ASSERT_SUBMIT_READ(i, 1);
	EXPECT_EQ(switches, own_switches());
	EXPECT_EQ(1, count_tasks(getpid()));
	EXPECT_NOTHING_COMPLETE();
}

TEST_F(libaio, request_is_complete_at_once_when_records_wait)
{
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_SUBMIT_READ(0, 8);
	ASSERT_EQ(1, count_events(self->context));
	EXPECT_SAMPLE(&self->records[2], 2);
	EXPECT_EQ(3, STAT(self->fd, read));
}

TEST_F(libaio, requests_of_one_file_complete_in_order)
{
	int i;

	for (i = 0; i < REQUESTS; i++)
		ASSERT_SUBMIT_READ(i, 1);
	ASSERT_EQ(0, trigger(self->fd, REQUESTS));
	for (i = 0; i < REQUESTS; i++) {
		EXPECT_COMPLETE(i, RECORD);
		EXPECT_SAMPLE(&self->records[i], i);
	}
	EXPECT_NOTHING_COMPLETE();
}

TEST_F(libaio, one_record_completes_one_request)
{
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_SUBMIT_READ(i, 1);
	for (i = 0; i < 4; i++) {
		EXPECT_NOTHING_COMPLETE();
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_COMPLETE(i, RECORD);
		EXPECT_SAMPLE(&self->records[i], i);
	}
}

TEST_F(libaio, requests_of_two_files_complete_in_order_each)
{
	int other = open_raw(0, O_RDONLY);
	int next[2] = { 0, 1 };
	struct iocb *which;
	int i;

	ASSERT_LE(0, other);
	for (i = 0; i < REQUESTS; i++) {
		ASSERT_EQ(1, submit_read(self->context, &self->iocbs[i],
					 i % 2 ? other : self->fd, &self->records[i], RECORD));
	}
	ASSERT_EQ(0, trigger(self->fd, REQUESTS / 2));
	for (i = 0; i < REQUESTS; i++) {
		long k;

		ASSERT_EQ(RECORD, wait_for(self->context, &which));
		k = which - self->iocbs;
		EXPECT_EQ(next[k % 2], k);
		EXPECT_SAMPLE(&self->records[k], k / 2);
		next[k % 2] += 2;
	}
	EXPECT_NOTHING_COMPLETE();
}

TEST_F(libaio, preadv_scatters_a_record)
{
	char *bytes = (char *)&self->records[0];
	struct iovec iov[] = { { bytes, 10 }, { bytes + 10, RECORD - 10 } };

	io_prep_preadv(&self->iocbs[0], self->fd, iov, 2, 0);
	ASSERT_EQ(1, submit(self->context, &self->iocbs[0]));
	/* The vector was copied: it may go when io_submit() has returned. */
	memset(iov, 0, sizeof(iov));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_SAMPLE(&self->records[0], 0);
}

TEST_F(libaio, request_waits_for_the_low_water_mark)
{
	int i;

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_SUBMIT_READ(0, 8);
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, 3 * RECORD);
	for (i = 0; i < 3; i++)
		EXPECT_SAMPLE(&self->records[i], i);
}

TEST_F(libaio, lowered_mark_completes_what_waits)
{
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_SUBMIT_READ(0, 8);
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, set_low_water(self->fd, 2));
	EXPECT_COMPLETE(0, 2 * RECORD);
}

TEST_F(libaio, request_takes_what_fits_and_the_next_one_waits_for_the_mark)
{
	ASSERT_EQ(0, set_low_water(self->fd, 5));
	ASSERT_SUBMIT_READ(0, 2);
	ASSERT_SUBMIT_READ(2, 8);
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_COMPLETE(0, 2 * RECORD);
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_COMPLETE(2, 5 * RECORD);
	EXPECT_SAMPLE(&self->records[1], 1);
	EXPECT_SAMPLE(&self->records[6], 6);
}

TEST_F(libaio, request_takes_a_lap_of_the_ring_at_most)
{
	struct iodemo_record *records = calloc(2 * CAPACITY, RECORD);
	int i;

	ASSERT_EQ(0, set_low_water(self->fd, CAPACITY));
	ASSERT_EQ(1, submit_read(self->context, &self->iocbs[0], self->fd, records,
				 2 * CAPACITY * RECORD));
	ASSERT_EQ(0, trigger(self->fd, CAPACITY - 1));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, CAPACITY * RECORD);
	for (i = 0; i < CAPACITY; i++)
		EXPECT_SAMPLE(&records[i], i);
}

TEST_F(libaio, request_in_text_gets_a_line)
{
	char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
	int fd = open_device(0, O_RDONLY);
	long len;

	ASSERT_LE(0, fd);
	ASSERT_EQ(1, submit_read(self->context, &self->iocbs[0], fd, text, sizeof(text)));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
	len = result(read(self->fd, line, sizeof(line)));
	ASSERT_LT(0, len);
	EXPECT_COMPLETE(0, len);
	EXPECT_EQ(0, memcmp(text, line, len));
}

TEST_F(libaio, requests_in_text_too_small_for_a_line_share_it)
{
	char text[2][LINE_MAX_BYTES] = { "" }, line[LINE_MAX_BYTES];
	int fd = open_device(0, O_RDONLY);
	long len;

	ASSERT_LE(0, fd);
	ASSERT_EQ(1, submit_read(self->context, &self->iocbs[0], fd, text[0], 10));
	ASSERT_EQ(1, submit_read(self->context, &self->iocbs[1], fd, text[1], LINE_MAX_BYTES));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
	len = result(read(self->fd, line, sizeof(line)));
	ASSERT_LT(10, len);
	EXPECT_COMPLETE(0, 10);
	EXPECT_COMPLETE(1, len - 10);
	EXPECT_EQ(0, memcmp(text[0], line, 10));
	EXPECT_EQ(0, memcmp(text[1], line + 10, len - 10));
}

TEST_F(libaio, request_on_a_nonblocking_file_is_EAGAIN_at_once)
{
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	ASSERT_SUBMIT_READ(0, 1);
	EXPECT_COMPLETE(0, -EAGAIN);
}

TEST_F(libaio, request_with_RWF_NOWAIT_is_EAGAIN_at_once)
{
	struct iovec iov = { self->records, RECORD };

	io_prep_preadv2(&self->iocbs[0], self->fd, &iov, 1, 0, RWF_NOWAIT);
	ASSERT_EQ(1, submit(self->context, &self->iocbs[0]));
	EXPECT_COMPLETE(0, -EAGAIN);
}

TEST_F(libaio, request_for_less_than_a_record_is_EINVAL)
{
	ASSERT_EQ(1, submit_read(self->context, &self->iocbs[0], self->fd, self->records,
				 RECORD - 1));
	EXPECT_COMPLETE(0, -EINVAL);
}

TEST_F(libaio, later_request_does_not_overtake_one_that_waits_for_the_mark)
{
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_SUBMIT_READ(0, 1);
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_SUBMIT_READ(1, 1);
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, set_low_water(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_COMPLETE(1, RECORD);
	EXPECT_SAMPLE(&self->records[0], 0);
	EXPECT_SAMPLE(&self->records[1], 1);
}

TEST_F(libaio, sleeping_reader_and_pending_request_of_one_file_share_the_records)
{
	struct sleeper s = reader(self->fd, 1);

	ASSERT_SUBMIT_READ(0, 1);
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_EQ(1U, s.records[0].seq + self->records[0].seq);
	EXPECT_SAMPLE(&s.records[0], s.records[0].seq);
	EXPECT_SAMPLE(&self->records[0], self->records[0].seq);
}

TEST_F(libaio, nonblocking_read_beside_a_pending_request_is_EAGAIN)
{
	ASSERT_SUBMIT_READ(0, 1);
	EXPECT_EQ(-EAGAIN, read_nowait(self->fd, &self->records[1], RECORD));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
}

/* Writing */

TEST_F(libaio, write_is_complete_at_once_while_there_is_room)
{
	struct iodemo_record *records = named_records(3);

	ASSERT_SUBMIT_WRITE(0, records, 3);
	EXPECT_COMPLETE(0, 3 * RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, 0, 3));
}

TEST_F(libaio, write_is_queued_while_the_queue_is_full)
{
	struct iodemo_record *records = named_records(3);
	long switches;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	switches = own_switches();
	ASSERT_SUBMIT_WRITE(0, records, 3);
	EXPECT_EQ(switches, own_switches());
	EXPECT_EQ(1, count_tasks(getpid()));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, 3 * RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, TX_CAPACITY, 3));
}

TEST_F(libaio, writes_of_one_file_complete_in_order)
{
	struct iodemo_record *records = named_records(6);

	ASSERT_EQ(0, set_low_water(self->fd, CAPACITY));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, records, 5);
	ASSERT_SUBMIT_WRITE(1, records + 5, 1);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, 5 * RECORD);
	EXPECT_COMPLETE(1, RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, TX_CAPACITY, 6));
}

TEST_F(libaio, write_larger_than_the_queue_completes_when_all_of_it_is_queued)
{
	struct iodemo_record *records = named_records(TX_CAPACITY + 6);

	ASSERT_EQ(0, set_low_water(self->fd, CAPACITY));
	ASSERT_SUBMIT_WRITE(0, records, TX_CAPACITY + 6);
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, (TX_CAPACITY + 6) * RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, 0, TX_CAPACITY + 6));
}

TEST_F(libaio, flush_lets_queued_writes_into_the_room_in_their_turn)
{
	struct iodemo_record *records = named_records(TX_CAPACITY + 3);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, records, 2);
	ASSERT_SUBMIT_WRITE(1, records + 2, TX_CAPACITY + 1);
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_FLUSH)));
	EXPECT_COMPLETE(0, 2 * RECORD);
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(1, (TX_CAPACITY + 1) * RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, 0, TX_CAPACITY + 3));
}

TEST_F(libaio, pwritev_gathers_a_record)
{
	struct iodemo_record record = raw_record("no 0");
	char *bytes = (char *)&record;
	struct iovec iov[] = { { bytes, 10 }, { bytes + 10, RECORD - 10 } };

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	io_prep_pwritev(&self->iocbs[0], self->fd, iov, 2, 0);
	ASSERT_EQ(1, submit(self->context, &self->iocbs[0]));
	memset(iov, 0, sizeof(iov));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, TX_CAPACITY, 1));
}

TEST_F(libaio, partly_done_write_that_is_cancelled_gives_its_bytes)
{
	struct iodemo_record *records = named_records(6);

	ASSERT_EQ(0, set_low_water(self->fd, CAPACITY));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, records, 6);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_NOTHING_COMPLETE();
	EXPECT_EQ(-EINPROGRESS, cancel(self->context, &self->iocbs[0]));
	EXPECT_COMPLETES(0, TX_DRAIN * RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, TX_CAPACITY, TX_DRAIN));
	EXPECT_EQ(TX_CAPACITY + TX_DRAIN, STAT(self->fd, echoes));
}

TEST_F(libaio, queued_write_that_is_cancelled_sends_nothing)
{
	struct iodemo_record *records = named_records(2);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, self->records, 1);
	ASSERT_SUBMIT_WRITE(1, records, 2);
	EXPECT_EQ(-EINPROGRESS, cancel(self->context, &self->iocbs[0]));
	EXPECT_COMPLETES(0, -ECANCELED);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(1, 2 * RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, TX_CAPACITY, 2));
}

TEST_F(libaio, write_on_a_nonblocking_file_is_EAGAIN_or_short_at_once)
{
	struct iodemo_record *records = named_records(6);

	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, records, 6);
	EXPECT_COMPLETE(0, -EAGAIN);
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_SUBMIT_WRITE(1, records, 6);
	EXPECT_COMPLETE(1, TX_DRAIN * RECORD);
}

TEST_F(libaio, queued_write_is_EBUSY_when_another_file_has_reserved_the_device)
{
	struct iodemo_record *records = named_records(1);
	int holder = open_raw(0, O_RDWR);

	ASSERT_LE(0, holder);
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, records, 1);
	ASSERT_EQ(0, result(ioctl(holder, IODEMO_RESERVE)));
	ASSERT_EQ(0, trigger(holder, 2 * TX_CAPACITY / TX_DRAIN));
	EXPECT_COMPLETE(0, -EBUSY);
	EXPECT_EQ(TX_CAPACITY, STAT(holder, echoes));
}

TEST_F(libaio, reads_and_writes_of_one_file_do_not_wait_for_each_other)
{
	struct iodemo_record *records = named_records(1);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(0, set_low_water(self->fd, CAPACITY));
	ASSERT_SUBMIT_READ(0, 1);
	ASSERT_SUBMIT_WRITE(1, records, 1);
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(1, RECORD);
	EXPECT_NOTHING_COMPLETE();
}

/* Polling, and being told by an eventfd */

/*
 * The next completion is of a poll() for @events. The kernel gives all that the
 * wake-up told, if it has a wake-up to go by: also what was not asked for.
 */
#define EXPECT_POLLED(events, expected)						\
	do {									\
		struct iocb *which_;						\
		long res_ = wait_for(self->context, &which_);			\
										\
		EXPECT_EQ(expected, res_ & ((events) | POLLHUP | POLLERR));	\
	} while (0)

TEST_F(libaio, poll_for_input_is_pending_until_the_interrupt)
{
	ASSERT_EQ(1, submit_poll(self->context, &self->iocbs[0], self->fd, POLLIN));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_POLLED(POLLIN, POLLIN);
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_NOTHING_COMPLETE();
}

TEST_F(libaio, poll_is_complete_at_once_when_records_wait)
{
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(1, submit_poll(self->context, &self->iocbs[0], self->fd, POLLIN));
	EXPECT_POLLED(POLLIN, POLLIN);
}

TEST_F(libaio, poll_for_output_is_pending_while_the_queue_is_full)
{
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(1, submit_poll(self->context, &self->iocbs[0], self->fd, POLLOUT));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_POLLED(POLLOUT, POLLOUT);
}

TEST_F(libaio, poll_completes_with_POLLHUP_when_the_device_is_unplugged)
{
	ASSERT_EQ(1, submit_poll(self->context, &self->iocbs[0], self->fd, POLLPRI));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_POLLED(POLLPRI, POLLHUP);
}

TEST_F(libaio, poll_is_cancelled)
{
	ASSERT_EQ(1, submit_poll(self->context, &self->iocbs[0], self->fd, POLLIN));
	EXPECT_EQ(-EINPROGRESS, cancel(self->context, &self->iocbs[0]));
	EXPECT_COMPLETES(0, 0);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_NOTHING_COMPLETE();
}

TEST_F(libaio, eventfd_counts_the_completions)
{
	int efd = eventfd(0, EFD_CLOEXEC);
	eventfd_t value, sum = 0;
	int i;

	ASSERT_LE(0, efd);
	for (i = 0; i < 3; i++) {
		io_prep_pread(&self->iocbs[i], self->fd, &self->records[i], RECORD, 0);
		io_set_eventfd(&self->iocbs[i], efd);
		ASSERT_EQ(1, submit(self->context, &self->iocbs[i]));
	}
	EXPECT_NOTHING_COMPLETE();
	EXPECT_EQ(0, poll_now(efd, POLLIN));
	ASSERT_EQ(0, trigger(self->fd, 3));
	while (sum < 3) {
		ASSERT_EQ(0, eventfd_read(efd, &value));
		sum += value;
	}
	EXPECT_EQ(3U, sum);
	EXPECT_EQ(3, count_events(self->context));
	EXPECT_EQ(0, poll_now(efd, POLLIN));
}

/* Cancelling */

TEST_F(libaio, cancelled_request_ends_once_and_leaves_the_others_in_order)
{
	int i;

	for (i = 0; i < 5; i++)
		ASSERT_SUBMIT_READ(i, 1);
	EXPECT_EQ(-EINPROGRESS, cancel(self->context, &self->iocbs[2]));
	EXPECT_COMPLETES(2, -ECANCELED);
	EXPECT_EQ(-EINVAL, cancel(self->context, &self->iocbs[2]));
	ASSERT_EQ(0, trigger(self->fd, 4));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_COMPLETE(1, RECORD);
	EXPECT_COMPLETE(3, RECORD);
	EXPECT_COMPLETE(4, RECORD);
	EXPECT_SAMPLE(&self->records[0], 0);
	EXPECT_SAMPLE(&self->records[1], 1);
	EXPECT_SAMPLE(&self->records[3], 2);
	EXPECT_SAMPLE(&self->records[4], 3);
	EXPECT_NOTHING_COMPLETE();
}

TEST_F(libaio, completed_request_can_not_be_cancelled)
{
	ASSERT_SUBMIT_READ(0, 1);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_EQ(-EINVAL, cancel(self->context, &self->iocbs[0]));
	EXPECT_NOTHING_COMPLETE();
}

static long call_trigger_four(struct sleeper *s)
{
	int i;
	long err = 0;

	for (i = 0; i < 4 && !err; i++)
		err = trigger(s->fd, 1);
	return err;
}

TEST_F_TIMEOUT(libaio, cancel_against_records_ends_each_once_and_loses_none, 120)
{
	struct iodemo_record rest[4];
	int round, i;

	for (round = 0; round < 100; round++) {
		struct sleeper s = { .call = call_trigger_four, .fd = self->fd };
		bool ended[8] = { false };
		__u64 next = round * 4;
		struct iocb *which;
		long got;

		for (i = 0; i < 8; i++)
			ASSERT_SUBMIT_READ(i, 1);
		ASSERT_TRUE(sleeper_start(&s));
		for (i = 0; i < 8; i++)
			cancel(self->context, &self->iocbs[(i + round) % 8]);
		for (i = 0; i < 8; i++) {
			long res = wait_for(self->context, &which);
			long k = which - self->iocbs;

			ASSERT_FALSE(ended[k]);
			ended[k] = true;
			if (res == -ECANCELED)
				continue;
			ASSERT_EQ(RECORD, res);
			ASSERT_STREQ("", sample_fault(&self->records[k], next));
			next++;
		}
		ASSERT_EQ(0, sleeper_result(&s));
		got = read_nowait(self->fd, rest, sizeof(rest));
		for (i = 0; i < got / RECORD; i++)
			ASSERT_STREQ("", sample_fault(&rest[i], next++));
		ASSERT_EQ(round * 4U + 4, next);
	}
	EXPECT_NOTHING_COMPLETE();
}

/* Closing */

TEST_F(libaio, close_of_the_last_descriptor_ends_the_requests)
{
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_SUBMIT_READ(i, 1);
	ASSERT_EQ(0, close(self->fd));
	for (i = 0; i < 4; i++)
		EXPECT_COMPLETES(i, -ECANCELED);
	EXPECT_NOTHING_COMPLETE();
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=128"));
}

TEST_F(libaio, close_of_the_last_descriptor_ends_queued_writes)
{
	struct iodemo_record *records = named_records(TX_CAPACITY + 1);

	ASSERT_SUBMIT_WRITE(0, records, TX_CAPACITY + 1);
	ASSERT_SUBMIT_WRITE(1, records, 1);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_COMPLETES(0, TX_CAPACITY * RECORD);
	EXPECT_COMPLETES(1, -ECANCELED);
	EXPECT_NOTHING_COMPLETE();
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=128"));
}

TEST_F(libaio, close_ends_a_request_as_dup2_onto_the_descriptor_does)
{
	int other = open("/dev/null", O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, other);
	ASSERT_SUBMIT_READ(0, 1);
	ASSERT_EQ(self->fd, dup2(other, self->fd));
	EXPECT_COMPLETES(0, -ECANCELED);
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=128"));
}

TEST_F(libaio, close_of_one_of_two_descriptors_ends_nothing)
{
	int second = fcntl(self->fd, F_DUPFD_CLOEXEC, 0);

	ASSERT_LE(0, second);
	ASSERT_SUBMIT_READ(0, 1);
	ASSERT_SUBMIT_READ(1, 1);
	ASSERT_EQ(0, close(self->fd));
	self->fd = second;
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_SAMPLE(&self->records[0], 0);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_COMPLETES(1, -ECANCELED);
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=128"));
}

TEST_F(libaio, close_of_another_file_ends_nothing)
{
	int other = open_raw(0, O_RDWR);

	ASSERT_LE(0, other);
	ASSERT_SUBMIT_READ(0, 1);
	ASSERT_EQ(0, close(other));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
}

TEST_F(libaio, close_in_a_forked_child_ends_nothing)
{
	int status;
	pid_t pid;

	ASSERT_SUBMIT_READ(0, 1);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(close(self->fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
}

TEST_F(libaio, close_ends_the_requests_though_a_forked_child_keeps_the_file)
{
	int go[2], status;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ASSERT_SUBMIT_READ(0, 1);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &byte, 1) || trigger(self->fd, 1) ||
		      *read_fault(self->fd, 0, 1));
	}
	ASSERT_EQ(0, close(self->fd));
	EXPECT_COMPLETES(0, -ECANCELED);
	/* That of another source can go, with the device. */
	if (!other_source())
		EXPECT_EQ(-EWOULDBLOCK, unload());

	/* And nothing was taken from the child. */
	ASSERT_EQ(0, close(go[1]));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

static long call_close(struct sleeper *s)
{
	return result(close(s->fd));
}

TEST_F_TIMEOUT(libaio, close_against_records_ends_each_once, 120)
{
	int round, i;

	for (round = 0; round < 50; round++) {
		int fd = open_raw(0, O_RDWR);
		struct sleeper s = { .call = call_close, .fd = fd };
		__u64 next = round;
		struct iocb *which;

		ASSERT_LE(0, fd);
		for (i = 0; i < 4; i++) {
			ASSERT_EQ(1, submit_read(self->context, &self->iocbs[i], fd,
						 &self->records[i], RECORD));
		}
		ASSERT_TRUE(sleeper_start(&s));
		ASSERT_EQ(0, trigger(self->fd, 1));
		for (i = 0; i < 4; i++) {
			long res = wait_for(self->context, &which);

			if (res == -ECANCELED)
				continue;
			ASSERT_EQ(RECORD, res);
			ASSERT_STREQ("", sample_fault(&self->records[which - self->iocbs], next));
			next++;
		}
		EXPECT_LE(next, round + 1U);
		ASSERT_EQ(0, sleeper_result(&s));
		ASSERT_EQ(0, count_events(self->context));
	}
	close(self->fd);
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=128"));
}

/* Unplugging */

/*
 * With no request left, nothing of the device is. An event can be seen before
 * the kernel has let go of the request's file; io_destroy() waits for that.
 */
#define EXPECT_NOTHING_IS_LEFT()						\
	do {									\
		ASSERT_EQ(0, io_destroy(self->context));			\
		self->context = NULL;						\
		ASSERT_EQ(0, close(self->fd));					\
		EXPECT_EQ(0, unload());						\
		ASSERT_EQ(0, load("capacity=128"));				\
	} while (0)

TEST_F(libaio, unplugging_gives_what_is_buffered_and_then_0)
{
	ASSERT_EQ(0, set_low_water(self->fd, 5));
	ASSERT_SUBMIT_READ(0, 8);
	ASSERT_SUBMIT_READ(8, 1);
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_COMPLETES(0, 2 * RECORD);
	EXPECT_COMPLETES(8, 0);
	EXPECT_SAMPLE(&self->records[0], 0);
	EXPECT_SAMPLE(&self->records[1], 1);
	EXPECT_NOTHING_COMPLETE();

	EXPECT_NOTHING_IS_LEFT();
}

TEST_F(libaio, unplugging_ends_queued_writes_with_ENODEV)
{
	struct iodemo_record *records = named_records(TX_CAPACITY + 1);

	ASSERT_SUBMIT_WRITE(0, records, TX_CAPACITY + 1);
	ASSERT_SUBMIT_WRITE(1, records, 1);
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_COMPLETES(0, TX_CAPACITY * RECORD);
	EXPECT_COMPLETES(1, -ENODEV);
	EXPECT_NOTHING_COMPLETE();
	EXPECT_NOTHING_IS_LEFT();
}

TEST_F(libaio, requests_on_a_dead_file_are_complete_at_once)
{
	struct iodemo_record record = raw_record("never");

	ASSERT_EQ(0, unbind_device(0));
	ASSERT_SUBMIT_READ(0, 1);
	EXPECT_COMPLETE(0, 0);
	ASSERT_SUBMIT_WRITE(1, &record, 1);
	EXPECT_COMPLETE(1, -ENODEV);
	ASSERT_EQ(1, submit_poll(self->context, &self->iocbs[2], self->fd, POLLIN));
	EXPECT_COMPLETE(2, POLLIN | POLLHUP);
}

/* Many */

FIXTURE(many) {
	int fd;
	int efd;	/* counts the completions, even those that nobody can take */
};

FIXTURE_SETUP(many)
{
	ASSERT_EQ(0, load("capacity=2048"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->efd = eventfd(0, EFD_NONBLOCK);
	ASSERT_LE(0, self->efd);
}

IODEMO_FIXTURE_TEARDOWN(many)

/* Submit what is prepared; the eventfd counts its completion. */
static long submit_counted(io_context_t context, struct iocb *iocb, int efd)
{
	long ret;

	io_set_eventfd(iocb, efd);
	ret = submit(context, iocb);
	return ret == 1 ? 0 : ret ? ret : -EAGAIN;
}

/* Submit @count reads of one record, each to its place. */
static long submit_many(io_context_t context, int fd, int efd, struct iocb *iocbs,
			struct iodemo_record *records, int count)
{
	long err = 0;
	int i;

	for (i = 0; i < count && !err; i++) {
		io_prep_pread(&iocbs[i], fd, &records[i], RECORD, 0);
		err = submit_counted(context, &iocbs[i], efd);
	}
	return err;
}

/* How many requests have been completed since the last time */
static long completions(int efd)
{
	eventfd_t value;

	if (eventfd_read(efd, &value))
		return errno == EAGAIN ? 0 : -errno;
	return value;
}

TEST_F_TIMEOUT(many, thousand_pending_reads_need_no_thread_and_complete_once_each, 120)
{
	struct iodemo_record *records = calloc(MANY, RECORD);
	struct iocb *iocbs = calloc(MANY, sizeof(*iocbs));
	io_context_t context = NULL;
	struct iocb *which;
	long switches;
	int i;

	ASSERT_EQ(0, io_setup(MANY, &context));
	switches = own_switches();
	ASSERT_EQ(0, submit_many(context, self->fd, self->efd, iocbs, records, MANY));
	EXPECT_EQ(switches, own_switches());
	EXPECT_EQ(1, count_tasks(getpid()));
	EXPECT_EQ(0, completions(self->efd));

	ASSERT_EQ(0, trigger(self->fd, MANY));
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(RECORD, wait_for(context, &which));
		ASSERT_EQ(i, which - iocbs);
		ASSERT_STREQ("", sample_fault(&records[i], i));
	}
	EXPECT_EQ(1, count_tasks(getpid()));
	EXPECT_EQ(0, count_events(context));
	ASSERT_EQ(0, io_destroy(context));
	EXPECT_EQ(MANY, completions(self->efd));
}

TEST_F_TIMEOUT(many, request_beyond_4096_on_one_file_is_EAGAIN, 120)
{
	struct iodemo_record *records = calloc(IODEMO_PENDING_MAX + 2, RECORD);
	struct iocb *iocbs = calloc(IODEMO_PENDING_MAX + 2, sizeof(*iocbs));
	int other = open_raw(0, O_RDONLY);
	io_context_t context = NULL;
	struct iocb *which;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, io_setup(IODEMO_PENDING_MAX + 2, &context));
	ASSERT_EQ(0, submit_many(context, self->fd, self->efd, iocbs, records, IODEMO_PENDING_MAX));
	EXPECT_EQ(0, completions(self->efd));
	ASSERT_EQ(1, submit_read(context, &iocbs[IODEMO_PENDING_MAX], self->fd, records, RECORD));
	EXPECT_EQ(-EAGAIN, wait_for(context, &which));
	EXPECT_EQ(&iocbs[IODEMO_PENDING_MAX], which);
	ASSERT_EQ(1, submit_read(context, &iocbs[IODEMO_PENDING_MAX], other, records, RECORD));
	EXPECT_EQ(0, count_events(context));

	/* One that has completed makes room for another. */
	ASSERT_EQ(-EINPROGRESS, cancel(context, &iocbs[7]));
	EXPECT_EQ(-ECANCELED, wait_for(context, &which));
	ASSERT_EQ(1, submit_read(context, &iocbs[7], self->fd, records, RECORD));
	EXPECT_EQ(0, count_events(context));
	ASSERT_EQ(0, io_destroy(context));
	EXPECT_EQ(IODEMO_PENDING_MAX, completions(self->efd));
}

TEST_F(many, records_that_wait_fill_64_KiB_of_a_request_at_most)
{
	const int most = IODEMO_AIO_SIZE_MAX / RECORD;
	struct iodemo_record *records = calloc(2 * most, RECORD);
	io_context_t context = NULL;
	struct iocb iocb, *which;
	int i;

	if (other_source())
		SKIP(return, "that source has no such bursts");
	ASSERT_EQ(0, io_setup(1, &context));
	ASSERT_EQ(0, set_low_water(self->fd, 2 * most));
	ASSERT_EQ(1, submit_read(context, &iocb, self->fd, records, 2 * most * RECORD));
	ASSERT_EQ(0, set_config(self->fd, 0, most));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, count_events(context));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(IODEMO_AIO_SIZE_MAX, wait_for(context, &which));
	for (i = 0; i < most; i++)
		ASSERT_STREQ("", sample_fault(&records[i], i));
	EXPECT_EQ(most, STAT(self->fd, lag));
	ASSERT_EQ(0, io_destroy(context));
}

TEST_F(many, records_that_are_there_fill_64_KiB_of_a_request_at_most)
{
	const int most = IODEMO_AIO_SIZE_MAX / RECORD;
	struct iodemo_record *records = calloc(2 * most, RECORD);
	io_context_t context = NULL;
	struct iocb iocb, *which;

	if (other_source())
		SKIP(return, "that source has no such bursts");
	ASSERT_EQ(0, io_setup(1, &context));
	ASSERT_EQ(0, set_config(self->fd, 0, most));
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(1, submit_read(context, &iocb, self->fd, records, 2 * most * RECORD));
	EXPECT_EQ(IODEMO_AIO_SIZE_MAX, complete_now(context, &which));
	EXPECT_SAMPLE(&records[most - 1], most - 1);
	EXPECT_EQ(most, STAT(self->fd, lag));
	ASSERT_EQ(0, io_destroy(context));
}

TEST_F(many, queued_write_writes_64_KiB_at_most)
{
	const int most = IODEMO_AIO_SIZE_MAX / RECORD;
	struct iodemo_record *records = named_records(most + 2);
	io_context_t context = NULL;
	struct iocb iocb, *which;

	ASSERT_EQ(0, io_setup(1, &context));
	ASSERT_EQ(1, submit_write(context, &iocb, self->fd, records, (most + 2) * RECORD));
	ASSERT_EQ(0, trigger(self->fd, (most - TX_CAPACITY) / TX_DRAIN - 1));
	EXPECT_EQ(0, count_events(context));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(IODEMO_AIO_SIZE_MAX, complete_now(context, &which));
	EXPECT_STREQ("", named_echoes_fault(self->fd, 0, most));
	EXPECT_EQ(most, STAT(self->fd, echoes));
	EXPECT_EQ(POLLOUT, poll_now(self->fd, POLLOUT));
	ASSERT_EQ(0, io_destroy(context));
}

TEST_F_TIMEOUT(many, io_destroy_ends_each_request_once, 120)
{
	struct iodemo_record *records = calloc(MANY, RECORD);
	struct iocb *iocbs = calloc(MANY, sizeof(*iocbs));
	io_context_t context = NULL;

	ASSERT_EQ(0, io_setup(MANY, &context));
	ASSERT_EQ(0, submit_many(context, self->fd, self->efd, iocbs, records, MANY));
	ASSERT_EQ(0, io_destroy(context));
	EXPECT_EQ(MANY, completions(self->efd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, unload());
	ASSERT_EQ(0, load("capacity=2048"));
}

/* Dying with requests pending */

FIXTURE(dying) {
	int efd;
};

IODEMO_VARIANTS_DYING(dying);

FIXTURE_SETUP(dying)
{
	ASSERT_EQ(0, load("capacity=1024"));
	self->efd = eventfd(0, EFD_NONBLOCK);
	ASSERT_LE(0, self->efd);
}

IODEMO_FIXTURE_TEARDOWN(dying)

static struct iocb dying_iocbs[MANY];
static struct iodemo_record dying_records[MANY];

/* A context of its own, and a file of its own: the file, or -errno */
static int begin_file(io_context_t *context)
{
	int err = io_setup(MANY, context);

	return err ? err : open_raw(0, O_RDWR);
}

static long begin_many_reads(void *efd)
{
	io_context_t context = NULL;
	int fd = begin_file(&context);

	if (fd < 0)
		return fd;
	return submit_many(context, fd, *(int *)efd, dying_iocbs, dying_records, MANY);
}

static long begin_writes(void *efd)
{
	io_context_t context = NULL;
	int fd = begin_file(&context);
	long err = fd < 0 ? fd : 0;
	int i;

	if (!err && fill_queue(fd) != TX_CAPACITY)
		err = -ENOSPC;
	for (i = 0; i < REQUESTS && !err; i++) {
		io_prep_pwrite(&dying_iocbs[i], fd, &dying_records[i], RECORD, 0);
		err = submit_counted(context, &dying_iocbs[i], *(int *)efd);
	}
	return err;
}

static long begin_polls(void *efd)
{
	io_context_t context = NULL;
	int fd = begin_file(&context);
	long err = fd < 0 ? fd : 0;
	int i;

	for (i = 0; i < REQUESTS && !err; i++) {
		io_prep_poll(&dying_iocbs[i], fd, POLLIN);
		err = submit_counted(context, &dying_iocbs[i], *(int *)efd);
	}
	return err;
}

/* As many requests as this begins end once each, and the module is free. */
#define EXPECT_TO_DIE_WITH(begun, requests)					\
	do {									\
		struct victim v_ = {						\
			.death = variant->death,				\
			.begin = begun,						\
			.arg = &self->efd,					\
		};								\
										\
		ASSERT_EQ(0, victim_start(&v_));				\
		EXPECT_EQ(0, completions(self->efd));				\
		EXPECT_EQ(1, count_tasks(v_.pid));				\
		EXPECT_EQ(-EWOULDBLOCK, unload());				\
		EXPECT_LT(0, victim_dies(&v_));					\
		EXPECT_EQ(requests, completions(self->efd));			\
		EXPECT_EQ(0, unload_after(variant->death));			\
		victim_end(&v_);						\
		ASSERT_EQ(0, load("capacity=1024"));				\
	} while (0)

TEST_F_TIMEOUT(dying, with_thousand_reads_ends_each_once_and_frees_the_module, 120)
{
	EXPECT_TO_DIE_WITH(begin_many_reads, MANY);
}

TEST_F(dying, with_queued_writes_ends_each_once_and_frees_the_module)
{
	EXPECT_TO_DIE_WITH(begin_writes, REQUESTS);
}

TEST_F(dying, with_polls_ends_each_once_and_frees_the_module)
{
	EXPECT_TO_DIE_WITH(begin_polls, REQUESTS);
}

TEST_F(dying, requests_leave_the_records_to_others_who_have_the_file)
{
	struct victim v = {
		.death = variant->death,
		.begin = begin_many_reads,
		.arg = &self->efd,
	};
	int fd = open_raw(0, O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, victim_start(&v));
	EXPECT_LT(0, victim_dies(&v));
	EXPECT_EQ(MANY, completions(self->efd));
	ASSERT_EQ(0, trigger(fd, 3));
	EXPECT_READ(fd, 0, 3);
	victim_end(&v);
}

TEST_F(dying, unbind_and_rmmod_work_at_once)
{
	struct victim v = {
		.death = variant->death,
		.begin = begin_many_reads,
		.arg = &self->efd,
	};

	ASSERT_EQ(0, victim_start(&v));
	EXPECT_LT(0, victim_dies(&v));
	EXPECT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, unload_after(variant->death));
	victim_end(&v);
	ASSERT_EQ(0, load("capacity=1024"));
}

static long begin_many_reads_of_a_lasting_file(void *efd)
{
	long err = begin_many_reads(efd);
	int fd;

	if (err)
		return err;
	for (fd = 0; fd < 64; fd++)
		fcntl(fd, F_SETFD, 0);
	return 0;
}

TEST_F_TIMEOUT(many, exec_ends_the_requests_of_a_file_that_stays_open, 120)
{
	struct victim v = {
		.death = DEATH_EXEC,
		.begin = begin_many_reads_of_a_lasting_file,
		.arg = &self->efd,
	};

	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, victim_start(&v));
	EXPECT_LT(0, victim_dies(&v));
	EXPECT_EQ(MANY, completions(self->efd));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	victim_end(&v);
	EXPECT_EQ(0, unload());
	ASSERT_EQ(0, load("capacity=2048"));
}

/* The one bound on time that there is. */
TEST_F_TIMEOUT(many, process_with_thousand_pending_reads_is_gone_in_100_ms, 120)
{
	long completed;

	ASSERT_EQ(0, close(self->fd));
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_many_reads, &self->efd);
	completed = completions(self->efd);
	EXPECT_LE(MANY, completed);
	EXPECT_EQ(0, completed % MANY);
}

#else

TEST(kernel_aio_read_is_pending_until_the_interrupt)
{
	SKIP(return, "built without libaio.h");
}

#endif

TEST_HARNESS_MAIN
