// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file that wants only some types of records: each way of reading gets no other,
 * each way of waiting sleeps through them, and what was passed over is counted.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <poll.h>
#include <sys/epoll.h>

#include "iodemo_rawaio.h"
#ifdef HAVE_LIBURING
#include <liburing.h>

#include "iodemo_uring.h"
#endif

#define SAMPLES		(1U << IODEMO_TYPE_SAMPLE)
#define ECHOES		(1U << IODEMO_TYPE_ECHO)
#define RECEIVED	(1U << IODEMO_TYPE_RECEIVED)
#define ALL		(SAMPLES | ECHOES | RECEIVED)

#define HELD		16	/* records in the ring */

static long want_as(int fd, __u32 format, __u32 low_water, __u32 types)
{
	struct iodemo_client_config config = {
		.format = format, .low_water = low_water, .types = types,
	};

	return result(ioctl(fd, IODEMO_SET_CLIENT, &config));
}

static long want(int fd, __u32 types)
{
	return want_as(fd, IODEMO_FORMAT_RAW, 1, types);
}

/* One interrupt: a sample, and behind it so many echoes, TX_DRAIN at most */
static long fire_echoes(int fd, int count)
{
	long ret = count ? write_records(fd, count) : 0;

	if (count && ret != count * RECORD)
		return ret;
	return trigger(fd, 1);
}

/* The counters of a file that was open before the first record */
static const char *stats_fault(int fd, __u64 read, __u64 lost, __u64 skipped, __u64 lag)
{
	static char fault[160];
	struct iodemo_stats stats = get_stats(fd);

	if (stats.read == read && stats.lost == lost && stats.skipped == skipped &&
	    stats.lag == lag && read + lost + skipped + lag == stats.records)
		return "";
	snprintf(fault, sizeof(fault), "read %llu lost %llu skipped %llu lag %llu of %llu",
		 stats.read, stats.lost, stats.skipped, stats.lag, stats.records);
	return fault;
}

#define EXPECT_STATS(fd, read, lost, skipped, lag)	\
	EXPECT_STREQ("", stats_fault(fd, read, lost, skipped, lag))

/* All that a read gets now are the echoes with these seqs, ended by -1. */
static const char *echoes_fault(int fd, const long *seqs)
{
	struct iodemo_record records[HELD];
	static char fault[80];
	long bytes = read_nowait(fd, records, sizeof(records)), i;

	for (i = 0; seqs[i] >= 0; i++) {
		if (bytes < (i + 1) * RECORD)
			break;
		if (records[i].seq != (__u64)seqs[i] || records[i].type != IODEMO_TYPE_ECHO)
			break;
	}
	if (seqs[i] < 0 && bytes == (i ? i * RECORD : -EAGAIN))
		return "";
	snprintf(fault, sizeof(fault), "read gave %ld, and record %ld has seq %lld", bytes, i,
		 bytes > i * RECORD ? (long long)records[i].seq : -1);
	return fault;
}

#define EXPECT_ECHOES(fd, ...)	\
	EXPECT_STREQ("", echoes_fault(fd, (const long []){ __VA_ARGS__, -1 }))
#define EXPECT_NO_ECHOES(fd)	EXPECT_STREQ("", echoes_fault(fd, (const long []){ -1 }))

/* @fd fires, writes, and wants all; @echoes, of its own, is raw and wants only those. */
FIXTURE(types) {
	int fd;
	int echoes;
};

IODEMO_VARIANTS_THREADED(types);

FIXTURE_SETUP(types)
{
	ASSERT_EQ(0, load("capacity=%d threaded=%d", HELD, variant->threaded));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->echoes = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->echoes);
	ASSERT_EQ(0, want(self->echoes, ECHOES));
}

/* The kernel lets go of the files of an io_uring some time after that is closed. */
FIXTURE_TEARDOWN(types)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

/* The mask */

TEST_F(types, open_wants_all_and_GET_CLIENT_gives_what_was_set)
{
	static const __u32 masks[] = { SAMPLES, ECHOES, RECEIVED, ALL, 0 };
	struct iodemo_client_config config;
	unsigned int i;

	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_CLIENT, &config)));
	EXPECT_EQ(0U, config.types);
	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		ASSERT_EQ(0, want_as(self->fd, IODEMO_FORMAT_RAW, 5, masks[i]));
		ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_CLIENT, &config)));
		EXPECT_EQ(masks[i], config.types);
		EXPECT_EQ(5U, config.low_water);
		EXPECT_EQ((__u32)IODEMO_FORMAT_RAW, config.format);
	}
}

TEST_F(types, bit_of_no_type_is_EINVAL_and_changes_nothing)
{
	struct iodemo_client_config config;
	int bit;

	for (bit = 0; bit < 32; bit++) {
		bool known = bit >= IODEMO_TYPE_SAMPLE && bit <= IODEMO_TYPE_MAX;

		if (known)
			continue;
		EXPECT_EQ(-EINVAL, want(self->echoes, 1U << bit));
		EXPECT_EQ(-EINVAL, want(self->echoes, SAMPLES | 1U << bit));
	}
	ASSERT_EQ(0, result(ioctl(self->echoes, IODEMO_GET_CLIENT, &config)));
	EXPECT_EQ(ECHOES, config.types);
}

TEST_F(types, mask_is_for_one_file_and_all_who_share_it)
{
	int same = dup(self->echoes);

	ASSERT_LE(0, same);
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_ECHOES(same, 1);
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "again", 5);
}

/* Reading */

TEST_F(types, read_passes_what_is_not_wanted)
{
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_STATS(self->echoes, 0, 0, 0, 5);
	EXPECT_NO_ECHOES(self->echoes);
	EXPECT_STATS(self->echoes, 0, 0, 5, 0);
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_STATS(self->echoes, 0, 0, 5, 2);
	EXPECT_ECHOES(self->echoes, 6);
	EXPECT_STATS(self->echoes, 1, 0, 6, 0);
}

TEST_F(types, one_read_gets_all_that_is_wanted_from_between)
{
	ASSERT_EQ(0, fire_echoes(self->fd, 2));
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(0, fire_echoes(self->fd, 4));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_ECHOES(self->echoes, 1, 2, 6, 8, 9, 10, 11);
	EXPECT_STATS(self->echoes, 7, 0, 6, 0);
}

TEST_F(types, short_read_leaves_the_rest)
{
	struct iodemo_record record;

	ASSERT_EQ(0, fire_echoes(self->fd, 2));
	ASSERT_EQ(RECORD, read_nowait(self->echoes, &record, RECORD));
	EXPECT_EQ(1U, record.seq);
	EXPECT_STATS(self->echoes, 1, 0, 1, 1);
	EXPECT_ECHOES(self->echoes, 2);
}

TEST_F(types, file_that_wants_samples_gets_no_echo)
{
	ASSERT_EQ(0, want(self->echoes, SAMPLES));
	ASSERT_EQ(0, fire_echoes(self->fd, 3));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_READ(self->echoes, 0, 1);
	EXPECT_READ(self->echoes, 4, 2);
	EXPECT_STATS(self->echoes, 3, 0, 3, 0);
}

TEST_F(types, mask_of_all_types_passes_nothing)
{
	ASSERT_EQ(0, want(self->echoes, ALL));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_READ(self->echoes, 0, 1);
	EXPECT_ECHO(self->echoes, "again", 5);
	EXPECT_STATS(self->echoes, 2, 0, 0, 0);
}

TEST_F(types, readv_scatters_what_is_wanted)
{
	struct iodemo_record records[2];
	struct iovec iov[] = { { &records[0], 40 }, { (char *)&records[0] + 40, RECORD + 24 } };

	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(2 * RECORD, result(readv(self->echoes, iov, 2)));
	EXPECT_EQ(1U, records[0].seq);
	EXPECT_EQ(3U, records[1].seq);
}

TEST_F(types, buffer_of_less_than_a_record_is_EINVAL_as_ever)
{
	char buf[RECORD];

	EXPECT_EQ(-EINVAL, result(read(self->echoes, buf, 0)));
	EXPECT_EQ(-EINVAL, read_nowait(self->echoes, buf, RECORD - 1));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_EQ(-EINVAL, result(read(self->echoes, buf, RECORD - 1)));
	EXPECT_EQ(-EFAULT, result(read(self->echoes, bad_pointer, RECORD)));
	EXPECT_STATS(self->echoes, 0, 0, 1, 1);
	EXPECT_ECHOES(self->echoes, 1);
}

TEST_F(types, text_has_only_lines_that_are_wanted)
{
	char text[1000], *end;
	long bytes;

	ASSERT_EQ(0, want_as(self->echoes, IODEMO_FORMAT_TEXT, 1, ECHOES));
	EXPECT_EQ(0, result(read(self->echoes, text, 0)));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(-EAGAIN, read_nowait(self->echoes, text, sizeof(text)));
	EXPECT_STATS(self->echoes, 0, 0, 2, 0);
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	bytes = result(read(self->echoes, text, sizeof(text) - 1));
	ASSERT_LT(0, bytes);
	text[bytes] = '\0';
	EXPECT_EQ(3, strtol(text, NULL, 10));
	end = strchr(text, '\n');
	ASSERT_NE(NULL, end);
	EXPECT_EQ(0, strncmp(end - 11, " echo again", 11));
	EXPECT_EQ(5, strtol(end + 1, NULL, 10));
	EXPECT_STREQ(" echo again\n", text + bytes - 12);
	EXPECT_STREQ("\n", strchr(end + 1, '\n'));
	EXPECT_STATS(self->echoes, 2, 0, 4, 0);
}

TEST_F(types, line_that_is_half_read_is_read_to_its_end_whatever_the_mask_is_then)
{
	char text[256];
	long first, rest;

	ASSERT_EQ(0, want_as(self->echoes, IODEMO_FORMAT_TEXT, 1, ECHOES));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	first = result(read(self->echoes, text, 5));
	ASSERT_EQ(5, first);
	EXPECT_STATS(self->echoes, 1, 0, 1, 0);
	EXPECT_EQ(POLLIN, poll_now(self->echoes, POLLIN));
	ASSERT_EQ(0, want_as(self->echoes, IODEMO_FORMAT_TEXT, 1, SAMPLES));
	EXPECT_EQ(POLLIN, poll_now(self->echoes, POLLIN));
	rest = result(read(self->echoes, text + first, sizeof(text) - first));
	ASSERT_LT(0, rest);
	EXPECT_EQ(0, memcmp(text + first + rest - 12, " echo again\n", 12));
	EXPECT_EQ(0, poll_now(self->echoes, POLLIN));
	EXPECT_EQ(-EAGAIN, read_nowait(self->echoes, text, sizeof(text)));
}

TEST_F(types, FIONREAD_is_what_a_read_gets)
{
	char text[HELD * LINE_MAX_BYTES];
	int raw, formatted, lines = open_device(0, O_RDONLY);

	ASSERT_LE(0, lines);
	ASSERT_EQ(0, want_as(lines, IODEMO_FORMAT_TEXT, 1, ECHOES));
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(0, result(ioctl(self->echoes, FIONREAD, &raw)));
	EXPECT_EQ(0, raw);
	ASSERT_EQ(0, result(ioctl(lines, FIONREAD, &formatted)));
	EXPECT_EQ(0, formatted);

	ASSERT_EQ(0, fire_echoes(self->fd, 2));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(0, result(ioctl(self->echoes, FIONREAD, &raw)));
	EXPECT_EQ(3 * RECORD, raw);
	EXPECT_ECHOES(self->echoes, 4, 5, 7);
	ASSERT_EQ(3, result(read(lines, text, 3)));
	ASSERT_EQ(0, result(ioctl(lines, FIONREAD, &formatted)));
	EXPECT_LT(0, formatted);
	EXPECT_EQ(formatted, result(read(lines, text, sizeof(text))));
}

TEST_F(types, FIONREAD_of_a_full_ring_and_a_half_read_line_is_what_a_read_gets)
{
	char text[(HELD + 1) * LINE_MAX_BYTES];
	int lines = open_device(0, O_RDONLY), formatted;

	ASSERT_LE(0, lines);
	ASSERT_EQ(0, want_as(lines, IODEMO_FORMAT_TEXT, 1, SAMPLES));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(3, result(read(lines, text, 3)));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(0, trigger(self->fd, HELD - 2));
	ASSERT_EQ(0, result(ioctl(lines, FIONREAD, &formatted)));
	EXPECT_EQ(formatted, result(read(lines, text, sizeof(text))));
	EXPECT_STATS(lines, HELD, 0, 1, 0);
}

TEST_F(types, splice_moves_only_what_is_wanted)
{
	struct iodemo_record records[4];
	int ends[2];

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(-EAGAIN, result(splice(self->echoes, NULL, ends[1], NULL, 4096,
					 SPLICE_F_NONBLOCK)));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_EQ(2 * RECORD, result(splice(self->echoes, NULL, ends[1], NULL, 4096, 0)));
	ASSERT_EQ(2 * RECORD, result(read(ends[0], records, sizeof(records))));
	EXPECT_EQ(3U, records[0].seq);
	EXPECT_EQ(5U, records[1].seq);
	EXPECT_STATS(self->echoes, 2, 0, 4, 0);
}

/* Waiting: samples wake nobody, an echo does, once */

static long call_splice(struct sleeper *s)
{
	return result(splice(s->fd, NULL, s->events, NULL, 4096, 0));
}

TEST_F(types, who_sleeps_sleeps_through_what_is_not_wanted)
{
	struct epoll_event watch = { .events = EPOLLIN | EPOLLPRI };
	int ends[2], epfd = epoll_create1(EPOLL_CLOEXEC), i;
	struct sleeper s[5];
	const int count = sizeof(s) / sizeof(s[0]);
	int fds[5];

	ASSERT_EQ(0, pipe(ends));
	for (i = 0; i < count; i++) {
		fds[i] = open_raw(0, O_RDONLY);
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, want(fds[i], ECHOES));
	}
	ASSERT_EQ(0, result(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[3], &watch)));
	s[0] = reader(fds[0], 1);
	s[1] = poller(fds[1], POLLIN | POLLPRI);
	s[2] = selecter(fds[2], POLLIN | POLLPRI);
	s[3] = epoller(epfd);
	s[4] = (struct sleeper){ .call = call_splice, .fd = fds[4], .events = ends[1] };
	for (i = 0; i < count; i++)
		ASSERT_TRUE(falls_asleep(&s[i]));

	/* More than a lap: that they were lapped is nothing to tell either. */
	ASSERT_EQ(0, trigger(self->fd, 2 * HELD));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
	for (i = 0; i < count; i++)
		EXPECT_TRUE(undisturbed(&s[i]));

	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s[0]));
	EXPECT_EQ(2U * HELD + 1, s[0].records[0].seq);
	EXPECT_EQ(POLLIN, sleeper_result(&s[1]));
	EXPECT_EQ(POLLIN, sleeper_result(&s[2]));
	EXPECT_EQ(EPOLLIN, sleeper_result(&s[3]));
	EXPECT_EQ(RECORD, sleeper_result(&s[4]));
	EXPECT_EQ(count, STAT(self->fd, wakeups));
	for (i = 0; i < count; i++)
		EXPECT_STATS(fds[i], i == 0 || i == 4, 0,
			     i == 0 || i == 4 ? 2 * HELD + 1 : HELD + 2,
			     i == 0 || i == 4 ? 0 : HELD);
}

TEST_F(types, poll_is_not_ready_of_what_is_not_wanted)
{
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(0, poll_now(self->echoes, POLLIN | POLLRDNORM | POLLPRI));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_EQ(POLLIN | POLLRDNORM, poll_now(self->echoes, POLLIN | POLLRDNORM | POLLPRI));
	EXPECT_ECHOES(self->echoes, 4);
	EXPECT_EQ(0, poll_now(self->echoes, POLLIN | POLLRDNORM | POLLPRI));
	EXPECT_EQ(POLLIN, poll_now(self->fd, POLLIN));
}

TEST_F(types, epoll_by_edges_is_told_of_each_echo_once_and_of_no_sample)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epfd = epoll_create1(EPOLL_CLOEXEC), i;

	ASSERT_EQ(0, result(epoll_ctl(epfd, EPOLL_CTL_ADD, self->echoes, &event)));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, trigger(self->fd, 2));
		EXPECT_EQ(0, epoll_wait(epfd, &event, 1, 0));
		ASSERT_EQ(0, fire_echoes(self->fd, 1));
		EXPECT_EQ(1, epoll_wait(epfd, &event, 1, 0));
		EXPECT_EQ(0, epoll_wait(epfd, &event, 1, 0));
		EXPECT_ECHOES(self->echoes, 4 * i + 3);
	}
}

TEST_F(types, signal_tells_of_an_echo_and_of_no_sample)
{
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->echoes, SIGRTMIN));
	ASSERT_EQ(0, trigger(self->fd, 2 * HELD));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
	EXPECT_EQ(0, STAT(self->fd, signals));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_EQ(SIGRTMIN, take_signal(&info));
	EXPECT_EQ(POLL_IN, info.si_code);
	EXPECT_EQ(-EAGAIN, take_signal(&info));
	EXPECT_EQ(1, STAT(self->fd, signals));
}

TEST_F(types, kernel_aio_completes_with_an_echo_and_with_no_sample)
{
	struct iodemo_record records[4];
	aio_context_t context;
	struct iocb iocb;

	ASSERT_EQ(0, aio_setup(1, &context));
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(1, aio_submit_read(context, &iocb, self->echoes, records, sizeof(records)));
	ASSERT_EQ(0, trigger(self->fd, 2 * HELD));
	EXPECT_TRUE(aio_nothing_complete(context));
	ASSERT_EQ(0, fire_echoes(self->fd, 3));
	EXPECT_EQ(3 * RECORD, aio_event(context));
	EXPECT_EQ(2U * HELD + 3, records[0].seq);
	EXPECT_EQ(2U * HELD + 5, records[2].seq);
	EXPECT_STATS(self->echoes, 3, 0, 2 * HELD + 3, 0);
	EXPECT_EQ(0, aio_destroy(context));
}

TEST_F(types, kernel_aio_in_text_completes_with_an_echo_and_with_no_sample)
{
	char text[512] = "";
	aio_context_t context;
	struct iocb iocb;

	ASSERT_EQ(0, aio_setup(1, &context));
	ASSERT_EQ(0, want_as(self->echoes, IODEMO_FORMAT_TEXT, 1, ECHOES));
	ASSERT_EQ(1, aio_submit_read(context, &iocb, self->echoes, text, sizeof(text)));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(aio_nothing_complete(context));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_LT(0, aio_event(context));
	EXPECT_EQ(3, strtol(text, NULL, 10));
	EXPECT_NE(NULL, strstr(text, " echo again\n"));
	EXPECT_EQ(0, aio_destroy(context));
}

#ifdef HAVE_LIBURING
TEST_F(types, read_of_io_uring_completes_with_an_echo_and_with_no_sample)
{
	struct iodemo_record record = { };
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	prepare_read(&ring, self->echoes, &record, 7);
	ASSERT_EQ(1, io_uring_submit(&ring));
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_TRUE(nothing_complete(&ring));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_COMPLETES(&ring, 7, RECORD);
	EXPECT_EQ(4U, record.seq);
	io_uring_queue_exit(&ring);
}

TEST_F(types, URING_WAIT_completes_with_the_seq_of_the_echo)
{
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	if (since_6_7()) {
		prepare_wait(&ring, self->echoes, 7);
		ASSERT_EQ(1, io_uring_submit(&ring));
		ASSERT_EQ(0, trigger(self->fd, 3));
		EXPECT_TRUE(nothing_complete(&ring));
		ASSERT_EQ(0, fire_echoes(self->fd, 1));
		EXPECT_COMPLETES(&ring, 7, 4);
	} else {
		ASSERT_EQ(0, trigger(self->fd, 3));
		prepare_wait(&ring, self->echoes, 7);
		ASSERT_EQ(1, io_uring_submit(&ring));
		EXPECT_COMPLETES(&ring, 7, -EOPNOTSUPP);
		ASSERT_EQ(0, fire_echoes(self->fd, 1));
		prepare_wait(&ring, self->echoes, 8);
		ASSERT_EQ(1, io_uring_submit(&ring));
		EXPECT_COMPLETES(&ring, 8, 4);
	}
	EXPECT_ECHOES(self->echoes, 4);
	io_uring_queue_exit(&ring);
}
#endif

TEST_F(types, low_water_mark_is_of_what_is_wanted)
{
	struct sleeper s = reader(self->echoes, 4);

	ASSERT_EQ(0, want_as(self->echoes, IODEMO_FORMAT_RAW, 2, ECHOES));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(0, poll_now(self->echoes, POLLIN));
	EXPECT_TRUE(undisturbed(&s));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_EQ(2 * RECORD, sleeper_result(&s));
	EXPECT_EQ(4U, s.records[0].seq);
	EXPECT_EQ(9U, s.records[1].seq);
	EXPECT_EQ(1, STAT(self->fd, wakeups));
	EXPECT_STATS(self->echoes, 2, 0, 8, 0);
}

TEST_F(types, lowered_mark_wakes_who_has_enough_of_what_is_wanted)
{
	struct sleeper s = reader(self->echoes, 4);

	ASSERT_EQ(0, want_as(self->echoes, IODEMO_FORMAT_RAW, 3, ECHOES));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(0, want_as(self->echoes, IODEMO_FORMAT_RAW, 2, ECHOES));
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, want_as(self->echoes, IODEMO_FORMAT_RAW, 1, ECHOES));
	EXPECT_EQ(RECORD, sleeper_result(&s));
}

/* A change of the mask */

TEST_F(types, change_wakes_whom_the_new_mask_satisfies)
{
	struct sleeper r = reader(self->echoes, 1), p = poller(self->echoes, POLLIN);

	ASSERT_TRUE(falls_asleep(&r));
	ASSERT_TRUE(falls_asleep(&p));
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(0, want(self->echoes, ECHOES));
	EXPECT_TRUE(undisturbed(&r));
	EXPECT_TRUE(undisturbed(&p));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
	ASSERT_EQ(0, want(self->echoes, SAMPLES));
	EXPECT_EQ(RECORD, sleeper_result(&r));
	EXPECT_SAMPLE(&r.records[0], 0);
	EXPECT_EQ(POLLIN, sleeper_result(&p));
	EXPECT_STATS(self->echoes, 1, 0, 0, 2);
	ASSERT_EQ(0, want(self->echoes, ECHOES));
	EXPECT_NO_ECHOES(self->echoes);
	EXPECT_STATS(self->echoes, 1, 0, 2, 0);
}

TEST_F(types, change_to_all_wakes_who_sleeps)
{
	struct sleeper r = reader(self->echoes, 4);

	ASSERT_TRUE(falls_asleep(&r));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(undisturbed(&r));
	ASSERT_EQ(0, want(self->echoes, 0));
	EXPECT_EQ(2 * RECORD, sleeper_result(&r));
	EXPECT_STATS(self->echoes, 2, 0, 0, 0);
	ASSERT_EQ(0, trigger(self->fd, HELD + 1));
	EXPECT_STATS(self->echoes, 2, 1, 0, HELD);
}

TEST_F(types, each_change_counts_from_where_the_file_stands)
{
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_ECHOES(self->echoes, 1);
	ASSERT_EQ(0, want(self->echoes, SAMPLES));
	ASSERT_EQ(0, fire_echoes(self->fd, 2));
	EXPECT_READ(self->echoes, 2, 1);
	EXPECT_STATS(self->echoes, 2, 0, 1, 2);
	ASSERT_EQ(0, want(self->echoes, 0));
	EXPECT_ECHO(self->echoes, "again", 5);
	EXPECT_STATS(self->echoes, 3, 0, 1, 1);
	ASSERT_EQ(0, want(self->echoes, ECHOES));
	/* 4, where it stands, is an echo; what comes now are samples. */
	ASSERT_EQ(0, trigger(self->fd, HELD));
	EXPECT_STATS(self->echoes, 3, 1, 1, HELD);
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_STATS(self->echoes, 3, 1, 3, HELD);
	EXPECT_NO_ECHOES(self->echoes);
	EXPECT_STATS(self->echoes, 3, 1, 3 + HELD, 0);
}

/* Losing */

TEST_F(types, only_what_is_wanted_is_lost)
{
	ASSERT_EQ(0, trigger(self->fd, HELD + 4));
	EXPECT_EQ(0, poll_now(self->echoes, POLLIN | POLLPRI));
	EXPECT_STATS(self->echoes, 0, 0, 4, HELD);
	EXPECT_NO_ECHOES(self->echoes);
	EXPECT_STATS(self->echoes, 0, 0, HELD + 4, 0);

	/* 21 and 22 are echoes. When 22 is the oldest, one is lost, and one still there. */
	ASSERT_EQ(0, fire_echoes(self->fd, 2));
	ASSERT_EQ(0, trigger(self->fd, HELD - 1));
	EXPECT_EQ(POLLIN | POLLPRI, poll_now(self->echoes, POLLIN | POLLPRI));
	EXPECT_STATS(self->echoes, 0, 1, HELD + 5, HELD);
	EXPECT_EQ(POLLIN, poll_now(self->echoes, POLLIN | POLLPRI));
	EXPECT_ECHOES(self->echoes, HELD + 6);
	EXPECT_STATS(self->echoes, 1, 1, 2 * HELD + 4, 0);
}

TEST_F(types, laps_of_any_length_are_counted_exactly)
{
	__u64 echoes = 0, records = 0;
	int i, k;

	for (i = 0; i < 40; i++) {
		/* Each time another mixture, over many blocks of 64 */
		for (k = 0; k < 5 + 3 * i; k++) {
			ASSERT_EQ(0, fire_echoes(self->fd, (i + k) % 3 == 0));
			echoes += (i + k) % 3 == 0;
		}
		/* And at the end so many samples that no echo is left */
		ASSERT_EQ(0, trigger(self->fd, HELD));
		records = STAT(self->fd, records);
		EXPECT_STATS(self->echoes, 0, echoes, records - HELD - echoes, HELD);
	}
	EXPECT_NO_ECHOES(self->echoes);
	EXPECT_STATS(self->echoes, 0, echoes, records - echoes, 0);
}

TEST_F(types, lapped_sleeper_is_told_of_a_loss_when_there_is_one)
{
	struct sleeper p = poller(self->echoes, POLLPRI);

	ASSERT_TRUE(falls_asleep(&p));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(0, trigger(self->fd, HELD - 1));
	EXPECT_TRUE(undisturbed(&p));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLPRI, sleeper_result(&p));
	EXPECT_STATS(self->echoes, 0, 1, 1, HELD);
}

/* Sharing, mapping, unplugging */

TEST_F(types, threads_that_share_a_file_get_one_each)
{
	struct sleeper s[TX_DRAIN];
	unsigned int seen = 0;
	int i;

	for (i = 0; i < TX_DRAIN; i++) {
		s[i] = reader(self->echoes, 1);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	ASSERT_EQ(0, trigger(self->fd, 2));
	for (i = 0; i < TX_DRAIN; i++)
		EXPECT_TRUE(undisturbed(&s[i]));
	ASSERT_EQ(0, fire_echoes(self->fd, TX_DRAIN));
	for (i = 0; i < TX_DRAIN; i++) {
		EXPECT_EQ(RECORD, sleeper_result(&s[i]));
		seen |= 1U << s[i].records[0].seq;
	}
	EXPECT_EQ(0x78U, seen);
	EXPECT_STATS(self->echoes, TX_DRAIN, 0, 3, 0);
}

TEST_F(types, one_echo_wakes_one_of_the_threads_that_share_a_file)
{
	struct sleeper s[2];
	int i;

	for (i = 0; i < 2; i++) {
		s[i] = reader(self->echoes, 1);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, fire_echoes(self->fd, 1));
		EXPECT_EQ(RECORD, sleeper_result(&s[i]));
		if (!i)
			EXPECT_TRUE(undisturbed(&s[1]));
		EXPECT_EQ(i + 1, STAT(self->fd, wakeups));
	}
}

TEST_F(types, mapped_ring_shows_all_and_the_cursor_goes_where_it_is_put)
{
	const struct iodemo_record *ring;
	atomic_ullong *cursor;

	ring = mmap(NULL, 2 * IODEMO_MMAP_RECORDS, PROT_READ, MAP_SHARED, self->echoes,
		    IODEMO_MMAP_RING);
	cursor = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, self->echoes,
		      IODEMO_MMAP_CURSOR);
	ASSERT_NE(MAP_FAILED, (void *)ring);
	ASSERT_NE(MAP_FAILED, (void *)cursor);
	ring = (const void *)((const char *)ring + IODEMO_MMAP_RECORDS);

	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, fire_echoes(self->fd, 2));
	EXPECT_SAMPLE(&ring[0], 0);
	EXPECT_SAMPLE(&ring[1], 1);
	EXPECT_EQ(IODEMO_TYPE_ECHO, ring[2].type);

	/* Taken from the mapping, whatever it is, a record is read. */
	*cursor = 1;
	EXPECT_STATS(self->echoes, 1, 0, 0, 3);
	EXPECT_EQ(POLLIN, poll_now(self->echoes, POLLIN));
	EXPECT_ECHOES(self->echoes, 2, 3);
	EXPECT_STATS(self->echoes, 3, 0, 1, 0);
	EXPECT_EQ(4U, atomic_load(cursor));
	*cursor = 3;
	EXPECT_EQ(POLLIN, poll_now(self->echoes, POLLIN));
	EXPECT_ECHOES(self->echoes, 3);

	munmap((char *)ring - IODEMO_MMAP_RECORDS, 2 * IODEMO_MMAP_RECORDS);
	munmap((void *)cursor, 4096);
}

TEST_F(types, cursor_that_is_put_anywhere_harms_nobody_and_soon_makes_sense_again)
{
	static const __u64 places[] = {
		0, 1, 63, 64, 65, 1000, ~0ULL, ~0ULL - 1, 1ULL << 63, 1ULL << 32,
	};
	struct iodemo_record record;
	atomic_ullong *cursor;
	unsigned int i, bytes;

	cursor = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, self->echoes,
		      IODEMO_MMAP_CURSOR);
	ASSERT_NE(MAP_FAILED, (void *)cursor);
	ASSERT_EQ(0, trigger(self->fd, 3 * HELD));
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bool beyond = places[i] > (__u64)STAT(self->fd, records);

		*cursor = places[i];
		ASSERT_EQ(0, fire_echoes(self->fd, 1));
		EXPECT_EQ(beyond ? 0 : POLLIN, poll_now(self->echoes, POLLIN));
		EXPECT_EQ(0, result(ioctl(self->echoes, FIONREAD, &bytes)));
		ASSERT_EQ(0, want(self->echoes, SAMPLES));
		ASSERT_EQ(0, want(self->echoes, ECHOES));
		EXPECT_EQ(beyond ? -EAGAIN : RECORD,
			  read_nowait(self->echoes, &record, RECORD));
		if (!beyond)
			EXPECT_EQ(IODEMO_TYPE_ECHO, record.type);
	}
	*cursor = STAT(self->fd, records);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EAGAIN, read_nowait(self->echoes, &record, RECORD));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	EXPECT_EQ(RECORD, read_nowait(self->echoes, &record, RECORD));
	EXPECT_EQ(STAT(self->fd, records) - 1, (long)record.seq);
	EXPECT_EQ(0, STAT(self->echoes, lag));
	munmap((void *)cursor, 4096);
}

TEST_F(types, unplugged_device_has_the_rest_of_what_is_wanted_and_then_0)
{
	struct iodemo_record record;
	struct sleeper s;
	int other = open_raw(0, O_RDONLY);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, want(other, ECHOES));
	ASSERT_EQ(0, fire_echoes(self->fd, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, read_nowait(other, &record, RECORD));
	s = reader(other, 1);
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, sleeper_result(&s));
	EXPECT_EQ(RECORD, result(read(self->echoes, &record, RECORD)));
	EXPECT_EQ(1U, record.seq);
	EXPECT_EQ(0, result(read(self->echoes, &record, RECORD)));
	EXPECT_EQ(POLLIN | POLLHUP, poll_now(self->echoes, POLLIN));
	ASSERT_EQ(0, bind_device(0));
}

/* All at once: a device that runs by itself, echoes among many samples, and readers */

#define MANY	400

static long call_echoes(struct sleeper *s)
{
	struct iodemo_record record;
	__u64 last = 0;
	long got = 0, ret;

	while ((ret = result(read(s->fd, &record, RECORD))) == RECORD) {
		if (record.type != IODEMO_TYPE_ECHO || record.seq <= last)
			return -EPROTO;
		last = record.seq;
		if (!strcmp((const char *)record.data, "last"))
			return got;
		got++;
	}
	return ret;
}

TEST_F_TIMEOUT(types, nothing_is_torn_or_miscounted_while_the_device_runs, 120)
{
	struct iodemo_record last = raw_record("last");
	struct iodemo_stats stats;
	struct sleeper s[3];
	long got = 0, ret;
	int i;

	/* Two threads share a file, and each is ended by a "last" of its own. */
	s[0] = (struct sleeper){ .call = call_echoes, .fd = self->echoes };
	s[1] = s[0];
	s[2] = s[0];
	s[2].fd = open_raw(0, O_RDONLY);
	ASSERT_LE(0, s[2].fd);
	ASSERT_EQ(0, want(s[2].fd, ECHOES));
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(falls_asleep(&s[i]));
	ASSERT_EQ(0, set_config(self->fd, 1000, 7));
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(RECORD, write_records(self->fd, 1));
	/* The ring is small: who was lapped may have lost one that was to end it. */
	do {
		ASSERT_EQ(RECORD, result(write(self->fd, &last, RECORD)));
		sched_yield();
	} while (!s[0].done || !s[1].done || !s[2].done);
	ASSERT_EQ(0, set_config(self->fd, 0, 1));

	for (i = 0; i < 2; i++) {
		ret = sleeper_result(&s[i]);
		ASSERT_LE(0, ret);
		got += ret + 1;
	}
	while (read_nowait(self->echoes, &last, RECORD) == RECORD)
		got++;
	stats = get_stats(self->echoes);
	EXPECT_EQ(0U, stats.lag);
	EXPECT_EQ((__u64)got, stats.read);
	EXPECT_EQ(stats.echoes, stats.read + stats.lost);
	EXPECT_EQ(stats.records - stats.echoes, stats.skipped);

	got = sleeper_result(&s[2]) + 1;
	while (read_nowait(s[2].fd, &last, RECORD) == RECORD)
		got++;
	stats = get_stats(s[2].fd);
	EXPECT_EQ((__u64)got, stats.read);
	EXPECT_EQ(stats.echoes, stats.read + stats.lost);
	EXPECT_EQ(stats.records - stats.echoes, stats.skipped);
}

TEST_HARNESS_MAIN
