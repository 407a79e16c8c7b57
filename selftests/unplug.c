// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device is unplugged while files are open: who sleeps is woken, what is
 * buffered can be read, and what is dead stays dead when the device is back.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <poll.h>
#include <sys/epoll.h>

#define READABLE	(POLLIN | POLLRDNORM)
#define WRITABLE	(POLLOUT | POLLWRNORM)

IODEMO_FIXTURE_BOTH(unplug, "capacity=16")

TEST_F(unplug, sleeping_readers_wake_and_read_0)
{
	int other = open_raw(0, O_RDONLY);
	struct sleeper s[4];
	int i;

	ASSERT_LE(0, other);
	for (i = 0; i < 4; i++) {
		s[i] = reader(i < 3 ? self->fd : other, 1);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	ASSERT_EQ(0, unbind_device(0));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, sleeper_result(&s[i]));
	EXPECT_EQ(0, result(read(self->fd, s[0].records, RECORD)));
}

TEST_F(unplug, reader_that_waits_for_more_gets_what_is_there)
{
	struct sleeper s = reader(self->fd, 8);

	ASSERT_EQ(0, set_low_water(self->fd, 5));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(2 * RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[0], 0);
	EXPECT_SAMPLE(&s.records[1], 1);
	EXPECT_EQ(0, result(read(self->fd, s.records, RECORD)));
}

TEST_F(unplug, what_is_buffered_can_be_read_and_then_0)
{
	struct iodemo_record record;

	ASSERT_EQ(0, trigger(self->fd, 20));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_READ(self->fd, 4, 10);
	EXPECT_READ(self->fd, 14, 6);
	EXPECT_EQ(0, result(read(self->fd, &record, sizeof(record))));
	EXPECT_EQ(0, read_nowait(self->fd, &record, sizeof(record)));
	EXPECT_EQ(0, result(read(self->fd, &record, sizeof(record))));
}

TEST_F(unplug, rest_of_a_line_can_be_read_and_then_0)
{
	int fd = open_device(0, O_RDONLY);
	char line[1024];

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(3, result(read(fd, line, 3)));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_LT(3, result(read(fd, line, sizeof(line))));
	EXPECT_EQ(0, result(read(fd, line, sizeof(line))));
}

TEST_F(unplug, nonblocking_read_is_0_and_no_EAGAIN)
{
	struct iodemo_record record;
	int fd = open_raw(0, O_RDONLY | O_NONBLOCK);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EAGAIN, result(read(fd, &record, sizeof(record))));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, result(read(fd, &record, sizeof(record))));
}

TEST_F(unplug, sleeping_writers_wake_with_ENODEV)
{
	struct sleeper a = writer(self->fd, 1), b = writer(self->fd, 1);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(-ENODEV, sleeper_result(&a));
	EXPECT_EQ(-ENODEV, sleeper_result(&b));
}

TEST_F(unplug, writer_that_has_queued_a_part_gets_the_short_count)
{
	struct sleeper s = writer(self->fd, TX_CAPACITY + 6);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(TX_CAPACITY * RECORD, sleeper_result(&s));
	EXPECT_EQ(-ENODEV, write_records(self->fd, 1));
}

TEST_F(unplug, write_and_every_ioctl_are_ENODEV)
{
	struct iodemo_stats buf;

	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(-ENODEV, write_records(self->fd, 1));
	EXPECT_EQ(-ENODEV, write_nowait(self->fd, &(struct iodemo_record){ 0 }, RECORD));
	EXPECT_EQ(-ENODEV, result(ioctl(self->fd, IODEMO_GET_INFO, &buf)));
	EXPECT_EQ(-ENODEV, result(ioctl(self->fd, IODEMO_GET_CONFIG, &buf)));
	EXPECT_EQ(-ENODEV, set_config(self->fd, 0, 1));
	EXPECT_EQ(-ENODEV, result(ioctl(self->fd, IODEMO_GET_CLIENT, &buf)));
	EXPECT_EQ(-ENODEV, set_low_water(self->fd, 1));
	EXPECT_EQ(-ENODEV, result(ioctl(self->fd, IODEMO_GET_STATS, &buf)));
	EXPECT_EQ(-ENODEV, trigger(self->fd, 1));
	EXPECT_EQ(-ENODEV, result(ioctl(self->fd, IODEMO_RESERVE)));
	EXPECT_EQ(-ENODEV, result(ioctl(self->fd, IODEMO_RELEASE)));
	EXPECT_EQ(-ENODEV, result(ioctl(self->fd, IODEMO_FLUSH)));
}

TEST_F(unplug, sleepers_in_poll_select_and_epoll_wake)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	struct sleeper p = poller(self->fd, POLLIN);
	struct sleeper s = selecter(self->fd, POLLIN);
	struct sleeper e = epoller(epfd);

	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, self->fd, &event));
	ASSERT_TRUE(falls_asleep(&p));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_TRUE(falls_asleep(&e));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(POLLIN | POLLHUP, sleeper_result(&p));
	EXPECT_EQ(POLLIN, sleeper_result(&s));
	EXPECT_EQ(EPOLLIN | EPOLLHUP, sleeper_result(&e));
}

TEST_F(unplug, poller_that_asks_for_nothing_wakes_with_POLLHUP)
{
	struct sleeper s = poller(self->fd, 0);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(POLLHUP, sleeper_result(&s));
}

TEST_F(unplug, poller_for_room_in_the_queue_wakes_with_POLLHUP)
{
	struct sleeper s = poller(self->fd, POLLOUT);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(POLLHUP, sleeper_result(&s));
}

TEST_F(unplug, dead_file_is_readable_and_never_writable)
{
	ASSERT_EQ(WRITABLE, poll_now(self->fd, READABLE | WRITABLE));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(READABLE | POLLHUP, poll_now(self->fd, READABLE | WRITABLE));
}

TEST_F(unplug, edge_triggered_epoll_tells_of_it_once)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, self->fd, &event));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(1, epoll_wait(epfd, &event, 1, 0));
	ASSERT_EQ(0, unbind_device(0));
	ASSERT_EQ(1, epoll_wait(epfd, &event, 1, 0));
	EXPECT_EQ((long)(EPOLLIN | EPOLLHUP), (long)event.events);
	EXPECT_EQ(0, epoll_wait(epfd, &event, 1, 0));
}

TEST_F(unplug, epoll_that_comes_too_late_is_told_at_once)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_EQ(0, unbind_device(0));
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, self->fd, &event));
	ASSERT_EQ(1, epoll_wait(epfd, &event, 1, 0));
	EXPECT_EQ((long)(EPOLLIN | EPOLLHUP), (long)event.events);
}

TEST_F(unplug, signal_tells_of_it_with_POLL_HUP)
{
	siginfo_t info;

	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, unbind_device(0));
	ASSERT_EQ(SIGRTMIN, take_signal(&info));
	EXPECT_EQ(POLL_HUP, info.si_code);
	EXPECT_EQ(self->fd, info.si_fd);
	EXPECT_EQ(POLLHUP | POLLERR, info.si_band);
	EXPECT_EQ(-EAGAIN, take_signal(&info));
}

TEST_F(unplug, signal_can_be_switched_on_and_off_on_a_dead_file)
{
	siginfo_t info;

	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, signal_on(self->fd, SIGRTMIN));
	EXPECT_EQ(0, fcntl(self->fd, F_SETFL, O_RDWR));
	EXPECT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, bind_device(0));
	EXPECT_EQ(-EAGAIN, take_signal(&info));
}

TEST_F(unplug, node_is_gone_and_comes_back)
{
	int fd;

	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(-ENOENT, open_device(0, O_RDONLY));
	EXPECT_EQ(-1, proc_interrupts(line_name()));
	ASSERT_EQ(0, bind_device(0));
	fd = open_device(0, O_RDONLY);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, proc_interrupts(line_name()));
}

TEST_F(unplug, device_that_is_back_is_new_and_the_old_file_stays_dead)
{
	struct iodemo_record record;
	int fd;

	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_READ(self->fd, 0, 5);
	ASSERT_EQ(0, unbind_device(0));
	ASSERT_EQ(0, bind_device(0));
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, STAT(fd, records));
	EXPECT_EQ(0, STAT(fd, interrupts));
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_READ(fd, 0, 1);

	EXPECT_EQ(0, result(read(self->fd, &record, sizeof(record))));
	EXPECT_EQ(-ENODEV, trigger(self->fd, 1));
	EXPECT_EQ(-ENODEV, write_records(self->fd, 1));
	EXPECT_EQ(READABLE | POLLHUP, poll_now(self->fd, READABLE | WRITABLE));
}

TEST_F(unplug, close_of_the_old_file_does_nothing_to_the_new_device)
{
	struct iodemo_record record;
	int fd, i;

	ASSERT_EQ(0, unbind_device(0));
	ASSERT_EQ(0, bind_device(0));
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_config(fd, 1000, 1));
	ASSERT_EQ(0, close(self->fd));

	/* More than the ring holds: the timer runs on. */
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(RECORD, result(read(fd, &record, sizeof(record))));
		EXPECT_SAMPLE(&record, record.seq);
	}
}

TEST_F(unplug, queued_records_do_not_come_out_of_the_new_device)
{
	int fd;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(0, unbind_device(0));
	ASSERT_EQ(0, bind_device(0));
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(0, STAT(fd, echoes));
	EXPECT_EQ(POLLOUT, poll_now(fd, POLLOUT));
}

TEST_F(unplug, reservation_goes_with_the_device)
{
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_RESERVE)));
	ASSERT_EQ(0, unbind_device(0));
	ASSERT_EQ(0, bind_device(0));
	EXPECT_EQ(0, open_as_user(0, O_RDWR));
}

TEST_F(unplug, module_stays_while_a_dead_file_is_open)
{
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, unload());
	ASSERT_EQ(0, load("capacity=16"));
}

TEST_F(unplug, long_TRIGGER_ends_with_ENODEV)
{
	struct sleeper s = triggerer(self->fd, ~0U);

	ASSERT_TRUE(sleeper_start(&s));
	while (!STAT(self->fd, interrupts))
		sched_yield();
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(-ENODEV, sleeper_result(&s));
}

TEST_F(unplug, second_device_works_on)
{
	int first, second;

	if (other_source())
		SKIP(return, "of that source there is one device");
	close_all();
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load("devices=2"));
	first = open_raw(0, O_RDWR);
	second = open_raw(1, O_RDWR);
	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(POLLHUP, poll_now(first, 0));
	EXPECT_EQ(0, poll_now(second, 0));
	ASSERT_EQ(0, trigger(second, 1));
	EXPECT_READ(second, 0, 1);
}

/* Reads until the device is gone: what it gets is whole and in order. */
static long call_read_to_the_end(struct sleeper *s)
{
	long got, next = 0;

	while ((got = result(read(s->fd, s->records, sizeof(s->records)))) > 0) {
		for (long i = 0; i < got / RECORD; i++) {
			long seq = s->records[i].seq;

			if (seq < next || *sample_fault(&s->records[i], seq))
				return -EBADMSG;
			next = seq + 1;
		}
	}
	return got;
}

TEST_F_TIMEOUT(unplug, twenty_times_in_the_middle_of_reading, 60)
{
	struct sleeper s[4];
	int round, i;

	ASSERT_EQ(0, close(self->fd));
	for (round = 0; round < 20; round++) {
		self->fd = open_raw(0, O_RDWR);
		ASSERT_LE(0, self->fd);
		ASSERT_EQ(0, set_config(self->fd, 200, 3));
		for (i = 0; i < 4; i++) {
			s[i] = reader(i ? self->fd : open_raw(0, O_RDONLY), 1);
			s[i].call = call_read_to_the_end;
			ASSERT_LE(0, s[i].fd);
			ASSERT_TRUE(sleeper_start(&s[i]));
		}
		while (STAT(self->fd, read) < 10)
			sched_yield();
		ASSERT_EQ(0, unbind_device(0));
		for (i = 0; i < 4; i++)
			EXPECT_EQ(0, sleeper_result(&s[i]));
		ASSERT_EQ(0, close(self->fd));
		ASSERT_EQ(0, close(s[0].fd));
		ASSERT_EQ(0, bind_device(0));
	}
}

TEST_HARNESS_MAIN
