// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 4, signal-driven: which signal comes, to whom, how often, and what it
 * says. The signals stay blocked and are counted in the queue.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <poll.h>
#include <sys/resource.h>

IODEMO_FIXTURE_BOTH(signal_driven, "capacity=16")

/* Take all that is queued: how many told of this */
static int take_all(int sig, int code)
{
	siginfo_t info;
	int count = 0;
	long got;

	while ((got = take_signal(&info)) > 0)
		count += got == sig && info.si_code == code;
	return count;
}

TEST_F(signal_driven, SIGIO_comes_with_the_interrupt)
{
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->fd, 0));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(SIGIO, take_signal(&info));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
	EXPECT_EQ(1, STAT(self->fd, signals));
}

TEST_F(signal_driven, file_without_O_ASYNC_is_silent)
{
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_RDWR));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
	EXPECT_EQ(0, STAT(self->fd, signals));
}

TEST_F(signal_driven, O_ASYNC_can_be_switched_on_again)
{
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_RDWR));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, fcntl(self->fd, F_SETFL, O_RDWR | O_ASYNC));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, take_all(SIGRTMIN, POLL_IN));
}

TEST_F(signal_driven, closed_file_is_silent)
{
	int fd = open_raw(0, O_RDONLY);
	siginfo_t info;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, signal_on(fd, SIGRTMIN));
	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
	EXPECT_EQ(0, STAT(self->fd, signals));
}

TEST_F(signal_driven, F_SETSIG_tells_the_file_and_the_event)
{
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN + 3));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(SIGRTMIN + 3, take_signal(&info));
	EXPECT_EQ(POLL_IN, info.si_code);
	EXPECT_EQ(self->fd, info.si_fd);
	EXPECT_EQ(POLLIN | POLLRDNORM, info.si_band);
}

TEST_F(signal_driven, each_interrupt_queues_one_realtime_signal)
{
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_EQ(5, take_all(SIGRTMIN, POLL_IN));
	EXPECT_EQ(5, STAT(self->fd, signals));
}

TEST_F(signal_driven, burst_is_one_signal)
{
	ASSERT_EQ(0, set_config(self->fd, 0, 7));
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(2, take_all(SIGRTMIN, POLL_IN));
}

TEST_F(signal_driven, SIGIO_is_pending_once_however_often_it_is_sent)
{
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->fd, 0));
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_EQ(SIGIO, take_signal(&info));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
	EXPECT_EQ(5, STAT(self->fd, signals));
	EXPECT_READ(self->fd, 0, 5);
}

TEST_F(signal_driven, records_that_wait_already_keep_no_signal_back)
{
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, take_all(SIGRTMIN, POLL_IN));
}

TEST_F(signal_driven, signals_come_only_from_the_low_water_mark_on)
{
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(0, take_all(SIGRTMIN, POLL_IN));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, take_all(SIGRTMIN, POLL_IN));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(2, take_all(SIGRTMIN, POLL_IN));
	EXPECT_READ(self->fd, 0, 4);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, take_all(SIGRTMIN, POLL_IN));
	EXPECT_EQ(3, STAT(self->fd, signals));
}

TEST_F(signal_driven, every_file_is_told_of_by_its_own_signal)
{
	int other = open_raw(0, O_RDONLY);
	siginfo_t info;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, signal_on(other, SIGRTMIN + 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(SIGRTMIN, take_signal(&info));
	EXPECT_EQ(self->fd, info.si_fd);
	ASSERT_EQ(SIGRTMIN + 1, take_signal(&info));
	EXPECT_EQ(other, info.si_fd);
	EXPECT_EQ(-EAGAIN, take_signal(&info));
	EXPECT_EQ(2, STAT(self->fd, signals));
}

/* Another thread waits for the signal too: it must go to the owner. */
TEST_F(signal_driven, F_SETOWN_EX_directs_it_to_one_thread)
{
	struct f_owner_ex owner = { .type = F_OWNER_TID, .pid = gettid() };
	struct sleeper s = signal_waiter(SIGRTMIN);
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, fcntl(self->fd, F_SETOWN_EX, &owner));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRUE(undisturbed(&s));
	EXPECT_EQ(SIGRTMIN, take_signal(&info));

	owner.pid = s.tid;
	ASSERT_EQ(0, fcntl(self->fd, F_SETOWN_EX, &owner));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(SIGRTMIN, sleeper_result(&s));
	EXPECT_EQ(POLL_IN, s.info.si_code);
	EXPECT_EQ(self->fd, s.info.si_fd);
	EXPECT_EQ(-EAGAIN, take_signal(&info));
}

static long signals_queued(void)
{
	char status[4096];
	char *line;

	if (read_file("/proc/self/status", status, sizeof(status)) < 0)
		return -1;
	line = strstr(status, "\nSigQ:");
	return line ? strtol(line + strlen("\nSigQ:"), NULL, 10) : -1;
}

TEST_F(signal_driven, full_signal_queue_falls_back_to_SIGIO_and_loses_no_record)
{
	struct rlimit limit = { .rlim_max = RLIM_INFINITY };
	siginfo_t info;
	int i;

	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_LE(0, signals_queued());
	limit.rlim_cur = signals_queued() + 4;
	ASSERT_EQ(0, setrlimit(RLIMIT_SIGPENDING, &limit));

	ASSERT_EQ(0, trigger(self->fd, 10));
	EXPECT_EQ(SIGIO, take_signal(&info));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(SIGRTMIN, take_signal(&info));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
	EXPECT_READ(self->fd, 0, 10);
	EXPECT_EQ(10, STAT(self->fd, signals));
}

TEST_F(signal_driven, room_in_a_full_transmit_queue_is_POLL_OUT_once)
{
	siginfo_t info;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(0, set_low_water(self->fd, 16));
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(SIGRTMIN, take_signal(&info));
	EXPECT_EQ(POLL_OUT, info.si_code);
	EXPECT_EQ(self->fd, info.si_fd);
	EXPECT_EQ(POLLOUT | POLLWRNORM | POLLWRBAND, info.si_band);
	EXPECT_EQ(-EAGAIN, take_signal(&info));

	/* There was room before this one. */
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
}

TEST_F(signal_driven, interrupt_that_brings_records_and_room_tells_of_both)
{
	siginfo_t info;
	int codes = 0;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, trigger(self->fd, 1));
	while (take_signal(&info) == SIGRTMIN)
		codes += info.si_code == POLL_IN ? 1 : info.si_code == POLL_OUT ? 10 : 100;
	EXPECT_EQ(11, codes);
}

TEST_F(signal_driven, file_open_for_reading_only_is_not_told_of_room)
{
	int fd = open_raw(0, O_RDONLY);
	siginfo_t info;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_low_water(fd, 16));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(0, signal_on(fd, SIGRTMIN));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
}

TEST_F(signal_driven, file_open_for_writing_only_is_not_told_of_records)
{
	int fd = open_raw(0, O_WRONLY);
	siginfo_t info;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, signal_on(fd, SIGRTMIN));
	ASSERT_EQ(0, trigger(fd, 20));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
}

TEST_F(signal_driven, loss_is_POLL_PRI_once_until_GET_STATS)
{
	siginfo_t info;

	ASSERT_EQ(0, trigger(self->fd, 16));
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, take_all(SIGRTMIN, POLL_PRI));
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(0, take_all(SIGRTMIN, POLL_PRI));
	EXPECT_EQ(4, STAT(self->fd, lost));

	ASSERT_EQ(0, trigger(self->fd, 1));
	while (take_signal(&info) == SIGRTMIN && info.si_code != POLL_PRI)
		;
	EXPECT_EQ(POLL_PRI, info.si_code);
	EXPECT_EQ(POLLPRI | POLLRDBAND, info.si_band);
	EXPECT_EQ(self->fd, info.si_fd);
}

TEST_F(signal_driven, signal_ends_the_sleep_of_the_thread_that_it_is_directed_to)
{
	struct sleeper s = reader(self->fd, 1);
	int other = open_raw(0, O_RDONLY | O_NONBLOCK);
	struct f_owner_ex owner = { .type = F_OWNER_TID };

	/* The handler runs in the thread that sleeps, and ends its read. */
	ASSERT_LE(0, other);
	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_EQ(0, set_low_water(self->fd, 8));
	ASSERT_TRUE(falls_asleep(&s));
	owner.pid = s.tid;
	ASSERT_EQ(0, fcntl(other, F_SETSIG, SIGUSR1));
	ASSERT_EQ(0, fcntl(other, F_SETOWN_EX, &owner));
	ASSERT_EQ(0, fcntl(other, F_SETFL, O_NONBLOCK | O_ASYNC));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
	EXPECT_EQ(1, (int)signals_caught);
	EXPECT_READ(other, 0, 1);
}

TEST_HARNESS_MAIN
