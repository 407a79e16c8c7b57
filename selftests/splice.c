// SPDX-License-Identifier: GPL-2.0-only
/*
 * splice() from and to the device, by way of a pipe, and sendfile() into it
 *
 * sendfile() out of a device that is no file is refused by the kernel, since
 * what the pipe in between could not get rid of would be lost.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

#define CAPACITY	128
#define PAGE		4096
#define PAGE_RECORDS	(PAGE / RECORD)

FIXTURE(splice) {
	int fd;
	int pipe[2];
	int file;		/* in memory, empty */
	struct iodemo_record records[CAPACITY];
};

IODEMO_VARIANTS_THREADED(splice);

FIXTURE_SETUP(splice)
{
	ASSERT_EQ(0, load("capacity=%d threaded=%d", CAPACITY, variant->threaded));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC));
	self->file = memfd_create("iodemo", MFD_CLOEXEC);
	ASSERT_LE(0, self->file);
}

IODEMO_FIXTURE_TEARDOWN(splice)

static long splice_to(int in, int out, size_t size, unsigned int flags)
{
	return result(splice(in, NULL, out, NULL, size, flags));
}

/* What is wrong with the samples from @seq on, that this descriptor must give */
static const char *samples_fault(int fd, __u64 seq, long count)
{
	struct iodemo_record record;
	const char *fault = "";

	while (count-- && !*fault) {
		if (read(fd, &record, sizeof(record)) != RECORD)
			return "a record is missing";
		fault = sample_fault(&record, seq++);
	}
	return fault;
}

#define EXPECT_SAMPLES(fd, seq, count)	EXPECT_STREQ("", samples_fault(fd, seq, count))

static bool pipe_is_empty(int fd)
{
	int bytes = -1;

	return !ioctl(fd, FIONREAD, &bytes) && !bytes;
}

static long pipe_bytes(int fd)
{
	int bytes;

	return ioctl(fd, FIONREAD, &bytes) ? -errno : bytes;
}

/* Records to be written, each with a name of its own */
static void name_records(struct iodemo_record *records, int count)
{
	char name[16];
	int i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "no %d", i);
		records[i] = raw_record(name);
	}
}

/* What is wrong with the echoes of named records, after the device was fired */
static const char *named_echoes_fault(int fd, int count)
{
	struct iodemo_record record;
	char name[16];
	int i = 0;

	while (i < count) {
		if (read_nowait(fd, &record, RECORD) != RECORD)
			return "an echo is missing";
		if (record.type != IODEMO_TYPE_ECHO)
			continue;
		snprintf(name, sizeof(name), "no %d", i++);
		if (record.len != strlen(name) || memcmp(record.data, name, record.len))
			return "an echo is not what was written";
	}
	return "";
}

/* Out of the device */

TEST_F(splice, records_go_to_a_pipe)
{
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_EQ(5 * RECORD, splice_to(self->fd, self->pipe[1], PAGE, 0));
	EXPECT_EQ(5, STAT(self->fd, read));
	EXPECT_SAMPLES(self->pipe[0], 0, 5);
	EXPECT_TRUE(pipe_is_empty(self->pipe[0]));
}

TEST_F(splice, no_more_records_than_asked_for)
{
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_EQ(2 * RECORD, splice_to(self->fd, self->pipe[1], 3 * RECORD - 1, 0));
	EXPECT_EQ(2 * RECORD, pipe_bytes(self->pipe[0]));
	EXPECT_READ(self->fd, 2, 3);
	EXPECT_SAMPLES(self->pipe[0], 0, 2);
}

TEST_F(splice, records_go_by_way_of_a_pipe_to_a_file)
{
	ASSERT_EQ(0, trigger(self->fd, 100));
	EXPECT_EQ(100 * RECORD, splice_to(self->fd, self->pipe[1], 1 << 16, 0));
	EXPECT_EQ(100 * RECORD, splice_to(self->pipe[0], self->file, 1 << 16, 0));
	ASSERT_EQ(0, lseek(self->file, 0, SEEK_SET));
	EXPECT_SAMPLES(self->file, 0, 100);
	EXPECT_EQ(0, read(self->file, self->records, 1));
}

TEST_F(splice, records_go_by_way_of_a_pipe_to_a_socket)
{
	int sockets[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	ASSERT_EQ(0, trigger(self->fd, 10));
	EXPECT_EQ(10 * RECORD, splice_to(self->fd, self->pipe[1], PAGE, 0));
	EXPECT_EQ(10 * RECORD, splice_to(self->pipe[0], sockets[0], PAGE, 0));
	EXPECT_SAMPLES(sockets[1], 0, 10);
}

TEST_F(splice, lines_go_to_a_pipe)
{
	char spliced[2 * LINE_MAX_BYTES], lines[2 * LINE_MAX_BYTES];
	int other = open_device(0, O_RDONLY);
	long len;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
	ASSERT_EQ(0, trigger(self->fd, 2));
	len = result(read(other, lines, sizeof(lines)));
	ASSERT_LT(0, len);
	EXPECT_EQ(len, splice_to(self->fd, self->pipe[1], PAGE, 0));
	ASSERT_EQ(len, result(read(self->pipe[0], spliced, sizeof(spliced))));
	EXPECT_EQ(0, memcmp(lines, spliced, len));
}

TEST_F(splice, part_of_a_line_goes_to_a_pipe_and_the_rest_comes_next)
{
	char spliced[2 * LINE_MAX_BYTES], line[LINE_MAX_BYTES];
	int other = open_device(0, O_RDONLY);
	long len;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	len = result(read(other, line, sizeof(line)));
	ASSERT_LT(10, len);
	EXPECT_EQ(10, splice_to(self->fd, self->pipe[1], 10, 0));
	EXPECT_EQ(len - 10, splice_to(self->fd, self->pipe[1], PAGE, 0));
	ASSERT_EQ(len, result(read(self->pipe[0], spliced, sizeof(spliced))));
	EXPECT_EQ(0, memcmp(line, spliced, len));
}

TEST_F(splice, less_than_a_record_is_EINVAL_and_takes_nothing)
{
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EINVAL, splice_to(self->fd, self->pipe[1], RECORD - 1, 0));
	EXPECT_TRUE(pipe_is_empty(self->pipe[0]));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(splice, offset_is_EINVAL)
{
	loff_t offset = 0;

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EINVAL, result(splice(self->fd, &offset, self->pipe[1], NULL, PAGE, 0)));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(splice, file_not_open_for_it_is_EBADF)
{
	int in = open_raw(0, O_RDONLY), out = open_raw(0, O_WRONLY);

	ASSERT_LE(0, in);
	ASSERT_LE(0, out);
	EXPECT_EQ(-EBADF, splice_to(out, self->pipe[1], PAGE, 0));
	ASSERT_EQ(RECORD, write(self->pipe[1], self->records, RECORD));
	EXPECT_EQ(-EBADF, splice_to(self->pipe[0], in, PAGE, 0));
}

static long call_splice_in(struct sleeper *s)
{
	return splice_to(s->fd, s->events, s->size, 0);
}

/* A thread that splices; where to is kept in its events. */
static struct sleeper splicer(int in, int out, long size)
{
	return (struct sleeper){
		.call = call_splice_in,
		.fd = in,
		.events = out,
		.size = size,
	};
}

TEST_F(splice, sleeps_until_the_interrupt)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_SAMPLES(self->pipe[0], 0, 1);
}

TEST_F(splice, sleeps_until_the_low_water_mark)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(3 * RECORD, sleeper_result(&s));
	EXPECT_SAMPLES(self->pipe[0], 0, 3);
}

TEST_F(splice, is_ended_by_a_signal)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
	EXPECT_TRUE(pipe_is_empty(self->pipe[0]));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(splice, goes_on_after_a_signal_with_SA_RESTART)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_EQ(0, catch_signal(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	ASSERT_TRUE(sleeper_sleeps(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
}

TEST_F(splice, from_a_nonblocking_file_is_EAGAIN)
{
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, splice_to(self->fd, self->pipe[1], PAGE, 0));
	EXPECT_EQ(-EAGAIN, splice_to(self->fd, self->pipe[1], PAGE, SPLICE_F_NONBLOCK));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, splice_to(self->fd, self->pipe[1], PAGE, SPLICE_F_NONBLOCK));
	EXPECT_SAMPLES(self->pipe[0], 0, 1);
}

/* A pipe of one page, so that it is full soon */
static bool make_small(int fd)
{
	return fcntl(fd, F_SETPIPE_SZ, PAGE) == PAGE;
}

TEST_F(splice, takes_no_more_than_the_pipe_has_room_for)
{
	ASSERT_TRUE(make_small(self->pipe[1]));
	ASSERT_EQ(0, trigger(self->fd, CAPACITY));
	EXPECT_EQ(PAGE, splice_to(self->fd, self->pipe[1], CAPACITY * RECORD, 0));
	EXPECT_EQ(PAGE_RECORDS, STAT(self->fd, read));
	EXPECT_EQ(-EAGAIN, splice_to(self->fd, self->pipe[1], PAGE, SPLICE_F_NONBLOCK));
	EXPECT_EQ(PAGE_RECORDS, STAT(self->fd, read));
	EXPECT_SAMPLES(self->pipe[0], 0, PAGE_RECORDS);
	EXPECT_READ(self->fd, PAGE_RECORDS, CAPACITY - PAGE_RECORDS);
}

TEST_F(splice, sleeps_while_the_pipe_is_full)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_TRUE(make_small(self->pipe[1]));
	ASSERT_EQ(0, trigger(self->fd, CAPACITY));
	ASSERT_EQ(PAGE, splice_to(self->fd, self->pipe[1], PAGE, 0));
	ASSERT_TRUE(falls_asleep(&s));
	EXPECT_SAMPLES(self->pipe[0], 0, PAGE_RECORDS);
	EXPECT_EQ(PAGE, sleeper_result(&s));
	EXPECT_SAMPLES(self->pipe[0], PAGE_RECORDS, PAGE_RECORDS);
}

TEST_F(splice, resumes_at_the_oldest_record_when_lapped)
{
	ASSERT_EQ(0, trigger(self->fd, CAPACITY + 10));
	EXPECT_EQ(4 * RECORD, splice_to(self->fd, self->pipe[1], 4 * RECORD, 0));
	EXPECT_SAMPLES(self->pipe[0], 10, 4);
	EXPECT_EQ(10, STAT(self->fd, lost));
}

TEST_F_TIMEOUT(splice, many_records_go_by_way_of_a_pipe_to_a_file_in_order, 120)
{
	long seq;

	for (seq = 0; seq < 20000; seq += 100) {
		ASSERT_EQ(0, trigger(self->fd, 100));
		ASSERT_EQ(100 * RECORD, splice_to(self->fd, self->pipe[1], 1 << 16, 0));
		ASSERT_EQ(100 * RECORD, splice_to(self->pipe[0], self->file, 1 << 16, 0));
	}
	ASSERT_EQ(0, lseek(self->file, 0, SEEK_SET));
	EXPECT_SAMPLES(self->file, 0, 20000);
	EXPECT_EQ(0, STAT(self->fd, lost));
}

/* Into the device */

TEST_F(splice, records_of_a_file_go_by_way_of_a_pipe_into_the_device)
{
	name_records(self->records, 10);
	ASSERT_EQ(10 * RECORD, write(self->file, self->records, 10 * RECORD));
	ASSERT_EQ(0, lseek(self->file, 0, SEEK_SET));
	EXPECT_EQ(10 * RECORD, splice_to(self->file, self->pipe[1], PAGE, 0));
	EXPECT_EQ(10 * RECORD, splice_to(self->pipe[0], self->fd, PAGE, 0));
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(10, STAT(self->fd, echoes));
	EXPECT_STREQ("", named_echoes_fault(self->fd, 10));
}

TEST_F(splice, lines_go_from_a_pipe_into_the_device)
{
	static const char lines[] = "no 0\nno 1\nno 2\n";
	int fd = open_device(0, O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(15, write(self->pipe[1], lines, 15));
	EXPECT_EQ(15, splice_to(self->pipe[0], fd, PAGE, 0));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_STREQ("", named_echoes_fault(self->fd, 3));
	EXPECT_EQ(3, STAT(self->fd, echoes));
}

TEST_F(splice, record_in_two_pieces_in_the_pipe_is_one_in_the_device)
{
	int packets[2];
	char *bytes;

	/* Each write() to such a pipe stays a piece. */
	ASSERT_EQ(0, pipe2(packets, O_CLOEXEC | O_DIRECT));
	name_records(self->records, 1);
	bytes = (char *)self->records;
	ASSERT_EQ(10, write(packets[1], bytes, 10));
	ASSERT_EQ(RECORD - 10, write(packets[1], bytes + 10, RECORD - 10));
	EXPECT_EQ(RECORD, splice_to(packets[0], self->fd, RECORD, 0));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_STREQ("", named_echoes_fault(self->fd, 1));
}

TEST_F(splice, less_than_a_record_stays_in_the_pipe)
{
	name_records(self->records, 2);
	ASSERT_EQ(RECORD + 10, write(self->pipe[1], self->records, RECORD + 10));
	EXPECT_EQ(RECORD, splice_to(self->pipe[0], self->fd, PAGE, 0));
	EXPECT_EQ(10, pipe_bytes(self->pipe[0]));
	EXPECT_EQ(-EINVAL, splice_to(self->pipe[0], self->fd, PAGE, 0));
	EXPECT_EQ(10, pipe_bytes(self->pipe[0]));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, STAT(self->fd, echoes));
}

TEST_F(splice, record_that_is_none_is_EINVAL_and_stays_in_the_pipe)
{
	self->records[0].seq = 1;
	ASSERT_EQ(RECORD, write(self->pipe[1], self->records, RECORD));
	EXPECT_EQ(-EINVAL, splice_to(self->pipe[0], self->fd, PAGE, 0));
	EXPECT_EQ(RECORD, pipe_bytes(self->pipe[0]));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, STAT(self->fd, echoes));
}

TEST_F(splice, into_the_device_sleeps_while_the_queue_is_full)
{
	struct sleeper s = splicer(self->pipe[0], self->fd, RECORD);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	name_records(self->records, 1);
	ASSERT_EQ(RECORD, write(self->pipe[1], self->records, RECORD));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_TRUE(pipe_is_empty(self->pipe[0]));
}

TEST_F(splice, into_a_nonblocking_file_is_EAGAIN_while_the_queue_is_full)
{
	name_records(self->records, 6);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(6 * RECORD, write(self->pipe[1], self->records, 6 * RECORD));
	EXPECT_EQ(-EAGAIN, splice_to(self->pipe[0], self->fd, PAGE, 0));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(TX_DRAIN * RECORD, splice_to(self->pipe[0], self->fd, PAGE, 0));
	EXPECT_EQ((6 - TX_DRAIN) * RECORD, pipe_bytes(self->pipe[0]));
}

TEST_F(splice, device_goes_by_way_of_a_pipe_into_itself)
{
	struct iodemo_record record;
	int fd = open_device(0, O_RDWR);

	/* A line is text again: cut at 40 bytes, in the end there is a record more. */
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_LT(0, splice_to(fd, self->pipe[1], PAGE, 0));
	EXPECT_LT(0, splice_to(self->pipe[0], fd, PAGE, 0));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 2);
	ASSERT_EQ(RECORD, read_nowait(self->fd, &record, RECORD));
	EXPECT_EQ(IODEMO_TYPE_ECHO, record.type);
	EXPECT_EQ(0, memcmp(record.data, "0 ", 2));
}

/* sendfile() */

TEST_F(splice, sendfile_from_a_file_into_the_device)
{
	name_records(self->records, 10);
	ASSERT_EQ(10 * RECORD, write(self->file, self->records, 10 * RECORD));
	ASSERT_EQ(0, lseek(self->file, 0, SEEK_SET));
	EXPECT_EQ(10 * RECORD, result(sendfile(self->fd, self->file, NULL, 10 * RECORD)));
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(10, STAT(self->fd, echoes));
	EXPECT_STREQ("", named_echoes_fault(self->fd, 10));
}

TEST_F(splice, sendfile_out_of_the_device_is_EINVAL_and_takes_nothing)
{
	int sockets[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(-EINVAL, result(sendfile(self->file, self->fd, NULL, 2 * RECORD)));
	EXPECT_EQ(-EINVAL, result(sendfile(sockets[0], self->fd, NULL, 2 * RECORD)));
	EXPECT_READ(self->fd, 0, 2);
}

/* Unplugging */

TEST_F(splice, unplugged_device_gives_the_rest_and_then_0)
{
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(2 * RECORD, splice_to(self->fd, self->pipe[1], 2 * RECORD, 0));
	EXPECT_EQ(RECORD, splice_to(self->fd, self->pipe[1], PAGE, 0));
	EXPECT_EQ(0, splice_to(self->fd, self->pipe[1], PAGE, 0));
	EXPECT_SAMPLES(self->pipe[0], 0, 3);
}

TEST_F(splice, unplugging_ends_who_sleeps_with_0)
{
	struct sleeper s = splicer(self->fd, self->pipe[1], PAGE);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, sleeper_result(&s));
}

TEST_F(splice, into_an_unplugged_device_is_ENODEV_and_stays_in_the_pipe)
{
	ASSERT_EQ(RECORD, write(self->pipe[1], self->records, RECORD));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(-ENODEV, splice_to(self->pipe[0], self->fd, PAGE, 0));
	EXPECT_EQ(RECORD, pipe_bytes(self->pipe[0]));
}

TEST_HARNESS_MAIN
