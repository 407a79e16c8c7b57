// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 3, multiplexing: what select, poll and epoll say, when they wake, and
 * when they must keep quiet.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define READABLE	(POLLIN | POLLRDNORM)
#define WRITABLE	(POLLOUT | POLLWRNORM)
#define EVERYTHING	(READABLE | WRITABLE | POLLPRI)

IODEMO_FIXTURE_BOTH(multiplexing, "capacity=16")

/* A new epoll that watches this file. */
static int epoll_on(int fd, __u32 events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return epfd;
}

/* The events that epoll tells of now; 0: none */
static long epoll_now(int epfd)
{
	struct epoll_event event;
	long ret = result(epoll_wait(epfd, &event, 1, 0));

	return ret == 1 ? (long)event.events : ret;
}

static int select_now(int fd)
{
	struct timeval none = { 0 };
	fd_set in, out, pri;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&pri);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	FD_SET(fd, &pri);
	if (select(fd + 1, &in, &out, &pri, &none) < 0)
		return -errno;
	return (FD_ISSET(fd, &in) ? POLLIN : 0) | (FD_ISSET(fd, &out) ? POLLOUT : 0) |
	       (FD_ISSET(fd, &pri) ? POLLPRI : 0);
}

/* What all three say, or -1 if they disagree */
static int all_now(int fd)
{
	int events = poll_now(fd, EVERYTHING);
	int epfd = epoll_on(fd, EVERYTHING);
	int by_epoll = epoll_now(epfd);

	close(epfd);
	if (by_epoll != events || select_now(fd) != (events & (POLLIN | POLLOUT | POLLPRI)))
		return -1;
	return events;
}

TEST_F(multiplexing, select_poll_and_epoll_agree_on_every_state)
{
	EXPECT_EQ(WRITABLE, all_now(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(WRITABLE | READABLE, all_now(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 16));
	EXPECT_EQ(WRITABLE | READABLE | POLLPRI, all_now(self->fd));
	EXPECT_READ(self->fd, 1, 16);
	EXPECT_EQ(WRITABLE | POLLPRI, all_now(self->fd));
	EXPECT_EQ(1, STAT(self->fd, lost));
	EXPECT_EQ(WRITABLE, all_now(self->fd));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	EXPECT_EQ(0, all_now(self->fd));
}

TEST_F(multiplexing, file_open_for_reading_only_never_tells_of_writing)
{
	int fd = open_raw(0, O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, all_now(fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(READABLE, all_now(fd));
}

TEST_F(multiplexing, file_open_for_writing_only_never_tells_of_reading)
{
	int fd = open_raw(0, O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(WRITABLE, all_now(fd));
	ASSERT_EQ(0, trigger(fd, 20));
	EXPECT_EQ(WRITABLE, all_now(fd));
}

TEST_F(multiplexing, poll_sleeps_until_the_interrupt)
{
	struct sleeper s = poller(self->fd, POLLIN);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLIN, sleeper_result(&s));
	EXPECT_EQ(1, STAT(self->fd, wakeups));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(multiplexing, select_sleeps_until_the_interrupt)
{
	struct sleeper s = selecter(self->fd, POLLIN);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLIN, sleeper_result(&s));
	EXPECT_EQ(1, STAT(self->fd, wakeups));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(multiplexing, epoll_sleeps_until_the_interrupt)
{
	struct sleeper s = epoller(epoll_on(self->fd, EPOLLIN));

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(EPOLLIN, sleeper_result(&s));
	EXPECT_EQ(1, STAT(self->fd, wakeups));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(multiplexing, signal_ends_the_sleep_of_poll_with_EINTR)
{
	struct sleeper s = poller(self->fd, POLLIN);

	/* poll() is never restarted after a handler, see signal(7). */
	ASSERT_EQ(0, catch_signal(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
}

TEST_F(multiplexing, all_pollers_of_a_file_are_woken)
{
	struct sleeper s[3];
	int i;

	for (i = 0; i < 3; i++) {
		s[i] = poller(self->fd, POLLIN);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	ASSERT_EQ(0, trigger(self->fd, 1));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(POLLIN, sleeper_result(&s[i]));
	EXPECT_EQ(1, STAT(self->fd, wakeups));
}

TEST_F(multiplexing, poller_and_reader_of_one_file_are_both_woken)
{
	struct sleeper p = poller(self->fd, POLLIN), r = reader(self->fd, 1);

	ASSERT_EQ(0, set_config(self->fd, 0, 2));
	ASSERT_TRUE(falls_asleep(&r));
	ASSERT_TRUE(falls_asleep(&p));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLIN, sleeper_result(&p));
	EXPECT_EQ(RECORD, sleeper_result(&r));
	EXPECT_READ(self->fd, 1, 1);
}

TEST_F(multiplexing, poll_is_silent_below_the_low_water_mark_and_speaks_at_it)
{
	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(WRITABLE, all_now(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(WRITABLE | READABLE, all_now(self->fd));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_EQ(WRITABLE, all_now(self->fd));
	ASSERT_EQ(0, set_low_water(self->fd, 2));
	EXPECT_EQ(WRITABLE | READABLE, all_now(self->fd));
}

TEST_F(multiplexing, poller_sleeps_below_the_low_water_mark_and_wakes_at_it)
{
	struct sleeper s = poller(self->fd, POLLIN);

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(undisturbed(&s));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLIN, sleeper_result(&s));
}

TEST_F(multiplexing, lowering_the_low_water_mark_wakes_the_poller)
{
	struct sleeper s = poller(self->fd, POLLIN);

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, set_low_water(self->fd, 2));
	EXPECT_EQ(POLLIN, sleeper_result(&s));
}

TEST_F(multiplexing, poller_for_loss_is_not_disturbed_by_records_and_wakes_at_lapping)
{
	struct sleeper s = poller(self->fd, POLLPRI);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 16));
	EXPECT_TRUE(undisturbed(&s));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLPRI, sleeper_result(&s));
	EXPECT_EQ(1, STAT(self->fd, wakeups));
}

TEST_F(multiplexing, loss_is_told_until_GET_STATS_on_this_file)
{
	int other = open_raw(0, O_RDONLY);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, trigger(self->fd, 16));
	EXPECT_EQ(0, poll_now(other, POLLPRI));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLPRI, poll_now(other, POLLPRI));
	EXPECT_EQ(1, STAT(self->fd, lost));
	EXPECT_EQ(POLLPRI, poll_now(other, POLLPRI));
	EXPECT_EQ(1, STAT(other, lost));
	EXPECT_EQ(0, poll_now(other, POLLPRI));

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLPRI, poll_now(other, POLLPRI));
	EXPECT_EQ(2, STAT(other, lost));
}

TEST_F(multiplexing, level_triggered_epoll_speaks_until_the_last_record_is_read)
{
	int epfd = epoll_on(self->fd, EPOLLIN);

	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
	EXPECT_READ(self->fd, 1, 1);
	EXPECT_EQ(0, epoll_now(epfd));
}

TEST_F(multiplexing, edge_triggered_epoll_is_quiet_without_news)
{
	int epfd = epoll_on(self->fd, EPOLLIN | EPOLLET);

	EXPECT_EQ(0, epoll_now(epfd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
	EXPECT_EQ(0, epoll_now(epfd));
	EXPECT_EQ(0, epoll_now(epfd));
}

TEST_F(multiplexing, edge_triggered_epoll_speaks_of_each_new_record)
{
	int epfd = epoll_on(self->fd, EPOLLIN | EPOLLET);
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_EQ(EPOLLIN, epoll_now(epfd));
		EXPECT_EQ(0, epoll_now(epfd));
	}
}

TEST_F(multiplexing, edge_triggered_epoll_speaks_of_records_that_were_there_before_it)
{
	int epfd;

	ASSERT_EQ(0, trigger(self->fd, 1));
	epfd = epoll_on(self->fd, EPOLLIN | EPOLLET);
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
	EXPECT_EQ(0, epoll_now(epfd));
}

TEST_F(multiplexing, reading_a_part_makes_no_edge)
{
	int epfd = epoll_on(self->fd, EPOLLIN | EPOLLET);

	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_EQ(0, epoll_now(epfd));
	EXPECT_READ(self->fd, 1, 1);
	EXPECT_EQ(0, epoll_now(epfd));
}

TEST_F(multiplexing, reading_a_part_beside_a_sleeping_reader_makes_no_edge)
{
	struct sleeper s = reader(self->fd, 1);
	int epfd = epoll_on(self->fd, EPOLLIN | EPOLLET);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, set_config(self->fd, 0, 2));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(RECORD, sleeper_result(&s));
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
	EXPECT_READ(self->fd, 1, 1);
	EXPECT_EQ(0, epoll_now(epfd));
}

TEST_F(multiplexing, edge_triggered_epoll_is_quiet_below_the_low_water_mark)
{
	int epfd = epoll_on(self->fd, EPOLLIN | EPOLLET);

	ASSERT_EQ(0, set_low_water(self->fd, 2));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, epoll_now(epfd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
}

TEST_F(multiplexing, edge_triggered_sleeper_is_woken_by_the_second_record_too)
{
	int epfd = epoll_on(self->fd, EPOLLIN | EPOLLET);
	struct sleeper s = epoller(epfd);

	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(EPOLLIN, epoll_now(epfd));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(EPOLLIN, sleeper_result(&s));
}

TEST_F(multiplexing, ONESHOT_speaks_once_until_it_is_armed_again)
{
	int epfd = epoll_on(self->fd, EPOLLIN | EPOLLONESHOT);
	struct epoll_event again = { .events = EPOLLIN | EPOLLONESHOT };

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, epoll_now(epfd));
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_MOD, self->fd, &again));
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
	EXPECT_EQ(0, epoll_now(epfd));
}

TEST_F(multiplexing, of_two_EXCLUSIVE_epolls_one_is_woken)
{
	struct sleeper a = epoller(epoll_on(self->fd, EPOLLIN | EPOLLEXCLUSIVE));
	struct sleeper b = epoller(epoll_on(self->fd, EPOLLIN | EPOLLEXCLUSIVE));
	struct sleeper *woken = &a, *other = &b;

	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_EQ(0, trigger(self->fd, 1));
	while (!a.done && !b.done)
		sched_yield();
	if (b.done) {
		woken = &b;
		other = &a;
	}
	EXPECT_EQ(EPOLLIN, sleeper_result(woken));
	EXPECT_TRUE(undisturbed(other));
	ASSERT_EQ(0, close(woken->fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(EPOLLIN, sleeper_result(other));
}

TEST_F(multiplexing, of_two_ordinary_epolls_both_are_woken)
{
	struct sleeper a = epoller(epoll_on(self->fd, EPOLLIN));
	struct sleeper b = epoller(epoll_on(self->fd, EPOLLIN));

	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(EPOLLIN, sleeper_result(&a));
	EXPECT_EQ(EPOLLIN, sleeper_result(&b));
}

TEST_F(multiplexing, epoll_of_an_epoll_passes_the_news_on)
{
	int inner = epoll_on(self->fd, EPOLLIN);
	struct sleeper s = epoller(epoll_on(inner, EPOLLIN));

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(EPOLLIN, sleeper_result(&s));
}

TEST_F(multiplexing, closed_file_leaves_the_epoll)
{
	int fd = open_raw(0, O_RDONLY);
	int epfd = epoll_on(fd, EPOLLIN);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(EPOLLIN, epoll_now(epfd));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, epoll_now(epfd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, epoll_now(epfd));
}

TEST_F(multiplexing, room_in_the_transmit_queue_wakes_the_poller_and_is_an_edge)
{
	struct sleeper s = poller(self->fd, POLLOUT);
	int epfd = epoll_on(self->fd, EPOLLOUT | EPOLLET);

	EXPECT_EQ(EPOLLOUT, epoll_now(epfd));
	EXPECT_EQ(0, epoll_now(epfd));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	EXPECT_EQ(0, epoll_now(epfd));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLOUT, sleeper_result(&s));
	EXPECT_EQ(EPOLLOUT, epoll_now(epfd));
	EXPECT_EQ(0, epoll_now(epfd));
}

FIXTURE(two_devices) {
	int fd[2];
};

FIXTURE_SETUP(two_devices)
{
	int i;

	if (other_source())
		SKIP_FIXTURE("of that source there is one device");
	ASSERT_EQ(0, load("devices=2"));
	for (i = 0; i < 2; i++) {
		self->fd[i] = open_raw(i, O_RDWR);
		ASSERT_LE(0, self->fd[i]);
	}
}

IODEMO_FIXTURE_TEARDOWN(two_devices)

TEST_F(two_devices, epoll_names_the_device_that_was_triggered)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	int i;

	for (i = 0; i < 2; i++) {
		event.data.u32 = i;
		ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, self->fd[i], &event));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, trigger(self->fd[i], 1));
		ASSERT_EQ(1, epoll_wait(epfd, &event, 1, 0));
		EXPECT_EQ(i, (int)event.data.u32);
		EXPECT_READ(self->fd[i], 0, 1);
		EXPECT_EQ(0, epoll_wait(epfd, &event, 1, 0));
	}
}

TEST_F(two_devices, reader_of_one_is_not_disturbed_by_the_other)
{
	struct sleeper s = reader(self->fd[0], 1);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd[1], 5));
	EXPECT_TRUE(undisturbed(&s));
	EXPECT_EQ(0, STAT(self->fd[0], records));
	ASSERT_EQ(0, trigger(self->fd[0], 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_READ(self->fd[1], 0, 5);
}

TEST_HARNESS_MAIN
