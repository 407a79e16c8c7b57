// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine is suspended to memory until the alarm of its clock wakes it, or as
 * far as the kernel's own test of that goes (/sys/power/pm_test, which few kernels
 * have). Meanwhile the wire is still, and when the line is back nothing comes of
 * what was not fired; who slept goes on sleeping.
 *
 * The console must stay awake (no_console_suspend), or the log is lost.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"
#include "iodemo_rawaio.h"
#include "iodemo_suspend.h"

#include <poll.h>
#include <sys/epoll.h>

#define CAPACITY	65536
#define PERIOD_US	1000
#define BURST		16

FIXTURE(suspend) {
	int fd;
	const char *unsuited;
};

FIXTURE_VARIANT(suspend) {
	const char *level;	/* how far, of PM_TEST; NULL: all the way */
	const char *service;
};

FIXTURE_VARIANT_ADD(suspend, of_devices) {
	.level = "devices",
	.service = "interrupt",
};

FIXTURE_VARIANT_ADD(suspend, of_interrupts) {
	.level = "platform",
	.service = "interrupt",
};

FIXTURE_VARIANT_ADD(suspend, to_memory) {
	.level = NULL,
	.service = "interrupt",
};

FIXTURE_VARIANT_ADD(suspend, to_memory_hybrid) {
	.level = NULL,
	.service = "hybrid",
};

FIXTURE_SETUP(suspend)
{
	int err;

	self->unsuited = suspend_unsuited(variant->level);
	if (self->unsuited)
		return;
	err = load("capacity=%d burst=%d service=%s", CAPACITY, BURST, variant->service);
	if (err == -EOPNOTSUPP) {
		self->unsuited = "this kernel has no irq_poll";
		return;
	}
	ASSERT_EQ(0, err);
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(suspend)
{
	if (self->unsuited)
		return;
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

static void wait_for_interrupts(int fd, long count)
{
	long end = STAT(fd, interrupts) + count;

	while (STAT(fd, interrupts) < end)
		sched_yield();
}

/* What the times of the records tell */
struct times {
	long records;
	long longest_run;	/* of records with the same time */
	__u64 longest_gap;	/* between two times */
	__u64 second_gap;
	long after;		/* records in five periods after the longest gap */
};

static struct times read_times(int fd)
{
	struct iodemo_record *records = calloc(1024, RECORD);
	struct times t = { 0 };
	__u64 last = 0, resumed = 0;
	long got, i, run = 0;

	while ((got = read_nowait(fd, records, 1024 * RECORD)) > 0) {
		for (i = 0; i < got / RECORD; i++) {
			__u64 now = records[i].timestamp;

			run = now == last ? run + 1 : 1;
			if (run > t.longest_run)
				t.longest_run = run;
			if (last && now - last > t.longest_gap) {
				t.second_gap = t.longest_gap;
				t.longest_gap = now - last;
				resumed = now;
				t.after = 0;
			} else if (last && now - last > t.second_gap) {
				t.second_gap = now - last;
			}
			t.after += now - resumed < 5000ULL * PERIOD_US;
			t.records++;
			last = now;
		}
	}
	free(records);
	return t;
}

TEST_F_TIMEOUT(suspend, stops_the_wire_and_nothing_is_made_up_for_afterwards, LONG_TEST)
{
	struct times t;

	if (self->unsuited)
		SKIP(return, "%s", self->unsuited);
	ASSERT_EQ(0, set_config(self->fd, PERIOD_US, BURST));
	wait_for_interrupts(self->fd, 20);
	ASSERT_EQ(0, suspend_machine(variant->level));
	wait_for_interrupts(self->fd, 50);
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	t = read_times(self->fd);
	EXPECT_LE(70 * BURST, t.records);
	EXPECT_EQ(BURST, t.longest_run);
	EXPECT_GE(6 * BURST, t.after);
	/*
	 * The clock that the records have stands still in memory. Elsewhere the kernel
	 * counts loops, whose number on the second processor it has measured by ticks.
	 */
	if (variant->level) {
		EXPECT_LE(SUSPEND_DELAY_S * 1000000000ULL / 2, t.longest_gap);
		EXPECT_GT(SUSPEND_DELAY_S * 1000000000ULL, t.second_gap);
	}
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_EQ(5, STAT(self->fd, lag));
}

TEST_F_TIMEOUT(suspend, leaves_the_period_as_it_was_and_a_device_without_one_still, LONG_TEST)
{
	struct iodemo_config config;

	if (self->unsuited)
		SKIP(return, "%s", self->unsuited);
	ASSERT_EQ(0, suspend_machine(variant->level));
	EXPECT_EQ(0, STAT(self->fd, interrupts));
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(3, STAT(self->fd, interrupts));
	ASSERT_EQ(0, set_config(self->fd, 60000000, 1));
	ASSERT_EQ(0, suspend_machine(variant->level));
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_CONFIG, &config)));
	EXPECT_EQ(60000000U, config.period_us);
	EXPECT_EQ(1U, config.burst);
	EXPECT_EQ(3, STAT(self->fd, interrupts));
	EXPECT_LT((long long)clock_ns(), STAT(self->fd, expires));
}

TEST_F_TIMEOUT(suspend, leaves_a_closed_device_closed, LONG_TEST)
{
	if (self->unsuited)
		SKIP(return, "%s", self->unsuited);
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, suspend_machine(variant->level));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(0, STAT(self->fd, interrupts));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, BURST);
}

TEST_F_TIMEOUT(suspend, is_slept_through_by_who_waits_for_a_record, LONG_TEST)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	int other = open_raw(0, O_RDONLY);
	struct sleeper r = reader(self->fd, BURST), p = poller(other, POLLIN);
	struct sleeper s = selecter(other, POLLIN), e = epoller(epfd);
	struct iodemo_record record;
	aio_context_t context;
	struct iocb iocb;

	if (self->unsuited)
		SKIP(return, "%s", self->unsuited);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, other, &event));
	ASSERT_EQ(0, aio_setup(1, &context));
	ASSERT_EQ(1, aio_submit_read(context, &iocb, open_raw(0, O_RDONLY), &record, RECORD));
	ASSERT_TRUE(falls_asleep(&r));
	ASSERT_TRUE(falls_asleep(&p));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_TRUE(falls_asleep(&e));
	ASSERT_EQ(0, suspend_machine(variant->level));
	ASSERT_TRUE(sleeper_sleeps(&r));
	ASSERT_TRUE(sleeper_sleeps(&p));
	ASSERT_TRUE(sleeper_sleeps(&s));
	EXPECT_TRUE(aio_nothing_complete(context));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(BURST * RECORD, sleeper_result(&r));
	EXPECT_SAMPLE(&r.records[0], 0);
	EXPECT_EQ(POLLIN, sleeper_result(&p));
	EXPECT_EQ(POLLIN, sleeper_result(&s));
	/* epoll_wait() is ended by a stop of the process, and so by this one. */
	if (sleeper_result(&e) != -EINTR)
		EXPECT_EQ(EPOLLIN, e.result);
	EXPECT_EQ(RECORD, aio_event(context));
	EXPECT_SAMPLE(&record, 0);
	EXPECT_EQ(0, aio_destroy(context));
}

/* Calls again if it is ended early, as it may be. */
static long call_trigger_all(struct sleeper *s)
{
	long ret;

	do {
		ret = result(ioctl(s->fd, IODEMO_TRIGGER, &s->count));
	} while (ret == -EINTR);
	return ret;
}

TEST_F_TIMEOUT(suspend, in_the_middle_of_a_TRIGGER_loses_no_interrupt, 600)
{
	/* Not done when the machine goes down; fewer where each is a switch of tasks */
	int count = kernel_is_realtime() ? 20000 : 300000;
	struct sleeper s = { .call = call_trigger_all, .fd = self->fd, .count = count };

	if (self->unsuited)
		SKIP(return, "%s", self->unsuited);
	ASSERT_TRUE(sleeper_start(&s));
	wait_for_interrupts(self->fd, 1);
	ASSERT_EQ(0, suspend_machine(variant->level));
	EXPECT_EQ(0, sleeper_result(&s));
	EXPECT_EQ(count, STAT(self->fd, interrupts));
	EXPECT_EQ(1L * count * BURST, STAT(self->fd, records));
}

TEST_HARNESS_MAIN
