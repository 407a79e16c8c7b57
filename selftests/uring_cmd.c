// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 5, asynchronous: the commands of io_uring that only this device has, and
 * polled completion.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#ifdef HAVE_LIBURING

#include <linux/aio_abi.h>
#include <sys/syscall.h>

#include "iodemo_uring.h"

/* The commands, with completions of 32 bytes; both ways that the device wakes */

IODEMO_FIXTURE_URING_BOTH(command, IORING_SETUP_CQE32)

static const char no_wait[] = "no URING_WAIT before Linux 6.7";

TEST_F(command, that_has_to_wait_is_EOPNOTSUPP_where_GET_INFO_does_not_offer_it)
{
	struct iodemo_info info;

	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_INFO, &info)));
	EXPECT_EQ(since_6_7(), !!(info.flags & IODEMO_INFO_URING_WAIT));
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	if (!since_6_7())
		EXPECT_COMPLETES(&self->ring, 7, -EOPNOTSUPP);
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_EQ(1, count_tasks(getpid()));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(command, waits_until_the_interrupt_and_tells_of_the_record_without_taking_it)
{
	struct completion c;

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

TEST_F(command, waits_without_a_thread)
{
	long switches;
	int i;

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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
	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

TEST_F(command, that_waits_works_in_a_ring_with_a_thread_that_submits)
{
	struct io_uring ring;

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
	ASSERT_EQ(0, io_uring_queue_init(4, &ring, IORING_SETUP_SQPOLL));
	prepare_wait(&ring, self->fd, 7);
	submit_to_thread(&ring);
	EXPECT_EQ(2, count_tasks(getpid()));
	EXPECT_TRUE(nothing_complete(&ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETES(&ring, 7, 0);
	io_uring_queue_exit(&ring);
}

TEST_F(command, that_waits_and_read_of_one_file_both_complete)
{
	long res[2];

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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
	if (!since_6_7())
		SKIP(return, "%s", no_wait);
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_COMPLETES(&self->ring, 7, -ENODEV);
}

TEST_F(command, that_waits_on_an_unplugged_device_is_told_of_what_is_left_and_then_ENODEV)
{
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(0, unbind_device(0));
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 7, 0);
	EXPECT_READ(self->fd, 0, 2);
	prepare_wait(&self->ring, self->fd, 8);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 8, -ENODEV);
}

TEST_F(command, that_waits_for_more_is_told_of_what_is_left_when_unplugged)
{
	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
	for (i = 0; i < 8; i++)
		prepare_wait(&self->ring, self->fd, i);
	ASSERT_EQ(8, io_uring_submit(&self->ring));
	io_uring_queue_exit(&self->ring);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	ASSERT_EQ(0, io_uring_queue_init(4, &self->ring, 0));
}

/* A ring that its task shares with others lives on, and so does the command. */
TEST_F(command, that_waits_outlives_its_task_if_the_ring_does)
{
	int status;
	pid_t pid;

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		prepare_wait(&self->ring, self->fd, 7);
		_exit(io_uring_submit(&self->ring) != 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETES(&self->ring, 7, 0);
	EXPECT_READ(self->fd, 0, 1);
}

/* Kernel AIO, without its library: what a read of a record gave, or 0: it is pending */
static long aio_read_now(aio_context_t context, int fd, struct iodemo_record *record)
{
	struct iocb iocb = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = fd,
		.aio_buf = (unsigned long)record,
		.aio_nbytes = RECORD,
	};
	struct iocb *iocbs[] = { &iocb };
	struct timespec none = { 0 };
	struct io_event event;
	long ret = result(syscall(SYS_io_submit, context, 1, iocbs));

	if (ret == 1)
		ret = result(syscall(SYS_io_getevents, context, 0, 1, &event, &none));
	return ret == 1 ? (long)event.res : ret;
}

TEST_F_TIMEOUT(command, beyond_4096_that_wait_is_EAGAIN_and_requests_of_kernel_AIO_count_too, 120)
{
	const int waits = IODEMO_PENDING_MAX - 1;
	aio_context_t context = 0;
	struct io_uring ring;
	int i;

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
	ASSERT_EQ(0, result(syscall(SYS_io_setup, 2, &context)));
	ASSERT_EQ(0, io_uring_queue_init(IODEMO_PENDING_MAX, &ring, 0));
	for (i = 0; i < waits; i++)
		prepare_wait(&ring, self->fd, i);
	ASSERT_EQ(waits, io_uring_submit(&ring));
	ASSERT_TRUE(nothing_complete(&ring));
	EXPECT_EQ(0, aio_read_now(context, self->fd, &self->records[0]));
	EXPECT_EQ(-EAGAIN, aio_read_now(context, self->fd, &self->records[1]));
	prepare_wait(&ring, self->fd, waits);
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_COMPLETES(&ring, waits, -EAGAIN);

	/* One that has ended makes room for another. */
	ASSERT_EQ(0, result(syscall(SYS_io_destroy, context)));
	prepare_wait(&ring, self->fd, waits);
	ASSERT_EQ(1, io_uring_submit(&ring));
	ASSERT_TRUE(nothing_complete(&ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	for (i = 0; i < IODEMO_PENDING_MAX; i++)
		ASSERT_EQ(0, next_result(&ring));
	EXPECT_TRUE(nothing_complete(&ring));
	EXPECT_READ(self->fd, 0, 1);
	io_uring_queue_exit(&ring);
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

	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

IODEMO_FIXTURE_URING(polled, IORING_SETUP_IOPOLL | IORING_SETUP_CQE32)

/*
 * A command that the host was too slow for, so that it has timed out, is given
 * again. Whatever else completes is told.
 */
static bool give_again(struct io_uring *ring, int fd, const struct completion *c)
{
	if (c->ret || c->res != -ETIME)
		return false;
	prepare_wait(ring, fd, c->name);
	return io_uring_submit(ring) == 1;
}

static struct completion poll_for(struct io_uring *ring, int fd)
{
	struct completion c;

	do {
		c = wait_for(ring);
	} while (give_again(ring, fd, &c));
	return c;
}

static bool still_waits(struct io_uring *ring, int fd)
{
	struct io_uring_cqe *cqe;
	struct completion c;

	if (nothing_complete(ring))
		return true;
	if (io_uring_peek_cqe(ring, &cqe))
		return false;
	c = take(ring, cqe);
	return give_again(ring, fd, &c);
}

#define EXPECT_POLLED(expected_name, expected)					\
	do {									\
		struct completion c_ = poll_for(&self->ring, self->fd);		\
										\
		EXPECT_EQ((__u64)(expected_name), c_.name);			\
		EXPECT_EQ(expected, c_.res);					\
	} while (0)

TEST_F(polled, command_waits_until_the_interrupt_and_needs_no_thread)
{
	struct completion c;

	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(still_waits(&self->ring, self->fd));
	EXPECT_EQ(1, count_tasks(getpid()));
	ASSERT_EQ(0, trigger(self->fd, 1));
	c = poll_for(&self->ring, self->fd);
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
	EXPECT_POLLED(7, 0);
	EXPECT_EQ(0, STAT(self->fd, wakeups));
}

static long call_wait_polling(struct sleeper *s)
{
	return poll_for(s->buf, s->fd).res;
}

TEST_F(polled, command_completes_in_a_thread_that_polls_already)
{
	struct sleeper s = {
		.call = call_wait_polling,
		.fd = self->fd,
		.buf = &self->ring,
	};

	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_TRUE(sleeper_start(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, sleeper_result(&s));
}

TEST_F(polled, command_ends_with_ETIME_when_nothing_came_for_100_ms)
{
	__u64 before = clock_ns();

	ASSERT_EQ(0, set_low_water(self->fd, 2));
	ASSERT_EQ(0, trigger(self->fd, 1));
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 7, -ETIME);
	EXPECT_LE(before + IODEMO_URING_POLL_MS * 1000000ULL, clock_ns());
	EXPECT_EQ(1, STAT(self->fd, lag));
}

TEST_F(polled, command_completes_in_a_ring_with_a_thread_that_polls)
{
	struct completion c;
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, IORING_SETUP_IOPOLL | IORING_SETUP_SQPOLL |
					 IORING_SETUP_CQE32));
	prepare_wait(&ring, self->fd, 7);
	submit_to_thread(&ring);
	ASSERT_EQ(0, trigger(self->fd, 1));
	c = poll_for(&ring, self->fd);
	EXPECT_EQ(7U, c.name);
	EXPECT_EQ(0, c.res);
	prepare_wait(&ring, self->fd, 8);
	EXPECT_READ(self->fd, 0, 1);
	submit_to_thread(&ring);
	EXPECT_COMPLETES(&ring, 8, -ETIME);
	io_uring_queue_exit(&ring);
}

TEST_F(polled, command_waits_for_the_low_water_mark)
{
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	prepare_wait(&self->ring, self->fd, 7);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(still_waits(&self->ring, self->fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_POLLED(7, 0);
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
		struct completion c = poll_for(&self->ring, self->fd);

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
	EXPECT_TRUE(still_waits(&self->ring, self->fd));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_POLLED(7, -ENODEV);
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

/* Dying with commands pending */

static long begin_commands(void *unused)
{
	int fd = begin_ring(PLACES, IORING_SETUP_CQE32);
	int i;

	for (i = 0; fd >= 0 && i < PLACES; i++)
		prepare_wait(&dying_ring, fd, i);
	return fd < 0 ? fd : submit_all(PLACES);
}

static long begin_commands_by_thread(void *unused)
{
	int fd = begin_ring(PLACES, IORING_SETUP_SQPOLL);
	int i;

	for (i = 0; fd >= 0 && i < PLACES; i++)
		prepare_wait(&dying_ring, fd, i);
	if (fd >= 0)
		submit_to_thread(&dying_ring);
	return fd < 0 ? fd : 0;
}

static int polled_fd;

static long begin_polled_commands(void *unused)
{
	int i;

	polled_fd = begin_ring(PLACES, IORING_SETUP_IOPOLL | IORING_SETUP_CQE32);
	for (i = 0; polled_fd >= 0 && i < PLACES; i++)
		prepare_wait(&dying_ring, polled_fd, i);
	return polled_fd < 0 ? polled_fd : submit_all(PLACES);
}

static void *poll_for_ever(void *unused)
{
	for (;;)
		poll_for(&dying_ring, polled_fd);
	return NULL;
}

/* The same, with a thread that polls all the time */
static long begin_polling(void *unused)
{
	long err = begin_polled_commands(unused);
	pthread_t thread;

	return err ? err : -pthread_create(&thread, NULL, poll_for_ever, NULL);
}

IODEMO_FIXTURE_DYING(dying, "capacity=128")

TEST_F(dying, with_waiting_commands_frees_the_module)
{
	if (!since_6_7())
		SKIP(return, "%s", no_wait);
	EXPECT_TO_DIE_WITH(begin_commands);
}

TEST_F(dying, with_waiting_commands_submitted_by_a_thread_frees_the_module)
{
	if (!since_6_7())
		SKIP(return, "%s", no_wait);
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

#else

TEST(io_uring_command_is_pending_until_the_interrupt)
{
	SKIP(return, "built without liburing.h");
}

#endif

TEST_HARNESS_MAIN
