// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 5, asynchronous: io_uring to its limits. The commands that only this
 * device has, polled completion, and what becomes of all that is pending when
 * its process dies. Plain reads, writes and polls are in async.c.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#ifdef HAVE_LIBURING

#include <liburing.h>
#include <poll.h>
#include <stddef.h>
#include <sys/utsname.h>

/* Newer than some liburing.h */
#define READ_MULTISHOT	49

#define CAPACITY	128
#define PLACES		16
#define MANY		1000

/*
 * Linux 6.7 has multishot reads and commands that can be cancelled. It is asked
 * for by its number: a test that looked for the feature could be skipped where
 * the feature is broken.
 */
static bool since_6_7(void)
{
	struct utsname uts;
	int major, minor;

	if (uname(&uts) || sscanf(uts.release, "%d.%d", &major, &minor) != 2)
		return true;
	return major > 6 || (major == 6 && minor >= 7);
}

/* Submissions: each has a name, which its completion tells */

static struct io_uring_sqe *prepare_read(struct io_uring *ring, int fd,
					 struct iodemo_record *record, __u64 name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_read(sqe, fd, record, RECORD, -1);
	io_uring_sqe_set_data64(sqe, name);
	return sqe;
}

static void *payload(struct io_uring_sqe *sqe)
{
	return (char *)sqe + offsetof(struct io_uring_sqe, cmd);
}

static struct io_uring_sqe *prepare_command(struct io_uring *ring, int fd, __u32 op,
					    __u64 name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = op;
	io_uring_sqe_set_data64(sqe, name);
	return sqe;
}

static struct io_uring_sqe *prepare_wait(struct io_uring *ring, int fd, __u64 name)
{
	return prepare_command(ring, fd, IODEMO_URING_WAIT, name);
}

static struct io_uring_sqe *prepare_trigger(struct io_uring *ring, int fd, __u32 count,
					    __u64 name)
{
	struct io_uring_sqe *sqe = prepare_command(ring, fd, IODEMO_URING_TRIGGER, name);
	struct iodemo_uring_trigger trigger = { .count = count };

	memcpy(payload(sqe), &trigger, sizeof(trigger));
	return sqe;
}

static void prepare_buffers(struct io_uring *ring, struct iodemo_record *records, int count,
			    __u64 name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_provide_buffers(sqe, records, RECORD, count, 1, 0);
	io_uring_sqe_set_data64(sqe, name);
}

static void prepare_multishot(struct io_uring *ring, int fd, __u64 name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_rw(READ_MULTISHOT, sqe, fd, NULL, 0, -1);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = 1;
	io_uring_sqe_set_data64(sqe, name);
}

/* Completions */

struct completion {
	long ret;	/* of waiting for it */
	__u64 name;
	long res;
	__u32 flags;
	__u64 timestamp;
};

static struct completion take(struct io_uring *ring, struct io_uring_cqe *cqe)
{
	struct completion c = {
		.name = io_uring_cqe_get_data64(cqe),
		.res = cqe->res,
		.flags = cqe->flags,
	};

	if (ring->flags & IORING_SETUP_CQE32)
		c.timestamp = cqe->big_cqe[0];
	io_uring_cqe_seen(ring, cqe);
	return c;
}

static struct completion wait_for(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	long ret = io_uring_wait_cqe(ring, &cqe);

	if (ret)
		return (struct completion){ .ret = ret, .res = ret };
	return take(ring, cqe);
}

/* What the next completion gives */
static long next_result(struct io_uring *ring)
{
	return wait_for(ring).res;
}

/* Is anything complete? Lets the kernel run what it has to do first. */
static bool nothing_complete(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	io_uring_get_events(ring);
	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

/* The next completion is of the submission with this name and gives @expected. */
#define EXPECT_COMPLETES(ring, expected_name, expected)			\
	do {								\
		struct completion c_ = wait_for(ring);			\
									\
		EXPECT_EQ((__u64)(expected_name), c_.name);		\
		EXPECT_EQ(expected, c_.res);				\
	} while (0)

/* Two completions, in any order: what those with the names 0 and 1 gave */
static void wait_for_two(struct io_uring *ring, long res[2])
{
	int i;

	res[0] = -EBADMSG;
	res[1] = -EBADMSG;
	for (i = 0; i < 2; i++) {
		struct completion c = wait_for(ring);

		if (!c.ret)
			res[c.name & 1] = c.res;
	}
}

/* Reading and writing */

FIXTURE(uring) {
	int fd;
	struct io_uring ring;
	struct iodemo_record records[PLACES];
};

FIXTURE_SETUP(uring)
{
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, io_uring_queue_init(PLACES, &self->ring, 0));
}

/* The kernel lets go of a ring's files some time after the ring is closed. */
FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->ring);
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

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

FIXTURE(multishot) {
	int fd;
	struct io_uring ring;
	struct iodemo_record records[PLACES];
};

FIXTURE_SETUP(multishot)
{
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, io_uring_queue_init(PLACES, &self->ring, 0));
}

FIXTURE_TEARDOWN(multishot)
{
	io_uring_queue_exit(&self->ring);
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

/* Give the kernel the first @count records to fill, and read into them. */
static long begin_multishot(struct io_uring *ring, int fd, struct iodemo_record *records,
			    int count)
{
	long ret;

	prepare_buffers(ring, records, count, 1);
	if (io_uring_submit(ring) != 1)
		return -EIO;
	ret = next_result(ring);
	if (ret < 0)
		return ret;
	prepare_multishot(ring, fd, 2);
	return io_uring_submit(ring) == 1 ? 0 : -EIO;
}

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

FIXTURE(sqpoll) {
	int fd;
	struct io_uring ring;
	struct iodemo_record records[PLACES];
};

FIXTURE_SETUP(sqpoll)
{
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, io_uring_queue_init(PLACES, &self->ring, IORING_SETUP_SQPOLL));
}

FIXTURE_TEARDOWN(sqpoll)
{
	io_uring_queue_exit(&self->ring);
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

/* Submit, and wait until the thread has taken all. */
static void submit_to_thread(struct io_uring *ring)
{
	do {
		io_uring_submit(ring);
		sched_yield();
	} while (io_uring_sq_ready(ring));
}

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

TEST_F(sqpoll, waiting_command_is_pending_until_the_interrupt)
{
	prepare_wait(&self->ring, self->fd, 7);
	submit_to_thread(&self->ring);
	if (since_6_7())
		EXPECT_EQ(2, count_tasks(getpid()));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETES(&self->ring, 7, 0);
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

/* The commands, with completions of 32 bytes; both ways that the device wakes */

FIXTURE(command) {
	int fd;
	struct io_uring ring;
	struct iodemo_record records[PLACES];
};

FIXTURE_VARIANT(command) {
	int threaded;
};

FIXTURE_VARIANT_ADD(command, hard) {
	.threaded = 0,
};

FIXTURE_VARIANT_ADD(command, threaded) {
	.threaded = 1,
};

FIXTURE_SETUP(command)
{
	ASSERT_EQ(0, load("capacity=%d threaded=%d", CAPACITY, variant->threaded));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, io_uring_queue_init(PLACES, &self->ring, IORING_SETUP_CQE32));
}

FIXTURE_TEARDOWN(command)
{
	io_uring_queue_exit(&self->ring);
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

TEST_F(command, waits_until_the_interrupt_and_tells_of_the_record_without_taking_it)
{
	struct completion c;

	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	c = wait_for(&self->ring);
	EXPECT_EQ(7U, c.name);
	EXPECT_EQ(0, c.res);
	EXPECT_EQ(0, STAT(self->fd, read));
	ASSERT_EQ(RECORD, read_nowait(self->fd, self->records, RECORD));
	EXPECT_SAMPLE(&self->records[0], 0);
	EXPECT_EQ(self->records[0].timestamp, c.timestamp);
	EXPECT_TRUE(nothing_complete(&self->ring));
}

TEST_F(command, waits_without_a_thread_where_it_can_be_cancelled)
{
	long switches;
	int i;

	if (!since_6_7())
		SKIP(return, "before Linux 6.7 a worker thread waits");
	for (i = 0; i < PLACES; i++)
		prepare_wait(&self->ring, self->fd, i);
	switches = own_switches();
	ASSERT_EQ(PLACES, io_uring_submit(&self->ring));
	EXPECT_EQ(switches, own_switches());
	EXPECT_EQ(1, count_tasks(getpid()));
	EXPECT_TRUE(nothing_complete(&self->ring));
}

TEST_F(command, that_waits_is_complete_at_once_when_records_are_there)
{
	struct io_uring_cqe *cqe;
	struct completion c;

	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_READ(self->fd, 0, 2);
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, io_uring_peek_cqe(&self->ring, &cqe));
	c = take(&self->ring, cqe);
	EXPECT_EQ(2, c.res);
	ASSERT_EQ(RECORD, read_nowait(self->fd, self->records, RECORD));
	EXPECT_SAMPLE(&self->records[0], 2);
	EXPECT_EQ(self->records[0].timestamp, c.timestamp);
	EXPECT_EQ(1, count_tasks(getpid()));
}

TEST_F(command, waits_for_the_low_water_mark)
{
	struct completion c;

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	c = wait_for(&self->ring);
	EXPECT_EQ(0, c.res);
	EXPECT_EQ(3, STAT(self->fd, lag));
	ASSERT_EQ(RECORD, read_nowait(self->fd, self->records, RECORD));
	EXPECT_EQ(self->records[0].timestamp, c.timestamp);
}

TEST_F(command, that_waits_is_completed_by_a_lowered_mark)
{
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, set_low_water(self->fd, 2));
	EXPECT_COMPLETES(&self->ring, 7, 0);
}

TEST_F(command, that_waits_is_one_of_several_and_all_are_completed)
{
	bool seen[4] = { false };
	int i;

	for (i = 0; i < 4; i++)
		prepare_wait(&self->ring, self->fd, i);
	ASSERT_EQ(4, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	for (i = 0; i < 4; i++) {
		struct completion c = wait_for(&self->ring);

		EXPECT_EQ(0, c.res);
		ASSERT_LT(c.name, 4U);
		EXPECT_FALSE(seen[c.name]);
		seen[c.name] = true;
	}
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_TRUE(nothing_complete(&self->ring));
}

TEST_F(command, that_waits_can_be_given_again_for_each_record)
{
	int i;

	for (i = 0; i < 10; i++) {
		prepare_wait(&self->ring, self->fd, i);
		ASSERT_EQ(1, io_uring_submit(&self->ring));
		EXPECT_TRUE(nothing_complete(&self->ring));
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_COMPLETES(&self->ring, i, i);
		EXPECT_READ(self->fd, i, 1);
	}
}

TEST_F(command, that_waits_tells_a_lapped_file_of_the_oldest_record_left)
{
	struct completion c;

	ASSERT_EQ(0, trigger(self->fd, CAPACITY + 10));
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	c = wait_for(&self->ring);
	EXPECT_EQ(10, c.res);
	ASSERT_EQ(RECORD, read_nowait(self->fd, self->records, RECORD));
	EXPECT_SAMPLE(&self->records[0], 10);
	EXPECT_EQ(self->records[0].timestamp, c.timestamp);
}

TEST_F(command, that_waits_works_in_a_ring_of_small_completions)
{
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	prepare_wait(&ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETES(&ring, 7, 0);
	io_uring_queue_exit(&ring);
}

TEST_F(command, that_waits_works_in_a_ring_with_deferred_work)
{
	struct completion c;
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, IORING_SETUP_CQE32 |
					 IORING_SETUP_SINGLE_ISSUER |
					 IORING_SETUP_DEFER_TASKRUN));
	prepare_wait(&ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_TRUE(nothing_complete(&ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	c = wait_for(&ring);
	EXPECT_EQ(0, c.res);
	ASSERT_EQ(RECORD, read_nowait(self->fd, self->records, RECORD));
	EXPECT_EQ(self->records[0].timestamp, c.timestamp);
	io_uring_queue_exit(&ring);
}

TEST_F(command, that_waits_and_read_of_one_file_both_complete)
{
	long res[2];

	prepare_wait(&self->ring, self->fd, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	prepare_read(&self->ring, self->fd, &self->records[0], 1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	/* Two records: the read may take the first before the other has looked. */
	ASSERT_EQ(0, set_config(self->fd, 0, 2));
	ASSERT_EQ(0, trigger(self->fd, 1));
	wait_for_two(&self->ring, res);
	EXPECT_LE(0, res[0]);
	EXPECT_GE(1, res[0]);
	EXPECT_EQ(RECORD, res[1]);
	EXPECT_SAMPLE(&self->records[0], 0);
}

TEST_F(command, that_waits_is_ENODEV_when_the_device_is_unplugged)
{
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_COMPLETES(&self->ring, 7, -ENODEV);
	prepare_wait(&self->ring, self->fd, 8);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 8, -ENODEV);
}

TEST_F(command, that_waits_for_more_is_told_of_what_is_left_when_unplugged)
{
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_COMPLETES(&self->ring, 7, 0);
	EXPECT_READ(self->fd, 0, 2);
	prepare_wait(&self->ring, self->fd, 8);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 8, -ENODEV);
}

TEST_F(command, that_waits_on_a_file_not_open_for_reading_is_EBADF)
{
	int fd = open_raw(0, O_WRONLY);

	ASSERT_LE(0, fd);
	prepare_wait(&self->ring, fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 7, -EBADF);
}

TEST_F(command, that_waits_and_has_a_byte_set_is_EINVAL)
{
	int i;

	for (i = 0; i < 16; i++) {
		char *bytes = payload(prepare_wait(&self->ring, self->fd, i));

		bytes[i] = 1;
		ASSERT_EQ(1, io_uring_submit(&self->ring));
		EXPECT_COMPLETES(&self->ring, i, -EINVAL);
	}
}

TEST_F(command, that_is_unknown_is_EOPNOTSUPP)
{
	static const __u32 ops[] = { 0, 3, 0x10001, ~0U };
	unsigned int i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		prepare_command(&self->ring, self->fd, ops[i], i);
		ASSERT_EQ(1, io_uring_submit(&self->ring));
		EXPECT_COMPLETES(&self->ring, i, -EOPNOTSUPP);
	}
}

TEST_F(command, that_waits_before_6_7_has_a_worker_that_a_cancel_ends_with_EINTR)
{
	struct io_uring_sqe *sqe;
	long res[2];

	if (since_6_7())
		SKIP(return, "no worker thread since Linux 6.7");
	prepare_wait(&self->ring, self->fd, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	while (count_tasks(getpid()) < 2)
		sched_yield();
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_cancel64(sqe, 0, 0);
	io_uring_sqe_set_data64(sqe, 1);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	wait_for_two(&self->ring, res);
	/* As the cancel came before the worker took it, or later. */
	EXPECT_EQ(res[1] ? -EINTR : -ECANCELED, res[0]);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(command, that_fires_fires_so_many_interrupts)
{
	static const int counts[] = { 1, 3, IODEMO_URING_TRIGGER_MAX };
	long sum = 0;
	int i;

	for (i = 0; i < 3; i++) {
		prepare_trigger(&self->ring, self->fd, counts[i], i);
		ASSERT_EQ(1, io_uring_submit(&self->ring));
		EXPECT_COMPLETES(&self->ring, i, 0);
		sum += counts[i];
		EXPECT_EQ(sum, STAT(self->fd, interrupts));
		EXPECT_EQ(sum, STAT(self->fd, records));
	}
	EXPECT_EQ(1, count_tasks(getpid()));
}

TEST_F(command, that_fires_wakes_a_sleeping_reader)
{
	struct sleeper s = reader(self->fd, 1);

	ASSERT_TRUE(falls_asleep(&s));
	prepare_trigger(&self->ring, self->fd, 1, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[0], 0);
	EXPECT_COMPLETES(&self->ring, 7, 0);
}

TEST_F(command, that_fires_completes_one_that_waits_in_the_same_submission)
{
	long res[2];

	prepare_wait(&self->ring, self->fd, 0);
	prepare_trigger(&self->ring, self->fd, 1, 1);
	ASSERT_EQ(2, io_uring_submit(&self->ring));
	wait_for_two(&self->ring, res);
	EXPECT_EQ(0, res[0]);
	EXPECT_EQ(0, res[1]);
}

TEST_F(command, that_fires_count_out_of_range_is_EINVAL)
{
	static const __u32 counts[] = { 0, IODEMO_URING_TRIGGER_MAX + 1, ~0U };
	int i;

	for (i = 0; i < 3; i++) {
		prepare_trigger(&self->ring, self->fd, counts[i], i);
		ASSERT_EQ(1, io_uring_submit(&self->ring));
		EXPECT_COMPLETES(&self->ring, i, -EINVAL);
	}
	EXPECT_EQ(0, STAT(self->fd, interrupts));
}

TEST_F(command, that_fires_with_a_reserved_field_set_is_EINVAL)
{
	struct iodemo_uring_trigger *trigger;
	int i;

	for (i = 0; i < 3; i++) {
		trigger = payload(prepare_trigger(&self->ring, self->fd, 1, i));
		trigger->reserved[i] = 1;
		ASSERT_EQ(1, io_uring_submit(&self->ring));
		EXPECT_COMPLETES(&self->ring, i, -EINVAL);
	}
	EXPECT_EQ(0, STAT(self->fd, interrupts));
}

TEST_F(command, that_fires_through_a_file_not_open_for_writing_is_EBADF)
{
	int fd = open_raw(0, O_RDONLY);

	ASSERT_LE(0, fd);
	prepare_trigger(&self->ring, fd, 1, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 7, -EBADF);
	EXPECT_EQ(0, STAT(self->fd, interrupts));
}

TEST_F(command, that_fires_a_device_reserved_by_another_is_EBUSY)
{
	int holder = open_raw(0, O_RDWR);

	ASSERT_LE(0, holder);
	ASSERT_EQ(0, result(ioctl(holder, IODEMO_RESERVE)));
	prepare_trigger(&self->ring, self->fd, 1, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 7, -EBUSY);
	prepare_trigger(&self->ring, holder, 1, 8);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 8, 0);
	EXPECT_EQ(1, STAT(self->fd, interrupts));
}

TEST_F(command, that_fires_an_unplugged_device_is_ENODEV)
{
	ASSERT_EQ(0, unbind_device(0));
	prepare_trigger(&self->ring, self->fd, 1, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 7, -ENODEV);
}

TEST_F(command, that_waits_is_ended_by_the_end_of_its_ring)
{
	int i;

	for (i = 0; i < 8; i++)
		prepare_wait(&self->ring, self->fd, i);
	ASSERT_EQ(8, io_uring_submit(&self->ring));
	io_uring_queue_exit(&self->ring);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	ASSERT_EQ(0, io_uring_queue_init(4, &self->ring, 0));
}

/*
 * A ring that its task shares with others lives on, and the command with it,
 * as any request does. Where a worker thread of that task waits, it ends.
 */
TEST_F(command, that_waits_outlives_its_task_if_the_ring_does_and_no_worker_waits)
{
	struct completion c;
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prepare_wait(&self->ring, self->fd, 7);
		_exit(io_uring_submit(&self->ring) != 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	if (since_6_7()) {
		EXPECT_TRUE(nothing_complete(&self->ring));
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_COMPLETES(&self->ring, 7, 0);
	} else {
		c = wait_for(&self->ring);
		/* As the end came before the worker took it, or later. */
		EXPECT_TRUE(c.res == -ECANCELED || c.res == -EINTR);
		ASSERT_EQ(0, trigger(self->fd, 1));
	}
	EXPECT_READ(self->fd, 0, 1);
}

static long call_trigger_often(struct sleeper *s)
{
	long err = 0;
	int i;

	for (i = 0; i < 20 && !err; i++)
		err = trigger(s->fd, 1);
	return err;
}

TEST_F_TIMEOUT(command, end_of_the_ring_against_records_hangs_nobody, 120)
{
	int round, i;

	for (round = 0; round < 50; round++) {
		struct sleeper s = { .call = call_trigger_often, .fd = self->fd };
		struct io_uring ring;

		ASSERT_EQ(0, io_uring_queue_init(8, &ring, IORING_SETUP_CQE32));
		ASSERT_TRUE(sleeper_start(&s));
		for (i = 0; i < 8; i++)
			prepare_wait(&ring, self->fd, i);
		ASSERT_EQ(8, io_uring_submit(&ring));
		io_uring_queue_exit(&ring);
		ASSERT_EQ(0, sleeper_result(&s));
		ASSERT_EQ(20, read_nowait(self->fd, calloc(20, RECORD), 20 * RECORD) / RECORD);
	}
}

/* Polled completion: nobody is told, the program asks */

FIXTURE(polled) {
	int fd;
	struct io_uring ring;
	struct iodemo_record records[PLACES];
};

FIXTURE_SETUP(polled)
{
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, io_uring_queue_init(PLACES, &self->ring, IORING_SETUP_IOPOLL |
					 IORING_SETUP_CQE32));
}

FIXTURE_TEARDOWN(polled)
{
	io_uring_queue_exit(&self->ring);
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

TEST_F(polled, command_waits_until_the_interrupt_and_needs_no_thread)
{
	struct completion c;

	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_EQ(1, count_tasks(getpid()));
	ASSERT_EQ(0, trigger(self->fd, 1));
	c = wait_for(&self->ring);
	EXPECT_EQ(7U, c.name);
	EXPECT_EQ(0, c.res);
	ASSERT_EQ(RECORD, read_nowait(self->fd, self->records, RECORD));
	EXPECT_SAMPLE(&self->records[0], 0);
	EXPECT_EQ(self->records[0].timestamp, c.timestamp);
}

TEST_F(polled, command_wakes_nobody)
{
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETES(&self->ring, 7, 0);
	EXPECT_EQ(0, STAT(self->fd, wakeups));
}

static long call_wait_polling(struct sleeper *s)
{
	return next_result(s->buf);
}

TEST_F(polled, command_completes_in_a_thread_that_polls_already)
{
	struct sleeper s = { .call = call_wait_polling, .buf = &self->ring };

	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_TRUE(sleeper_start(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, sleeper_result(&s));
}

TEST_F(polled, command_waits_for_the_low_water_mark)
{
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETES(&self->ring, 7, 0);
}

TEST_F(polled, commands_all_complete)
{
	bool seen[4] = { false };
	int i;

	for (i = 0; i < 4; i++)
		prepare_wait(&self->ring, self->fd, i);
	ASSERT_EQ(4, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	for (i = 0; i < 4; i++) {
		struct completion c = wait_for(&self->ring);

		EXPECT_EQ(0, c.res);
		ASSERT_LT(c.name, 4U);
		EXPECT_FALSE(seen[c.name]);
		seen[c.name] = true;
	}
}

TEST_F(polled, command_that_fires_fires)
{
	prepare_trigger(&self->ring, self->fd, 5, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 7, 0);
	EXPECT_EQ(5, STAT(self->fd, records));
}

TEST_F(polled, command_is_complete_at_once_when_records_are_there)
{
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_READ(self->fd, 0, 3);
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 7, 3);
}

TEST_F(polled, command_is_ENODEV_when_the_device_is_unplugged)
{
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_COMPLETES(&self->ring, 7, -ENODEV);
}

TEST_F(polled, command_is_ended_by_the_end_of_its_ring)
{
	int i;

	for (i = 0; i < 8; i++)
		prepare_wait(&self->ring, self->fd, i);
	ASSERT_EQ(8, io_uring_submit(&self->ring));
	io_uring_queue_exit(&self->ring);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	ASSERT_EQ(0, io_uring_queue_init(4, &self->ring, 0));
}

/* Dying with requests pending */

static struct io_uring dying_ring;
static struct iodemo_record *dying_records;

/* A ring of its own, on a file of its own */
static int begin(unsigned int entries, unsigned int flags)
{
	long err = io_uring_queue_init(entries, &dying_ring, flags);

	dying_records = calloc(MANY, RECORD);
	return err ? err : open_raw(0, O_RDWR);
}

static long submit_all(long count)
{
	long ret = io_uring_submit(&dying_ring);

	return ret == count ? 0 : ret < 0 ? ret : -EAGAIN;
}

static long begin_reads(void *unused)
{
	int fd = begin(1024, 0);
	int i;

	for (i = 0; fd >= 0 && i < MANY; i++)
		prepare_read(&dying_ring, fd, &dying_records[i], i);
	return fd < 0 ? fd : submit_all(MANY);
}

static long begin_reads_by_thread(void *unused)
{
	int fd = begin(PLACES, IORING_SETUP_SQPOLL);
	int i;

	for (i = 0; fd >= 0 && i < PLACES; i++)
		prepare_read(&dying_ring, fd, &dying_records[i], i);
	if (fd >= 0)
		submit_to_thread(&dying_ring);
	return fd < 0 ? fd : 0;
}

static long begin_writes(void *unused)
{
	int fd = begin(PLACES, 0);
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
	int fd = begin(PLACES, 0);
	int i;

	for (i = 0; fd >= 0 && i < PLACES; i++)
		io_uring_prep_poll_multishot(io_uring_get_sqe(&dying_ring), fd, POLLIN);
	return fd < 0 ? fd : submit_all(PLACES);
}

static long begin_multishot_read(void *unused)
{
	int fd = begin(PLACES, 0);

	return fd < 0 ? fd : begin_multishot(&dying_ring, fd, dying_records, 8);
}

static long begin_commands(void *unused)
{
	int fd = begin(PLACES, IORING_SETUP_CQE32);
	int i;

	for (i = 0; fd >= 0 && i < PLACES; i++)
		prepare_wait(&dying_ring, fd, i);
	return fd < 0 ? fd : submit_all(PLACES);
}

static long begin_commands_by_thread(void *unused)
{
	int fd = begin(PLACES, IORING_SETUP_SQPOLL);
	int i;

	for (i = 0; fd >= 0 && i < PLACES; i++)
		prepare_wait(&dying_ring, fd, i);
	if (fd >= 0)
		submit_to_thread(&dying_ring);
	return fd < 0 ? fd : 0;
}

static long begin_polled_commands(void *unused)
{
	int fd = begin(PLACES, IORING_SETUP_IOPOLL | IORING_SETUP_CQE32);
	int i;

	for (i = 0; fd >= 0 && i < PLACES; i++)
		prepare_wait(&dying_ring, fd, i);
	return fd < 0 ? fd : submit_all(PLACES);
}

static void *poll_for_ever(void *unused)
{
	next_result(&dying_ring);
	return NULL;
}

/* The same, with a thread that polls all the time */
static long begin_polling(void *unused)
{
	long err = begin_polled_commands(unused);
	pthread_t thread;

	return err ? err : -pthread_create(&thread, NULL, poll_for_ever, NULL);
}

FIXTURE(dying) {
};

FIXTURE_VARIANT(dying) {
	enum death death;
};

FIXTURE_VARIANT_ADD(dying, by_exit) {
	.death = DEATH_EXIT,
};

FIXTURE_VARIANT_ADD(dying, by_SIGKILL) {
	.death = DEATH_SIGKILL,
};

FIXTURE_VARIANT_ADD(dying, by_exec) {
	.death = DEATH_EXEC,
};

FIXTURE_SETUP(dying)
{
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
}

IODEMO_FIXTURE_TEARDOWN(dying)

#define EXPECT_TO_DIE_WITH(begun)						\
	do {									\
		struct victim v_ = { .death = variant->death, .begin = begun };	\
										\
		ASSERT_EQ(0, victim_start(&v_));				\
		EXPECT_EQ(-EWOULDBLOCK, unload());				\
		EXPECT_LT(0, victim_dies(&v_));					\
		EXPECT_EQ(0, unload_when_free());				\
		victim_end(&v_);						\
		ASSERT_EQ(0, load("capacity=%d", CAPACITY));			\
	} while (0)

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

TEST_F(dying, with_waiting_commands_frees_the_module)
{
	EXPECT_TO_DIE_WITH(begin_commands);
}

TEST_F(dying, with_waiting_commands_submitted_by_a_thread_frees_the_module)
{
	EXPECT_TO_DIE_WITH(begin_commands_by_thread);
}

TEST_F(dying, with_polled_commands_frees_the_module)
{
	EXPECT_TO_DIE_WITH(begin_polled_commands);
}

TEST_F(dying, with_a_thread_that_polls_for_commands_frees_the_module)
{
	EXPECT_TO_DIE_WITH(begin_polling);
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

FIXTURE(killed) {
};

FIXTURE_SETUP(killed)
{
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
}

IODEMO_FIXTURE_TEARDOWN(killed)

/* The best of three: a guest can lose its processors to others on the host. */
TEST_F_TIMEOUT(killed, process_with_thousand_pending_reads_is_gone_in_100_ms, 120)
{
	long limit = death_limit_ns(), best = limit;
	int i;

	for (i = 0; i < 3; i++) {
		struct victim v = { .death = DEATH_SIGKILL, .begin = begin_reads };
		long took;

		ASSERT_EQ(0, victim_start(&v));
		EXPECT_EQ(1, count_tasks(v.pid));
		took = victim_dies(&v);
		ASSERT_LT(0, took);
		if (took < best)
			best = took;
		victim_end(&v);
		EXPECT_EQ(0, unload_when_free());
		ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	}
	EXPECT_LT(best, limit);
}

#else

TEST(io_uring_command_is_pending_until_the_interrupt)
{
	SKIP(return, "built without liburing.h");
}

#endif

TEST_HARNESS_MAIN
