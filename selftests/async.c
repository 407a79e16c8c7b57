// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 5, asynchronous: io_uring, which must not need a worker thread for
 * what waits, and POSIX aio.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <aio.h>
#include <poll.h>

#ifdef HAVE_LIBURING

#include "iodemo_uring.h"

IODEMO_FIXTURE_URING_BOTH(uring, 0)

TEST_F(uring, read_is_pending_until_the_interrupt)
{
	prepare_read(&self->ring, self->fd, &self->records[3], 3);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETES(&self->ring, 3, RECORD);
	EXPECT_SAMPLE(&self->records[3], 0);
}

TEST_F(uring, read_is_complete_at_once_when_a_record_waits)
{
	struct io_uring_cqe *cqe;

	ASSERT_EQ(0, trigger(self->fd, 1));
	prepare_read(&self->ring, self->fd, &self->records[0], 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, io_uring_peek_cqe(&self->ring, &cqe));
	EXPECT_EQ(RECORD, cqe->res);
	io_uring_cqe_seen(&self->ring, cqe);
	EXPECT_SAMPLE(&self->records[0], 0);
}

TEST_F(uring, pending_reads_need_no_worker_thread)
{
	bool seen[8] = { false };
	struct completion c;
	int i;

	for (i = 0; i < 8; i++)
		prepare_read(&self->ring, self->fd, &self->records[i], i);
	ASSERT_EQ(8, io_uring_submit(&self->ring));
	EXPECT_EQ(1, count_tasks(getpid()));
	for (i = 0; i < 8; i++) {
		EXPECT_TRUE(nothing_complete(&self->ring));
		ASSERT_EQ(0, trigger(self->fd, 1));
		c = wait_for(&self->ring);
		ASSERT_EQ(RECORD, c.res);
		ASSERT_LT(c.name, 8U);
		EXPECT_FALSE(seen[c.name]);
		seen[c.name] = true;
		EXPECT_SAMPLE(&self->records[c.name], i);
	}
	EXPECT_EQ(1, count_tasks(getpid()));
}

TEST_F(uring, pending_read_is_cancelled_and_takes_no_record)
{
	struct io_uring_sqe *sqe;
	long res[2];

	prepare_read(&self->ring, self->fd, &self->records[0], 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel64(sqe, 0, 0);
	io_uring_sqe_set_data64(sqe, 1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	wait_for_two(&self->ring, res);
	EXPECT_EQ(-ECANCELED, res[0]);
	EXPECT_EQ(0, res[1]);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(uring, linked_timeout_ends_a_pending_read)
{
	struct __kernel_timespec soon = { .tv_nsec = 1 };
	struct io_uring_sqe *sqe;
	long res[2];

	prepare_read(&self->ring, self->fd, &self->records[0], 0)->flags |= IOSQE_IO_LINK;
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_link_timeout(sqe, &soon, 0);
	io_uring_sqe_set_data64(sqe, 1);
	ASSERT_EQ(2, io_uring_submit(&self->ring));
	wait_for_two(&self->ring, res);
	EXPECT_EQ(-ECANCELED, res[0]);
	EXPECT_EQ(-ETIME, res[1]);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(uring, poll_is_pending_until_the_interrupt)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);

	io_uring_prep_poll_add(sqe, self->fd, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLIN, next_result(&self->ring));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(uring, multishot_poll_tells_of_every_interrupt)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);
	struct io_uring_cqe *cqe;
	int i;

	io_uring_prep_poll_multishot(sqe, self->fd, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 5; i++) {
		EXPECT_TRUE(nothing_complete(&self->ring));
		ASSERT_EQ(0, trigger(self->fd, 1));
		ASSERT_EQ(0, io_uring_wait_cqe(&self->ring, &cqe));
		EXPECT_EQ(POLLIN, cqe->res);
		EXPECT_TRUE(!!(cqe->flags & IORING_CQE_F_MORE));
		io_uring_cqe_seen(&self->ring, cqe);
	}
	EXPECT_EQ(1, count_tasks(getpid()));
}

TEST_F(uring, multishot_read_gives_a_completion_a_record)
{
	struct io_uring_cqe *cqe;
	int i;

	if (!since_6_7())
		SKIP(return, "no multishot read before Linux 6.7");
	ASSERT_EQ(0, begin_multishot(&self->ring, self->fd, self->records, 8));
	for (i = 0; i < 5; i++) {
		EXPECT_TRUE(nothing_complete(&self->ring));
		ASSERT_EQ(0, trigger(self->fd, 1));
		ASSERT_EQ(0, io_uring_wait_cqe(&self->ring, &cqe));
		ASSERT_EQ(RECORD, cqe->res);
		EXPECT_TRUE(!!(cqe->flags & IORING_CQE_F_MORE));
		EXPECT_SAMPLE(&self->records[cqe->flags >> IORING_CQE_BUFFER_SHIFT], i);
		io_uring_cqe_seen(&self->ring, cqe);
	}
	EXPECT_EQ(1, count_tasks(getpid()));
}

TEST_F(uring, readv_scatters_a_record)
{
	char *bytes = (char *)&self->records[0];
	struct iovec iov[] = { { bytes, 10 }, { bytes + 10, RECORD - 10 } };

	io_uring_prep_readv(io_uring_get_sqe(&self->ring), self->fd, iov, 2, -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, next_result(&self->ring));
	EXPECT_SAMPLE(&self->records[0], 0);
}

TEST_F(uring, read_into_a_registered_buffer)
{
	struct iovec iov = { self->records, sizeof(self->records) };

	ASSERT_EQ(0, io_uring_register_buffers(&self->ring, &iov, 1));
	io_uring_prep_read_fixed(io_uring_get_sqe(&self->ring), self->fd, &self->records[2],
				 2 * RECORD, -1, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, next_result(&self->ring));
	EXPECT_SAMPLE(&self->records[2], 0);
}

TEST_F(uring, read_that_waits_for_more_is_pending_below_the_low_water_mark)
{
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	io_uring_prep_read(io_uring_get_sqe(&self->ring), self->fd, self->records,
			   sizeof(self->records), -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(3 * RECORD, next_result(&self->ring));
	EXPECT_SAMPLE(&self->records[2], 2);
}

TEST_F(uring, bad_pointer_is_EFAULT_and_takes_nothing)
{
	ASSERT_EQ(0, trigger(self->fd, 1));
	io_uring_prep_read(io_uring_get_sqe(&self->ring), self->fd, bad_pointer, RECORD, -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(-EFAULT, next_result(&self->ring));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(uring, write_is_pending_while_the_queue_is_full)
{
	struct iodemo_record record = raw_record("later");

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	io_uring_prep_write(io_uring_get_sqe(&self->ring), self->fd, &record, RECORD, -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_EQ(1, count_tasks(getpid()));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, next_result(&self->ring));
	EXPECT_EQ(1, count_tasks(getpid()));
	ASSERT_EQ(0, trigger(self->fd, TX_CAPACITY / TX_DRAIN));
	EXPECT_EQ(TX_CAPACITY + 1, STAT(self->fd, echoes));
}

TEST_F(uring, sleeping_reader_and_pending_read_of_one_file_share_the_records)
{
	struct sleeper s = reader(self->fd, 1);

	ASSERT_TRUE(falls_asleep(&s));
	prepare_read(&self->ring, self->fd, &self->records[0], 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, set_config(self->fd, 0, 2));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_EQ(RECORD, next_result(&self->ring));
	EXPECT_EQ(1U, s.records[0].seq + self->records[0].seq);
	EXPECT_SAMPLE(&s.records[0], s.records[0].seq);
	EXPECT_SAMPLE(&self->records[0], self->records[0].seq);
}

TEST_F(uring, closed_ring_takes_no_record_and_lets_go_of_the_file)
{
	prepare_read(&self->ring, self->fd, &self->records[0], 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	io_uring_queue_exit(&self->ring);
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	ASSERT_EQ(0, io_uring_queue_init(16, &self->ring, 0));
}

TEST_F(uring, unplugging_completes_a_pending_read_with_0)
{
	prepare_read(&self->ring, self->fd, &self->records[0], 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, next_result(&self->ring));
}

TEST_F(uring, unplugging_completes_a_pending_write_with_ENODEV)
{
	struct iodemo_record record = raw_record("never");

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	io_uring_prep_write(io_uring_get_sqe(&self->ring), self->fd, &record, RECORD, -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(-ENODEV, next_result(&self->ring));
}

TEST_F(uring, unplugging_completes_a_pending_poll_with_POLLHUP)
{
	io_uring_prep_poll_add(io_uring_get_sqe(&self->ring), self->fd, POLLPRI);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(POLLHUP, next_result(&self->ring));
}

#else

TEST(io_uring_read_is_pending_until_the_interrupt)
{
	SKIP(return, "built without liburing.h");
}

#endif

IODEMO_FIXTURE_BOTH(posix, "capacity=16")

/* Wait for it: what it gave */
static long aio_result(struct aiocb *request)
{
	const struct aiocb * const list[] = { request };
	int err;

	while ((err = aio_error(request)) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	return err ? -err : aio_return(request);
}

TEST_F(posix, aio_read_is_in_progress_until_the_interrupt)
{
	struct iodemo_record record;
	struct aiocb request = {
		.aio_fildes = self->fd,
		.aio_buf = &record,
		.aio_nbytes = sizeof(record),
	};

	ASSERT_EQ(0, aio_read(&request));
	EXPECT_EQ(EINPROGRESS, aio_error(&request));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, aio_result(&request));
	EXPECT_SAMPLE(&record, 0);
}

TEST_F(posix, aio_read_sleeps_in_a_thread_of_its_own)
{
	struct iodemo_record record;
	struct aiocb request = {
		.aio_fildes = self->fd,
		.aio_buf = &record,
		.aio_nbytes = sizeof(record),
	};

	ASSERT_EQ(1, count_tasks(getpid()));
	ASSERT_EQ(0, aio_read(&request));
	EXPECT_EQ(2, count_tasks(getpid()));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, aio_result(&request));
}

TEST_F(posix, aio_read_tells_with_a_signal_when_the_copy_is_done)
{
	struct iodemo_record record = { .seq = ~0ULL };
	struct sleeper s = signal_waiter(SIGRTMIN);
	struct aiocb request = {
		.aio_fildes = self->fd,
		.aio_buf = &record,
		.aio_nbytes = sizeof(record),
		.aio_sigevent = {
			.sigev_notify = SIGEV_SIGNAL,
			.sigev_signo = SIGRTMIN,
			.sigev_value.sival_int = 42,
		},
	};

	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &s.signals, NULL));
	ASSERT_EQ(0, aio_read(&request));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(SIGRTMIN, sleeper_result(&s));
	EXPECT_EQ(42, s.info.si_value.sival_int);
	EXPECT_EQ(SI_ASYNCIO, s.info.si_code);
	EXPECT_SAMPLE(&record, 0);
	EXPECT_EQ(RECORD, aio_result(&request));
}

TEST_F(posix, aio_read_ends_with_0_when_the_device_is_unplugged)
{
	struct iodemo_record record;
	struct aiocb request = {
		.aio_fildes = self->fd,
		.aio_buf = &record,
		.aio_nbytes = sizeof(record),
	};

	ASSERT_EQ(0, aio_read(&request));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, aio_result(&request));
}

TEST_HARNESS_MAIN
