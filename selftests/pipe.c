// SPDX-License-Identifier: GPL-2.0-only
/*
 * A splice() that sleeps leaves the pipe to others: they write to it, read from
 * it, close it and die meanwhile, and no record is lost by what they do.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"

#include <poll.h>
#include <sys/eventfd.h>

#define CAPACITY	128
#define PAGE		4096

FIXTURE(pipe) {
	int fd;
	int pipe[2];
};

IODEMO_VARIANTS_THREADED(pipe);

/* A pipe of one page, so that it is full soon */
FIXTURE_SETUP(pipe)
{
	ASSERT_EQ(0, load("capacity=%d threaded=%d", CAPACITY, variant->threaded));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC));
	ASSERT_EQ(PAGE, fcntl(self->pipe[1], F_SETPIPE_SZ, PAGE));
}

FIXTURE_TEARDOWN(pipe)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

static long splice_to(int in, int out, size_t size, unsigned int flags)
{
	return result(splice(in, NULL, out, NULL, size, flags));
}

static long call_splice(struct sleeper *s)
{
	return splice_to(s->fd, s->events, s->size, 0);
}

/* A thread that splices; where to is kept in its events. */
static struct sleeper splicer(int in, int out, long size)
{
	return (struct sleeper){
		.call = call_splice,
		.fd = in,
		.events = out,
		.size = size,
	};
}

/* The next record in the pipe is this sample. */
static const char *piped_fault(int fd, __u64 seq)
{
	struct iodemo_record record;

	if (read(fd, &record, RECORD) != RECORD)
		return "a record is missing";
	return sample_fault(&record, seq);
}

#define EXPECT_PIPED(seq)	EXPECT_STREQ("", piped_fault(self->pipe[0], seq))

static long pipe_bytes(int fd)
{
	int bytes;

	return ioctl(fd, FIONREAD, &bytes) ? -errno : bytes;
}

static long fill_pipe(int fd)
{
	static const char bytes[PAGE];

	return result(write(fd, bytes, PAGE));
}

static long empty_pipe(int fd)
{
	char bytes[PAGE];

	return result(read(fd, bytes, PAGE));
}

static long begin_to_write_and_read(void *pipe)
{
	int *ends = pipe;
	char byte = 'x';

	if (write(ends[1], &byte, 1) != 1)
		return -errno;
	byte = 0;
	if (read(ends[0], &byte, 1) != 1)
		return -errno;
	return byte == 'x' ? 0 : -EBADMSG;
}

TEST_F(pipe, is_written_and_read_by_another_process_while_a_splice_sleeps)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);
	struct victim v = {
		.death = DEATH_EXIT,
		.begin = begin_to_write_and_read,
		.arg = self->pipe,
	};

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, victim_start(&v));
	EXPECT_LT(0, victim_dies(&v));
	victim_end(&v);
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_PIPED(0);
}

static long call_fill_pipe(struct sleeper *s)
{
	return fill_pipe(s->fd);
}

static long call_read_pipe(struct sleeper *s)
{
	return empty_pipe(s->fd);
}

static long begin_to_sleep_in_a_read(void *pipe)
{
	static struct sleeper s = { .call = call_read_pipe };

	s.fd = ((int *)pipe)[0];
	return falls_asleep(&s) ? 0 : -EALREADY;
}

static long begin_to_sleep_in_a_splice(void *pipe)
{
	static struct sleeper s;
	int fd = open_raw(0, O_RDONLY);

	s = splicer(fd, ((int *)pipe)[1], PAGE);
	return fd < 0 ? fd : falls_asleep(&s) ? 0 : -EALREADY;
}

TEST_F_TIMEOUT(pipe, lets_other_processes_die_while_a_splice_sleeps, LONG_TEST)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_TRUE(falls_asleep(&s));
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_to_sleep_in_a_read, self->pipe);
	EXPECT_DIES_IN_TIME(DEATH_EXIT, begin_to_sleep_in_a_read, self->pipe);
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_to_sleep_in_a_splice, self->pipe);
	EXPECT_DIES_IN_TIME(DEATH_EXEC, begin_to_sleep_in_a_splice, self->pipe);
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_PIPED(0);
}

TEST_F(pipe, is_polled_while_a_splice_sleeps)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);
	struct sleeper p = poller(self->pipe[0], POLLIN);

	ASSERT_TRUE(falls_asleep(&s));
	EXPECT_EQ(POLLOUT, poll_now(self->pipe[1], POLLOUT));
	EXPECT_EQ(0, pipe_bytes(self->pipe[0]));
	ASSERT_TRUE(falls_asleep(&p));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLIN, sleeper_result(&p));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_PIPED(0);
}

TEST_F(pipe, with_SPLICE_F_NONBLOCK_gets_EAGAIN_from_a_blocking_file)
{
	EXPECT_EQ(-EAGAIN, splice_to(self->fd, self->pipe[1], PAGE, SPLICE_F_NONBLOCK));
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, splice_to(self->fd, self->pipe[1], PAGE, SPLICE_F_NONBLOCK));
	EXPECT_PIPED(0);
}

TEST_F(pipe, that_is_full_is_EAGAIN_with_SPLICE_F_NONBLOCK_and_loses_no_record)
{
	ASSERT_EQ(PAGE, fill_pipe(self->pipe[1]));
	EXPECT_EQ(-EAGAIN, splice_to(self->fd, self->pipe[1], PAGE, SPLICE_F_NONBLOCK));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EAGAIN, splice_to(self->fd, self->pipe[1], PAGE, SPLICE_F_NONBLOCK));
	EXPECT_EQ(0, STAT(self->fd, read));
	ASSERT_EQ(PAGE, empty_pipe(self->pipe[0]));
	EXPECT_EQ(RECORD, splice_to(self->fd, self->pipe[1], PAGE, SPLICE_F_NONBLOCK));
	EXPECT_PIPED(0);
}

TEST_F(pipe, that_was_filled_while_a_splice_slept_is_waited_for)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(PAGE, fill_pipe(self->pipe[1]));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_TRUE(sleeper_sleeps(&s));
	EXPECT_EQ(0, STAT(self->fd, read));
	ASSERT_EQ(PAGE, empty_pipe(self->pipe[0]));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_PIPED(0);
}

TEST_F(pipe, that_was_filled_while_a_splice_slept_loses_no_record_to_a_signal)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(PAGE, fill_pipe(self->pipe[1]));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_TRUE(sleeper_sleeps(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
	EXPECT_EQ(PAGE, pipe_bytes(self->pipe[0]));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(pipe, that_was_filled_leaves_the_record_to_a_reader_of_the_file)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(PAGE, fill_pipe(self->pipe[1]));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_TRUE(sleeper_sleeps(&s));
	EXPECT_READ(self->fd, 0, 1);
	ASSERT_EQ(PAGE, empty_pipe(self->pipe[0]));
	ASSERT_TRUE(sleeper_sleeps(&s));
	EXPECT_EQ(0, pipe_bytes(self->pipe[0]));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_PIPED(1);
}

TEST_F(pipe, without_a_reader_ends_a_sleeping_splice_with_EPIPE_and_SIGPIPE)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_EQ(0, catch_signal(SIGPIPE, 0));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, close(self->pipe[0]));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EPIPE, sleeper_result(&s));
	EXPECT_EQ(1, (int)signals_caught);
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(pipe, without_a_reader_ends_a_splice_that_waits_for_room)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_EQ(0, catch_signal(SIGPIPE, 0));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(PAGE, fill_pipe(self->pipe[1]));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_TRUE(sleeper_sleeps(&s));
	ASSERT_EQ(0, close(self->pipe[0]));
	EXPECT_EQ(-EPIPE, sleeper_result(&s));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(pipe, takes_the_records_of_two_splices_of_one_file)
{
	struct sleeper a = splicer(self->fd, self->pipe[1], RECORD);
	struct sleeper b = splicer(self->fd, self->pipe[1], RECORD);
	struct iodemo_record records[2];

	ASSERT_EQ(PAGE * 16, fcntl(self->pipe[1], F_SETPIPE_SZ, PAGE * 16));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(RECORD, sleeper_result(&a));
	EXPECT_EQ(RECORD, sleeper_result(&b));
	ASSERT_EQ(2 * RECORD, pipe_bytes(self->pipe[0]));
	ASSERT_EQ(RECORD, read(self->pipe[0], &records[0], RECORD));
	ASSERT_EQ(RECORD, read(self->pipe[0], &records[1], RECORD));
	EXPECT_EQ(1U, records[0].seq + records[1].seq);
	EXPECT_SAMPLE(&records[0], records[0].seq);
	EXPECT_SAMPLE(&records[1], records[1].seq);
}

TEST_F(pipe, takes_the_records_of_two_splices_of_two_files)
{
	int other = open_raw(0, O_RDONLY);
	struct sleeper a = splicer(self->fd, self->pipe[1], PAGE);
	struct sleeper b = splicer(other, self->pipe[1], PAGE);

	ASSERT_LE(0, other);
	ASSERT_EQ(PAGE * 16, fcntl(self->pipe[1], F_SETPIPE_SZ, PAGE * 16));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&a));
	EXPECT_EQ(RECORD, sleeper_result(&b));
	EXPECT_EQ(2 * RECORD, pipe_bytes(self->pipe[0]));
	EXPECT_PIPED(0);
	EXPECT_PIPED(0);
}

TEST_F(pipe, with_room_for_one_takes_the_records_of_two_splices_one_after_the_other)
{
	int other = open_raw(0, O_RDONLY);
	struct sleeper a = splicer(self->fd, self->pipe[1], PAGE);
	struct sleeper b = splicer(other, self->pipe[1], PAGE);

	ASSERT_LE(0, other);
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_PIPED(0);
	EXPECT_PIPED(0);
	EXPECT_EQ(RECORD, sleeper_result(&a));
	EXPECT_EQ(RECORD, sleeper_result(&b));
	EXPECT_EQ(0, pipe_bytes(self->pipe[0]));
}

/* Into the device: the other direction must not hold the pipe either. */

#define SECONDS	20	/* less than the kernel takes for a task that hangs */

static long call_write_and_tell(struct sleeper *s)
{
	struct iodemo_record record = raw_record("more");
	long ret = result(write(s->fd, &record, RECORD));

	eventfd_write(s->events, 1);
	return ret;
}

TEST_F_TIMEOUT(pipe, is_written_while_a_splice_into_the_device_sleeps, LONG_TEST)
{
	struct iodemo_record record = raw_record("again");
	struct sleeper s = splicer(self->pipe[0], self->fd, RECORD);
	struct sleeper w = { .call = call_write_and_tell, .fd = self->pipe[1] };
	struct pollfd written = { .events = POLLIN };

	written.fd = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, written.fd);
	w.events = written.fd;
	ASSERT_EQ(PAGE * 16, fcntl(self->pipe[1], F_SETPIPE_SZ, PAGE * 16));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(RECORD, write(self->pipe[1], &record, RECORD));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_TRUE(sleeper_start(&w));
	EXPECT_EQ(1, poll(&written, 1, SECONDS * 1000));
	/* In any case what hangs is to be let go. */
	EXPECT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_EQ(RECORD, sleeper_result(&w));
	EXPECT_EQ(RECORD, pipe_bytes(self->pipe[0]));
}

/* From a pipe that has nothing yet */

TEST_F(pipe, that_is_empty_is_waited_for_by_a_splice_into_the_device)
{
	struct sleeper s = splicer(self->pipe[0], self->fd, RECORD);
	struct iodemo_record record = raw_record("late");

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(RECORD, result(write(self->pipe[1], &record, RECORD)));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "late", 4);
}

TEST_F(pipe, that_is_empty_is_EAGAIN_with_SPLICE_F_NONBLOCK)
{
	EXPECT_EQ(-EAGAIN, splice_to(self->pipe[0], self->fd, RECORD, SPLICE_F_NONBLOCK));
}

TEST_F(pipe, that_is_empty_and_closed_by_its_writer_ends_a_sleeping_splice_with_0)
{
	struct sleeper s = splicer(self->pipe[0], self->fd, RECORD);

	ASSERT_TRUE(falls_asleep(&s));
	close(self->pipe[1]);
	EXPECT_EQ(0, sleeper_result(&s));
	EXPECT_EQ(0, splice_to(self->pipe[0], self->fd, RECORD, 0));
}

TEST_F(pipe, that_is_empty_is_waited_for_until_a_signal)
{
	struct sleeper s = splicer(self->pipe[0], self->fd, RECORD);

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
}

/* It has room for one piece, and who writes a whole page needs one for himself. */
TEST_F(pipe, wakes_its_writer_when_a_splice_into_the_device_has_made_room)
{
	struct sleeper s = { .call = call_fill_pipe, .fd = self->pipe[1] };
	struct iodemo_record record = raw_record("first");

	ASSERT_EQ(RECORD, result(write(self->pipe[1], &record, RECORD)));
	ASSERT_TRUE(falls_asleep(&s));
	EXPECT_EQ(RECORD, splice_to(self->pipe[0], self->fd, RECORD, 0));
	EXPECT_EQ(PAGE, sleeper_result(&s));
}

TEST_HARNESS_MAIN
