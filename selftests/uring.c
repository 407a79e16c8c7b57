// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 5, asynchronous: io_uring to its limits, and what becomes of all that is
 * pending when its process dies. Plain reads, writes and polls are in async.c,
 * the device's own commands in uring_cmd.c.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#ifdef HAVE_LIBURING

#include <poll.h>

#include "iodemo_uring.h"

#define MANY	1000

/* Reading and writing */

IODEMO_FIXTURE_URING(uring, 0)

TEST_F(uring, submitter_neither_sleeps_nor_gets_a_thread)
{
	long switches;
	int i;

	for (i = 0; i < PLACES; i++)
		prepare_read(&self->ring, self->fd, &self->records[i], i);
	switches = own_switches();
	ASSERT_EQ(PLACES, io_uring_submit(&self->ring));
	EXPECT_EQ(switches, own_switches());
	EXPECT_EQ(1, count_tasks(getpid()));
	EXPECT_TRUE(nothing_complete(&self->ring));
}

TEST_F(uring, cancel_by_user_data_ends_that_read_alone)
{
	struct io_uring_sqe *sqe;
	int i;

	for (i = 0; i < 3; i++)
		prepare_read(&self->ring, self->fd, &self->records[i], i);
	ASSERT_EQ(3, io_uring_submit(&self->ring));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel64(sqe, 1, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 1, -ECANCELED);
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 2));
	for (i = 0; i < 2; i++) {
		struct completion c = wait_for(&self->ring);

		EXPECT_EQ(RECORD, c.res);
		EXPECT_NE(1U, c.name);
	}
	EXPECT_EQ(1U, self->records[0].seq + self->records[2].seq);
}

TEST_F(uring, cancel_by_descriptor_ends_all_of_that_file_and_none_of_another)
{
	int other = open_raw(0, O_RDONLY);
	struct io_uring_sqe *sqe;
	bool seen[4] = { false };
	int i;

	ASSERT_LE(0, other);
	for (i = 0; i < 3; i++)
		prepare_read(&self->ring, self->fd, &self->records[i], i);
	prepare_read(&self->ring, other, &self->records[3], 4);
	ASSERT_EQ(4, io_uring_submit(&self->ring));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel_fd(sqe, self->fd, IORING_ASYNC_CANCEL_ALL);
	io_uring_sqe_set_data64(sqe, 3);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	for (i = 0; i < 4; i++) {
		struct completion c = wait_for(&self->ring);

		ASSERT_LT(c.name, 4U);
		EXPECT_FALSE(seen[c.name]);
		seen[c.name] = true;
		EXPECT_EQ(c.name == 3 ? 3 : -ECANCELED, c.res);
	}
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETES(&self->ring, 4, RECORD);
	EXPECT_SAMPLE(&self->records[3], 0);
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(uring, linked_timeout_is_cancelled_by_the_record)
{
	struct __kernel_timespec never = { .tv_sec = 100000 };
	struct io_uring_sqe *sqe;
	long res[2];

	prepare_read(&self->ring, self->fd, &self->records[0], 0)->flags |= IOSQE_IO_LINK;
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_link_timeout(sqe, &never, 0);
	io_uring_sqe_set_data64(sqe, 1);
	ASSERT_EQ(2, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	wait_for_two(&self->ring, res);
	EXPECT_EQ(RECORD, res[0]);
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_SAMPLE(&self->records[0], 0);
}

TEST_F(uring, poll_for_output_is_pending_while_the_queue_is_full)
{
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	io_uring_prep_poll_add(io_uring_get_sqe(&self->ring), self->fd, POLLOUT);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLOUT, next_result(&self->ring));
}

TEST_F(uring, multishot_poll_ends_when_the_device_is_unplugged)
{
	struct completion c;

	io_uring_prep_poll_multishot(io_uring_get_sqe(&self->ring), self->fd, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	c = wait_for(&self->ring);
	EXPECT_EQ(POLLIN, c.res);
	EXPECT_TRUE(!!(c.flags & IORING_CQE_F_MORE));
	ASSERT_EQ(0, unbind_device(0));
	c = wait_for(&self->ring);
	EXPECT_EQ(POLLIN | POLLHUP, c.res);
}

TEST_F(uring, write_from_a_registered_buffer_is_pending_while_the_queue_is_full)
{
	struct iovec iov = { self->records, sizeof(self->records) };

	ASSERT_EQ(0, io_uring_register_buffers(&self->ring, &iov, 1));
	self->records[2] = raw_record("fixed");
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	io_uring_prep_write_fixed(io_uring_get_sqe(&self->ring), self->fd, &self->records[2],
				  RECORD, -1, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, next_result(&self->ring));
	EXPECT_EQ(1, count_tasks(getpid()));
}

TEST_F(uring, registered_file_reads_on_when_its_descriptor_is_closed)
{
	int other = open_raw(0, O_RDWR);
	struct io_uring_sqe *sqe;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, io_uring_register_files(&self->ring, &self->fd, 1));
	ASSERT_EQ(0, close(self->fd));
	sqe = prepare_read(&self->ring, 0, &self->records[0], 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(other, 1));
	EXPECT_COMPLETES(&self->ring, 0, RECORD);
	EXPECT_SAMPLE(&self->records[0], 0);
}

TEST_F(uring, read_with_RWF_NOWAIT_is_EAGAIN_at_once)
{
	prepare_read(&self->ring, self->fd, &self->records[0], 7)->rw_flags = RWF_NOWAIT;
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 7, -EAGAIN);
}

/* For a file that knows IOCB_NOWAIT, io_uring takes no notice of O_NONBLOCK. */
TEST_F(uring, read_on_a_nonblocking_file_is_pending_too)
{
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	prepare_read(&self->ring, self->fd, &self->records[0], 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETES(&self->ring, 7, RECORD);
}

TEST_F(uring, read_in_a_ring_of_one_issuer_with_deferred_work)
{
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, IORING_SETUP_SINGLE_ISSUER |
					 IORING_SETUP_DEFER_TASKRUN));
	prepare_read(&ring, self->fd, &self->records[0], 7);
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_TRUE(nothing_complete(&ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETES(&ring, 7, RECORD);
	EXPECT_SAMPLE(&self->records[0], 0);
	EXPECT_EQ(1, count_tasks(getpid()));
	io_uring_queue_exit(&ring);
}

TEST_F_TIMEOUT(uring, thousand_pending_reads_need_no_thread_and_complete_once_each, 120)
{
	struct iodemo_record *records = calloc(MANY, RECORD);
	bool *delivered = calloc(MANY, sizeof(bool));
	bool *completed = calloc(MANY, sizeof(bool));
	struct io_uring ring;
	long switches;
	int i, k;

	if (other_source())
		SKIP(return, "that source has no such bursts");
	ASSERT_EQ(0, io_uring_queue_init(1024, &ring, 0));
	for (i = 0; i < MANY; i++)
		prepare_read(&ring, self->fd, &records[i], i);
	switches = own_switches();
	ASSERT_EQ(MANY, io_uring_submit(&ring));
	EXPECT_EQ(switches, own_switches());
	EXPECT_EQ(1, count_tasks(getpid()));
	EXPECT_TRUE(nothing_complete(&ring));

	ASSERT_EQ(0, set_config(self->fd, 0, 100));
	for (k = 0; k < MANY; k += 100) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		for (i = 0; i < 100; i++) {
			struct completion c = wait_for(&ring);
			__u64 seq;

			ASSERT_EQ(RECORD, c.res);
			ASSERT_LT(c.name, (__u64)MANY);
			ASSERT_FALSE(completed[c.name]);
			completed[c.name] = true;
			seq = records[c.name].seq;
			ASSERT_LT(seq, (__u64)MANY);
			ASSERT_FALSE(delivered[seq]);
			delivered[seq] = true;
			ASSERT_STREQ("", sample_fault(&records[c.name], seq));
		}
	}
	EXPECT_EQ(1, count_tasks(getpid()));
	EXPECT_TRUE(nothing_complete(&ring));
	io_uring_queue_exit(&ring);
}

/* Multishot reads: many completions of one submission */

IODEMO_FIXTURE_URING(multishot, 0)

/* The next completion is this sample, in some buffer, and more is to come. */
#define EXPECT_SHOT(sample)							\
	do {									\
		struct completion c_ = wait_for(&self->ring);			\
										\
		EXPECT_EQ(2U, c_.name);						\
		ASSERT_EQ(RECORD, c_.res);					\
		EXPECT_TRUE(!!(c_.flags & IORING_CQE_F_MORE));			\
		ASSERT_TRUE(!!(c_.flags & IORING_CQE_F_BUFFER));		\
		EXPECT_SAMPLE(&self->records[c_.flags >> IORING_CQE_BUFFER_SHIFT], sample); \
	} while (0)

TEST_F(multishot, read_gives_a_completion_for_each_record_of_a_burst)
{
	int i;

	if (!since_6_7())
		SKIP(return, "no multishot read before Linux 6.7");
	ASSERT_EQ(0, begin_multishot(&self->ring, self->fd, self->records, 8));
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_EQ(1, count_tasks(getpid()));
	ASSERT_EQ(0, set_config(self->fd, 0, 3));
	ASSERT_EQ(0, trigger(self->fd, 2));
	for (i = 0; i < 6; i++)
		EXPECT_SHOT(i);
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_EQ(1, count_tasks(getpid()));
}

TEST_F(multishot, read_ends_with_ENOBUFS_and_goes_on_with_new_buffers)
{
	struct completion c;
	int i;

	if (!since_6_7())
		SKIP(return, "no multishot read before Linux 6.7");
	ASSERT_EQ(0, begin_multishot(&self->ring, self->fd, self->records, 3));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_SHOT(i);
	}
	ASSERT_EQ(0, trigger(self->fd, 1));
	c = wait_for(&self->ring);
	EXPECT_EQ(2U, c.name);
	EXPECT_EQ(-ENOBUFS, c.res);
	EXPECT_FALSE(!!(c.flags & IORING_CQE_F_MORE));

	/* The record that had no buffer waited for one. */
	ASSERT_EQ(0, begin_multishot(&self->ring, self->fd, self->records, 3));
	EXPECT_SHOT(3);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_SHOT(4);
	EXPECT_EQ(1, count_tasks(getpid()));
}

TEST_F(multishot, read_waits_for_the_low_water_mark)
{
	if (!since_6_7())
		SKIP(return, "no multishot read before Linux 6.7");
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_EQ(0, begin_multishot(&self->ring, self->fd, self->records, 8));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_SHOT(0);
}

TEST_F(multishot, read_is_cancelled_and_takes_no_record_more)
{
	struct io_uring_sqe *sqe;
	struct completion c;

	if (!since_6_7())
		SKIP(return, "no multishot read before Linux 6.7");
	ASSERT_EQ(0, begin_multishot(&self->ring, self->fd, self->records, 8));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_SHOT(0);
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel64(sqe, 2, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	c = wait_for(&self->ring);
	EXPECT_EQ(2U, c.name);
	EXPECT_EQ(-ECANCELED, c.res);
	EXPECT_FALSE(!!(c.flags & IORING_CQE_F_MORE));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_READ(self->fd, 1, 1);
}

TEST_F(multishot, read_ends_with_0_when_the_device_is_unplugged)
{
	struct completion c;

	if (!since_6_7())
		SKIP(return, "no multishot read before Linux 6.7");
	ASSERT_EQ(0, begin_multishot(&self->ring, self->fd, self->records, 8));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_SHOT(0);
	ASSERT_EQ(0, unbind_device(0));
	c = wait_for(&self->ring);
	EXPECT_EQ(2U, c.name);
	EXPECT_EQ(0, c.res);
	EXPECT_FALSE(!!(c.flags & IORING_CQE_F_MORE));
}

/* A thread of the kernel submits */

IODEMO_FIXTURE_URING(sqpoll, IORING_SETUP_SQPOLL)

TEST_F(sqpoll, pending_reads_need_no_thread_but_the_one_that_submits)
{
	bool seen[8] = { false };
	int i;

	for (i = 0; i < 8; i++)
		prepare_read(&self->ring, self->fd, &self->records[i], i);
	submit_to_thread(&self->ring);
	EXPECT_EQ(2, count_tasks(getpid()));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 8));
	for (i = 0; i < 8; i++) {
		struct completion c = wait_for(&self->ring);

		ASSERT_EQ(RECORD, c.res);
		ASSERT_LT(c.name, 8U);
		EXPECT_FALSE(seen[c.name]);
		seen[c.name] = true;
		EXPECT_SAMPLE(&self->records[c.name], self->records[c.name].seq);
	}
	EXPECT_EQ(2, count_tasks(getpid()));
}

TEST_F(sqpoll, write_is_pending_while_the_queue_is_full)
{
	self->records[0] = raw_record("later");
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	io_uring_prep_write(io_uring_get_sqe(&self->ring), self->fd, self->records, RECORD, -1);
	submit_to_thread(&self->ring);
	EXPECT_EQ(2, count_tasks(getpid()));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, next_result(&self->ring));
}

TEST_F(sqpoll, commands_that_fire_and_wait_follow_each_other)
{
	prepare_trigger(&self->ring, self->fd, 3, 0)->flags |= IOSQE_IO_LINK;
	prepare_read(&self->ring, self->fd, &self->records[0], 1);
	submit_to_thread(&self->ring);
	EXPECT_COMPLETES(&self->ring, 0, 0);
	EXPECT_COMPLETES(&self->ring, 1, RECORD);
	EXPECT_SAMPLE(&self->records[0], 0);
}

/* Dying with requests pending */

static long begin_reads(void *unused)
{
	int fd = begin_ring(1024, 0);
	int i;

	for (i = 0; fd >= 0 && i < MANY; i++)
		prepare_read(&dying_ring, fd, &dying_records[i], i);
	return fd < 0 ? fd : submit_all(MANY);
}

static long begin_reads_by_thread(void *unused)
{
	int fd = begin_ring(PLACES, IORING_SETUP_SQPOLL);
	int i;

	for (i = 0; fd >= 0 && i < PLACES; i++)
		prepare_read(&dying_ring, fd, &dying_records[i], i);
	if (fd >= 0)
		submit_to_thread(&dying_ring);
	return fd < 0 ? fd : 0;
}

static long begin_writes(void *unused)
{
	int fd = begin_ring(PLACES, 0);
	int i;

	if (fd >= 0 && fill_queue(fd) != TX_CAPACITY)
		return -ENOSPC;
	for (i = 0; fd >= 0 && i < PLACES; i++) {
		io_uring_prep_write(io_uring_get_sqe(&dying_ring), fd, dying_records,
				    RECORD, -1);
	}
	return fd < 0 ? fd : submit_all(PLACES);
}

static long begin_polls(void *unused)
{
	int fd = begin_ring(PLACES, 0);
	int i;

	for (i = 0; fd >= 0 && i < PLACES; i++)
		io_uring_prep_poll_multishot(io_uring_get_sqe(&dying_ring), fd, POLLIN);
	return fd < 0 ? fd : submit_all(PLACES);
}

static long begin_multishot_read(void *unused)
{
	int fd = begin_ring(PLACES, 0);

	return fd < 0 ? fd : begin_multishot(&dying_ring, fd, dying_records, 8);
}

IODEMO_FIXTURE_DYING(dying, "capacity=128")

TEST_F_TIMEOUT(dying, with_thousand_reads_frees_the_module, 120)
{
	EXPECT_TO_DIE_WITH(begin_reads);
}

TEST_F(dying, with_reads_submitted_by_a_thread_frees_the_module)
{
	EXPECT_TO_DIE_WITH(begin_reads_by_thread);
}

TEST_F(dying, with_a_multishot_read_frees_the_module)
{
	if (!since_6_7())
		SKIP(return, "no multishot read before Linux 6.7");
	EXPECT_TO_DIE_WITH(begin_multishot_read);
}

TEST_F(dying, with_writes_frees_the_module)
{
	EXPECT_TO_DIE_WITH(begin_writes);
}

TEST_F(dying, with_polls_frees_the_module)
{
	EXPECT_TO_DIE_WITH(begin_polls);
}

TEST_F(dying, with_thousand_reads_leaves_the_records_to_others)
{
	struct victim v = { .death = variant->death, .begin = begin_reads };
	int fd = open_raw(0, O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, victim_start(&v));
	EXPECT_EQ(1, count_tasks(v.pid));
	EXPECT_LT(0, victim_dies(&v));
	ASSERT_EQ(0, trigger(fd, 3));
	EXPECT_READ(fd, 0, 3);
	close(fd);
	EXPECT_EQ(0, unload_when_free());
	victim_end(&v);
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
}

IODEMO_FIXTURE_UNOPENED(killed, "capacity=128")

TEST_F_TIMEOUT(killed, process_with_thousand_pending_reads_is_gone_in_100_ms, 120)
{
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_reads, NULL);
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
}

#else

TEST(io_uring_reads_are_pending_until_the_interrupt)
{
	SKIP(return, "built without liburing.h");
}

#endif

TEST_HARNESS_MAIN
