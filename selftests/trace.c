// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints: which there are, when each comes, and that its fields say what
 * the test has done.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#ifdef HAVE_LIBTRACEFS

#include <poll.h>
#include <sys/epoll.h>

#include "iodemo_hostile.h"
#include "iodemo_memory.h"
#include "iodemo_rawaio.h"
#include "iodemo_trace.h"

#ifdef HAVE_LIBURING
#include "iodemo_uring.h"
#endif

FIXTURE(trace) {
	int fd;
	struct trace trace;
};

/* On one processor: who is woken on another may be done before the wake-up is told. */
FIXTURE_SETUP(trace)
{
	if (!can_trace())
		SKIP(return, "this kernel has no tracefs");
	ASSERT_EQ(0, pin_to(sched_getcpu()));
	ASSERT_EQ(0, load("capacity=16 devices=2"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, trace_begin(&self->trace));
}

FIXTURE_TEARDOWN(trace)
{
	trace_end(&self->trace);
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

#define ASSERT_ON(event)	ASSERT_EQ(0, trace_on(&self->trace, event))

/* This was traced, and nothing else, since we looked last. */
#define EXPECT_TRACED(...)						\
	do {								\
		char expected_[TRACE_TEXT];				\
									\
		snprintf(expected_, sizeof(expected_), __VA_ARGS__);	\
		EXPECT_STREQ(expected_, trace_text(&self->trace));	\
	} while (0)

TEST_F(trace, events_and_fields_are_those_that_others_rely_on)
{
	EXPECT_STREQ("iodemo_aio_complete dev:4 client:4 req:8 ret:8s\n"
		     "iodemo_aio_queue dev:4 client:4 req:8 count:8\n"
		     "iodemo_echo dev:4 seq:8 type:2 len:2\n"
		     "iodemo_interrupt dev:4 pulls:4 timestamp:8\n"
		     "iodemo_lapped dev:4 client:4 lost:8 cursor:8\n"
		     "iodemo_poll dev:4 client:4 events:4\n"
		     "iodemo_read_begin dev:4 client:4 count:8 nowait:1\n"
		     "iodemo_read_end dev:4 client:4 ret:8s\n"
		     "iodemo_signal dev:4 client:4 sig:4s band:4 whom:4s\n"
		     "iodemo_store dev:4 seq:8 type:2 len:2\n"
		     "iodemo_unplug dev:4\n"
		     "iodemo_uring_complete dev:4 client:4 req:8 ret:8s\n"
		     "iodemo_uring_queue dev:4 client:4 req:8\n"
		     "iodemo_wake dev:4 whom:4 woken:4 more:1\n",
		     trace_formats(&self->trace));
}

TEST_F(trace, nothing_is_recorded_that_is_off)
{
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_READ(self->fd, 0, 2);
	EXPECT_TRACED("%s", "");
}

/* From the device ---------------------------------------------------------- */

TEST_F(trace, interrupt_has_the_time_of_its_records)
{
	struct iodemo_record record;

	ASSERT_ON("iodemo_interrupt");
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(RECORD, read_nowait(self->fd, &record, RECORD));
	EXPECT_TRACED("iodemo_interrupt dev=0 pulls=1 timestamp=%llu\n", record.timestamp);
}

TEST_F(trace, each_record_is_stored_in_its_place)
{
	ASSERT_ON("iodemo_store");
	ASSERT_EQ(0, set_config(self->fd, 0, 2));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRACED("iodemo_store dev=0 seq=0 type=1 len=40\n"
		      "iodemo_store dev=0 seq=1 type=1 len=40\n"
		      "iodemo_store dev=0 seq=2 type=1 len=40\n"
		      "iodemo_store dev=0 seq=3 type=1 len=40\n");
}

TEST_F(trace, what_was_written_comes_back_as_an_echo)
{
	struct iodemo_record record = raw_record("hello");

	ASSERT_ON("iodemo_store");
	ASSERT_ON("iodemo_echo");
	ASSERT_EQ(RECORD, result(write(self->fd, &record, RECORD)));
	EXPECT_TRACED("%s", "");
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRACED("iodemo_store dev=0 seq=0 type=1 len=40\n"
		      "iodemo_store dev=0 seq=1 type=2 len=5\n"
		      "iodemo_echo dev=0 seq=1 type=2 len=5\n");
}

TEST_F(trace, each_device_has_its_index_and_numbers_its_own_files)
{
	int fd = open_raw(1, O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_ON("iodemo_store");
	ASSERT_ON("iodemo_read_end");
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_READ(fd, 0, 1);
	EXPECT_TRACED("iodemo_store dev=1 seq=0 type=1 len=40\n"
		      "iodemo_read_end dev=1 client=1 ret=64\n");
}

TEST_F(trace, unplugging_comes_before_its_wake_up)
{
	struct sleeper s = reader(self->fd, 1);

	ASSERT_ON("iodemo_unplug");
	ASSERT_ON("iodemo_wake");
	ASSERT_ON("iodemo_read_end");
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, sleeper_result(&s));
	EXPECT_TRACED("iodemo_unplug dev=0\n"
		      "iodemo_wake dev=0 whom=2 woken=1 more=0\n"
		      "iodemo_read_end dev=0 client=1 ret=0\n");
}

/* Reading ------------------------------------------------------------------ */

/* The number in the file's fdinfo, or -1 */
static int client_of(int fd)
{
	char path[64], text[4096];
	const char *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (read_file(path, text, sizeof(text)) < 0)
		return -1;
	line = strstr(text, "\niodemo-client:\t");
	return line ? atoi(line + strlen("\niodemo-client:\t")) : -1;
}

TEST_F(trace, client_is_the_number_in_fdinfo)
{
	int other = open_raw(0, O_RDONLY);

	ASSERT_LE(0, other);
	ASSERT_NE(client_of(self->fd), client_of(other));
	ASSERT_ON("iodemo_read_end");
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_READ(other, 0, 1);
	EXPECT_TRACED("iodemo_read_end dev=0 client=%d ret=64\n"
		      "iodemo_read_end dev=0 client=%d ret=64\n",
		      client_of(self->fd), client_of(other));
}

TEST_F(trace, read_that_sleeps_begins_and_is_woken_and_ends)
{
	struct sleeper s = reader(self->fd, 2);

	ASSERT_ON(NULL);
	ASSERT_TRUE(falls_asleep(&s));
	EXPECT_TRACED("iodemo_read_begin dev=0 client=1 count=128 nowait=0\n");
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_TRACED("iodemo_interrupt dev=0 pulls=1 timestamp=%llu\n"
		      "iodemo_store dev=0 seq=0 type=1 len=40\n"
		      "iodemo_wake dev=0 whom=2 woken=1 more=0\n"
		      "iodemo_read_end dev=0 client=1 ret=64\n", s.records[0].timestamp);
}

TEST_F(trace, read_that_must_not_sleep_ends_with_EAGAIN)
{
	struct iodemo_record record;

	ASSERT_ON(NULL);
	ASSERT_EQ(-EAGAIN, read_nowait(self->fd, &record, RECORD));
	EXPECT_TRACED("iodemo_read_begin dev=0 client=1 count=64 nowait=1\n"
		      "iodemo_read_end dev=0 client=1 ret=%d\n", -EAGAIN);
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_RDWR | O_NONBLOCK));
	ASSERT_EQ(-EAGAIN, result(read(self->fd, &record, RECORD)));
	EXPECT_TRACED("iodemo_read_begin dev=0 client=1 count=64 nowait=1\n"
		      "iodemo_read_end dev=0 client=1 ret=%d\n", -EAGAIN);
}

TEST_F(trace, read_ends_with_its_errno)
{
	char buf[RECORD];

	ASSERT_ON("iodemo_read_end");
	ASSERT_EQ(-EINVAL, result(read(self->fd, buf, RECORD - 1)));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(-EFAULT, result(read(self->fd, bad_pointer, RECORD)));
	EXPECT_TRACED("iodemo_read_end dev=0 client=1 ret=%d\n"
		      "iodemo_read_end dev=0 client=1 ret=%d\n", -EINVAL, -EFAULT);
}

TEST_F(trace, read_that_a_signal_ends_has_what_the_kernel_makes_EINTR_of)
{
	struct sleeper s = reader(self->fd, 1);

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_ON("iodemo_read_end");
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
	EXPECT_TRACED("iodemo_read_end dev=0 client=1 ret=-512\n");
}

TEST_F(trace, splice_is_one_read)
{
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_ON(NULL);
	ASSERT_EQ(3 * RECORD, result(splice(self->fd, NULL, pipes[1], NULL, 4096, 0)));
	ASSERT_EQ(-EAGAIN, result(splice(self->fd, NULL, pipes[1], NULL, RECORD,
					 SPLICE_F_NONBLOCK)));
	EXPECT_TRACED("iodemo_read_begin dev=0 client=1 count=4096 nowait=0\n"
		      "iodemo_read_end dev=0 client=1 ret=192\n"
		      "iodemo_read_begin dev=0 client=1 count=64 nowait=1\n"
		      "iodemo_read_end dev=0 client=1 ret=%d\n", -EAGAIN);
}

TEST_F(trace, lapped_reader_has_lost_so_many_and_goes_on_there)
{
	ASSERT_ON("iodemo_lapped");
	ASSERT_EQ(0, trigger(self->fd, 16));
	EXPECT_READ(self->fd, 0, 1);
	ASSERT_EQ(0, trigger(self->fd, 4));
	EXPECT_READ(self->fd, 4, 16);
	EXPECT_TRACED("iodemo_lapped dev=0 client=1 lost=3 cursor=4\n");
}

/* Telling ------------------------------------------------------------------ */

TEST_F(trace, poll_gives_the_events_that_there_are)
{
	int fd = open_raw(0, O_RDONLY);

	ASSERT_LE(0, fd);
	ASSERT_ON("iodemo_poll");
	ASSERT_EQ(0, poll_now(fd, POLLIN));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(POLLIN, poll_now(fd, POLLIN));
	ASSERT_EQ(POLLIN, poll_now(self->fd, POLLIN));
	EXPECT_TRACED("iodemo_poll dev=0 client=2 events=0\n"
		      "iodemo_poll dev=0 client=2 events=%u\n"
		      "iodemo_poll dev=0 client=1 events=%u\n",
		      POLLIN | POLLRDNORM, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
}

TEST_F(trace, wake_up_counts_whom_it_woke)
{
	struct sleeper read_one = reader(self->fd, 1), read_two = reader(self->fd, 1);
	int other = open_raw(0, O_RDONLY);
	struct sleeper poll_one = poller(other, POLLIN), poll_two = poller(other, POLLIN);

	ASSERT_LE(0, other);
	ASSERT_ON("iodemo_wake");
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRACED("%s", "");
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_READ(other, 0, 1);

	ASSERT_TRUE(falls_asleep(&read_one));
	ASSERT_TRUE(falls_asleep(&read_two));
	ASSERT_TRUE(falls_asleep(&poll_one));
	ASSERT_TRUE(falls_asleep(&poll_two));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRACED("iodemo_wake dev=0 whom=3 woken=3 more=0\n");
	EXPECT_EQ(POLLIN, sleeper_result(&poll_one));
	EXPECT_EQ(POLLIN, sleeper_result(&poll_two));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&read_one));
	EXPECT_EQ(RECORD, sleeper_result(&read_two));
}

TEST_F(trace, reader_wakes_the_next_for_what_it_leaves)
{
	struct sleeper one = reader(self->fd, 1), two = reader(self->fd, 1);

	ASSERT_EQ(0, set_config(self->fd, 0, 2));
	ASSERT_ON("iodemo_wake");
	ASSERT_TRUE(falls_asleep(&one));
	ASSERT_TRUE(falls_asleep(&two));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&one));
	EXPECT_EQ(RECORD, sleeper_result(&two));
	EXPECT_TRACED("iodemo_wake dev=0 whom=2 woken=1 more=0\n"
		      "iodemo_wake dev=0 whom=2 woken=1 more=0\n");
}

TEST_F(trace, writer_is_woken_by_room)
{
	struct sleeper s = writer(self->fd, 1);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_ON("iodemo_wake");
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_TRACED("iodemo_wake dev=0 whom=4 woken=1 more=0\n");
}

/* A turn is of 32, and of these each file is one, and who waits on it another. */
TEST_F(trace, wake_up_of_many_goes_on)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epfd = epoll_create1(0);
	int i, fd;

	ASSERT_LE(0, epfd);
	for (i = 0; i < 40; i++) {
		fd = open_raw(0, O_RDONLY);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event));
	}
	ASSERT_ON("iodemo_wake");
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRACED("iodemo_wake dev=0 whom=1 woken=16 more=1\n"
		      "iodemo_wake dev=0 whom=1 woken=16 more=1\n"
		      "iodemo_wake dev=0 whom=1 woken=8 more=0\n");
}

TEST_F(trace, signal_says_which_to_whom_and_why)
{
	siginfo_t info;
	int sig;

	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN + 3));
	ASSERT_ON("iodemo_signal");
	ASSERT_ON("iodemo_wake");
	ASSERT_EQ(0, trigger(self->fd, 1));
	sig = take_signal(&info);
	ASSERT_EQ(SIGRTMIN + 3, sig);
	EXPECT_TRACED("iodemo_signal dev=0 client=1 sig=%d band=%ld whom=%d\n"
		      "iodemo_wake dev=0 whom=8 woken=0 more=0\n", sig, info.si_band, getpid());
}

TEST_F(trace, band_is_that_of_the_siginfo_for_each_cause)
{
	siginfo_t info;
	char expected[TRACE_TEXT];
	int len = 0;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(TX_DRAIN * 3, fill_queue(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(TX_DRAIN, fill_queue(self->fd));
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_ON("iodemo_signal");
	ASSERT_EQ(0, trigger(self->fd, 1));	/* records, room, and a loss */
	ASSERT_EQ(0, unbind_device(0));
	while (take_signal(&info) == SIGRTMIN)
		len += snprintf(expected + len, sizeof(expected) - len,
				"iodemo_signal dev=0 client=1 sig=%d band=%ld whom=%d\n",
				SIGRTMIN, info.si_band, getpid());
	EXPECT_STREQ(expected, trace_text(&self->trace));
	EXPECT_EQ(POLLHUP | POLLERR, info.si_band);
}

TEST_F(trace, signal_without_F_SETSIG_is_0_and_a_group_is_negative)
{
	siginfo_t info;

	ASSERT_EQ(0, setpgid(0, 0));
	ASSERT_EQ(0, signal_on(self->fd, 0));
	ASSERT_EQ(0, fcntl(self->fd, F_SETOWN, -getpid()));
	ASSERT_ON("iodemo_signal");
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(SIGIO, take_signal(&info));
	EXPECT_TRACED("iodemo_signal dev=0 client=1 sig=0 band=%u whom=%d\n",
		      POLLIN | POLLRDNORM, -getpid());
}

/* Asynchronous ------------------------------------------------------------- */

TEST_F(trace, kernel_AIO_is_queued_and_completes_in_the_interrupt)
{
	struct iodemo_record records[2];
	aio_context_t context;
	struct iocb iocbs[2];

	ASSERT_EQ(0, aio_setup(2, &context));
	ASSERT_ON("iodemo_aio_queue");
	ASSERT_ON("iodemo_aio_complete");
	ASSERT_ON("iodemo_wake");
	ASSERT_ON("iodemo_read_begin");
	ASSERT_EQ(1, aio_submit_read(context, &iocbs[0], self->fd, &records[0], RECORD));
	ASSERT_EQ(1, aio_submit_read(context, &iocbs[1], self->fd, &records[1], 2 * RECORD));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, aio_event(context));
	EXPECT_TRACED("iodemo_aio_queue dev=0 client=1 req=#1 count=64\n"
		      "iodemo_aio_queue dev=0 client=1 req=#2 count=128\n"
		      "iodemo_aio_complete dev=0 client=1 req=#1 ret=64\n"
		      "iodemo_wake dev=0 whom=16 woken=0 more=0\n");
	EXPECT_EQ(-EINPROGRESS, aio_cancel(context, &iocbs[1]));
	EXPECT_EQ(-ECANCELED, aio_event(context));
	EXPECT_TRACED("iodemo_aio_complete dev=0 client=1 req=#2 ret=%d\n", -ECANCELED);
	EXPECT_EQ(0, aio_destroy(context));
}

TEST_F(trace, kernel_AIO_that_need_not_wait_is_a_read)
{
	struct iodemo_record record;
	aio_context_t context;
	struct iocb iocb;

	ASSERT_EQ(0, aio_setup(1, &context));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_ON(NULL);
	ASSERT_EQ(1, aio_submit_read(context, &iocb, self->fd, &record, RECORD));
	EXPECT_EQ(RECORD, aio_event(context));
	EXPECT_TRACED("iodemo_read_begin dev=0 client=1 count=64 nowait=1\n"
		      "iodemo_read_end dev=0 client=1 ret=64\n");
	EXPECT_EQ(0, aio_destroy(context));
}

TEST_F(trace, command_of_io_uring_is_queued_and_completes)
{
#ifdef HAVE_LIBURING
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_READ(self->fd, 0, 5);
	ASSERT_ON("iodemo_uring_queue");
	ASSERT_ON("iodemo_uring_complete");
	ASSERT_ON("iodemo_wake");
	prepare_trigger(&ring, self->fd, 1, 7);
	ASSERT_EQ(1, io_uring_submit(&ring));
	EXPECT_COMPLETES(&ring, 7, 0);
	EXPECT_READ(self->fd, 5, 1);
	EXPECT_TRACED("iodemo_uring_complete dev=0 client=1 req=#1 ret=0\n");
	if (since_6_7()) {
		self->trace.requests[0] = 0;
		prepare_wait(&ring, self->fd, 8);
		ASSERT_EQ(1, io_uring_submit(&ring));
		EXPECT_TRACED("iodemo_uring_queue dev=0 client=1 req=#1\n");
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_COMPLETES(&ring, 8, 6);
		EXPECT_TRACED("iodemo_wake dev=0 whom=32 woken=1 more=0\n"
			      "iodemo_uring_complete dev=0 client=1 req=#1 ret=6\n");
	}
	io_uring_queue_exit(&ring);
#else
	SKIP(return, "built without liburing");
#endif
}

/* As trace-cmd report shows it --------------------------------------------- */

TEST_F(trace, types_and_flags_are_shown_by_their_names)
{
	struct iodemo_record record = raw_record("hello");
	struct sleeper read_one = reader(self->fd, 1);
	int other = open_raw(0, O_RDONLY);
	struct sleeper poll_one = poller(other, POLLIN);

	ASSERT_LE(0, other);
	self->trace.printed = true;
	ASSERT_EQ(RECORD, result(write(self->fd, &record, RECORD)));
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_TRUE(falls_asleep(&read_one));
	ASSERT_TRUE(falls_asleep(&poll_one));
	ASSERT_ON("iodemo_store");
	ASSERT_ON("iodemo_wake");
	ASSERT_ON("iodemo_signal");
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRACED("iodemo_store dev=0 seq=0 type=sample len=40\n"
		      "iodemo_store dev=0 seq=1 type=echo len=5\n"
		      "iodemo_signal dev=0 client=1 sig=%d band=IN|RDNORM whom=%d\n"
		      "iodemo_wake dev=0 whom=pollers|readers|signals woken=2 more=0\n",
		      SIGRTMIN, getpid());
	EXPECT_EQ(RECORD, sleeper_result(&read_one));
	EXPECT_EQ(POLLIN, sleeper_result(&poll_one));
}

#else

TEST(trace)
{
	SKIP(return, "built without libtracefs");
}

#endif

TEST_HARNESS_MAIN
