// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 5, asynchronous: io_uring, which must not need a worker thread for
 * what waits, and POSIX aio.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <aio.h>
#include <dirent.h>
#include <poll.h>

/* Threads of this process, those that io_uring makes included */
static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

#ifdef HAVE_LIBURING

#include <liburing.h>

/* Newer than some liburing.h */
#define READ_MULTISHOT	49

FIXTURE(uring) {
	int fd;
	struct io_uring ring;
	struct iodemo_record records[8];
};

FIXTURE_VARIANT(uring) {
	int threaded;
};

FIXTURE_VARIANT_ADD(uring, hard) {
	.threaded = 0,
};

FIXTURE_VARIANT_ADD(uring, threaded) {
	.threaded = 1,
};

FIXTURE_SETUP(uring)
{
	ASSERT_EQ(0, load("capacity=16 threaded=%d", variant->threaded));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, io_uring_queue_init(16, &self->ring, 0));
}

/* The kernel lets go of a ring's files some time after the ring is closed. */
FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->ring);
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

/* Read one record; the completion has this name. */
static struct io_uring_sqe *prepare_read(struct io_uring *ring, int fd,
					 struct iodemo_record *record, __u64 name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_read(sqe, fd, record, RECORD, -1);
	io_uring_sqe_set_data64(sqe, name);
	return sqe;
}

/* Wait for a completion: what it gave, and what it is called. */
static long wait_for(struct io_uring *ring, __u64 *name)
{
	struct io_uring_cqe *cqe;
	long ret = io_uring_wait_cqe(ring, &cqe);

	if (ret)
		return ret;
	ret = cqe->res;
	*name = io_uring_cqe_get_data64(cqe);
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

/* Is anything complete? Lets the kernel run what it has to do first. */
static bool nothing_complete(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	io_uring_get_events(ring);
	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

TEST_F(uring, read_is_pending_until_the_interrupt)
{
	__u64 name;

	prepare_read(&self->ring, self->fd, &self->records[3], 3);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, wait_for(&self->ring, &name));
	EXPECT_EQ(3U, name);
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
	__u64 name;
	int i;

	for (i = 0; i < 8; i++)
		prepare_read(&self->ring, self->fd, &self->records[i], i);
	ASSERT_EQ(8, io_uring_submit(&self->ring));
	EXPECT_EQ(1, count_threads());
	for (i = 0; i < 8; i++) {
		EXPECT_TRUE(nothing_complete(&self->ring));
		ASSERT_EQ(0, trigger(self->fd, 1));
		ASSERT_EQ(RECORD, wait_for(&self->ring, &name));
		ASSERT_LT(name, 8U);
		EXPECT_FALSE(seen[name]);
		seen[name] = true;
		EXPECT_SAMPLE(&self->records[name], i);
	}
	EXPECT_EQ(1, count_threads());
}

TEST_F(uring, pending_read_is_cancelled_and_takes_no_record)
{
	long by_name[2] = { 0 };
	struct io_uring_sqe *sqe;
	__u64 name;
	int i;

	prepare_read(&self->ring, self->fd, &self->records[0], 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel64(sqe, 0, 0);
	io_uring_sqe_set_data64(sqe, 1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		long ret = wait_for(&self->ring, &name);

		ASSERT_LT(name, 2U);
		by_name[name] = ret;
	}
	EXPECT_EQ(-ECANCELED, by_name[0]);
	EXPECT_EQ(0, by_name[1]);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(uring, linked_timeout_ends_a_pending_read)
{
	struct __kernel_timespec soon = { .tv_nsec = 1 };
	struct io_uring_sqe *sqe;
	__u64 name;
	int i;

	prepare_read(&self->ring, self->fd, &self->records[0], 0)->flags |= IOSQE_IO_LINK;
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_link_timeout(sqe, &soon, 0);
	io_uring_sqe_set_data64(sqe, 1);
	ASSERT_EQ(2, io_uring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		long ret = wait_for(&self->ring, &name);

		EXPECT_EQ(name ? -ETIME : -ECANCELED, ret);
	}
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(uring, poll_is_pending_until_the_interrupt)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);
	__u64 name;

	io_uring_prep_poll_add(sqe, self->fd, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLIN, wait_for(&self->ring, &name));
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
	EXPECT_EQ(1, count_threads());
}

TEST_F(uring, multishot_read_gives_a_completion_a_record)
{
	struct io_uring_probe *probe = io_uring_get_probe();
	bool here = probe && io_uring_opcode_supported(probe, READ_MULTISHOT);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	__u64 name;
	int i;

	io_uring_free_probe(probe);
	if (!here)
		SKIP(return, "no multishot read in this kernel");

	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_provide_buffers(sqe, self->records, RECORD, 8, 1, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_LE(0, wait_for(&self->ring, &name));

	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_rw(READ_MULTISHOT, sqe, self->fd, NULL, 0, -1);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = 1;
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 5; i++) {
		EXPECT_TRUE(nothing_complete(&self->ring));
		ASSERT_EQ(0, trigger(self->fd, 1));
		ASSERT_EQ(0, io_uring_wait_cqe(&self->ring, &cqe));
		ASSERT_EQ(RECORD, cqe->res);
		EXPECT_TRUE(!!(cqe->flags & IORING_CQE_F_MORE));
		EXPECT_SAMPLE(&self->records[cqe->flags >> IORING_CQE_BUFFER_SHIFT], i);
		io_uring_cqe_seen(&self->ring, cqe);
	}
	EXPECT_EQ(1, count_threads());
}

TEST_F(uring, readv_scatters_a_record)
{
	char *bytes = (char *)&self->records[0];
	struct iovec iov[] = { { bytes, 10 }, { bytes + 10, RECORD - 10 } };
	__u64 name;

	io_uring_prep_readv(io_uring_get_sqe(&self->ring), self->fd, iov, 2, -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, wait_for(&self->ring, &name));
	EXPECT_SAMPLE(&self->records[0], 0);
}

TEST_F(uring, read_into_a_registered_buffer)
{
	struct iovec iov = { self->records, sizeof(self->records) };
	__u64 name;

	ASSERT_EQ(0, io_uring_register_buffers(&self->ring, &iov, 1));
	io_uring_prep_read_fixed(io_uring_get_sqe(&self->ring), self->fd, &self->records[2],
				 2 * RECORD, -1, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, wait_for(&self->ring, &name));
	EXPECT_SAMPLE(&self->records[2], 0);
}

TEST_F(uring, read_that_waits_for_more_is_pending_below_the_low_water_mark)
{
	__u64 name;

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	io_uring_prep_read(io_uring_get_sqe(&self->ring), self->fd, self->records,
			   sizeof(self->records), -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(3 * RECORD, wait_for(&self->ring, &name));
	EXPECT_SAMPLE(&self->records[2], 2);
}

TEST_F(uring, bad_pointer_is_EFAULT_and_takes_nothing)
{
	__u64 name;

	ASSERT_EQ(0, trigger(self->fd, 1));
	io_uring_prep_read(io_uring_get_sqe(&self->ring), self->fd, bad_pointer, RECORD, -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(-EFAULT, wait_for(&self->ring, &name));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(uring, write_is_pending_while_the_queue_is_full)
{
	struct iodemo_record record = raw_record("later");
	__u64 name;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	io_uring_prep_write(io_uring_get_sqe(&self->ring), self->fd, &record, RECORD, -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_EQ(1, count_threads());
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, wait_for(&self->ring, &name));
	EXPECT_EQ(1, count_threads());
	ASSERT_EQ(0, trigger(self->fd, TX_CAPACITY / TX_DRAIN));
	EXPECT_EQ(TX_CAPACITY + 1, STAT(self->fd, echoes));
}

TEST_F(uring, sleeping_reader_and_pending_read_of_one_file_share_the_records)
{
	struct sleeper s = reader(self->fd, 1);
	__u64 name;

	ASSERT_TRUE(falls_asleep(&s));
	prepare_read(&self->ring, self->fd, &self->records[0], 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, set_config(self->fd, 0, 2));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_EQ(RECORD, wait_for(&self->ring, &name));
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
	ASSERT_EQ(0, load("capacity=16"));
	ASSERT_EQ(0, io_uring_queue_init(16, &self->ring, 0));
}

TEST_F(uring, unplugging_completes_a_pending_read_with_0)
{
	__u64 name;

	prepare_read(&self->ring, self->fd, &self->records[0], 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, wait_for(&self->ring, &name));
}

TEST_F(uring, unplugging_completes_a_pending_write_with_ENODEV)
{
	struct iodemo_record record = raw_record("never");
	__u64 name;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	io_uring_prep_write(io_uring_get_sqe(&self->ring), self->fd, &record, RECORD, -1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(-ENODEV, wait_for(&self->ring, &name));
}

TEST_F(uring, unplugging_completes_a_pending_poll_with_POLLHUP)
{
	__u64 name;

	io_uring_prep_poll_add(io_uring_get_sqe(&self->ring), self->fd, POLLPRI);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(POLLHUP, wait_for(&self->ring, &name));
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

	ASSERT_EQ(1, count_threads());
	ASSERT_EQ(0, aio_read(&request));
	EXPECT_EQ(2, count_threads());
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
