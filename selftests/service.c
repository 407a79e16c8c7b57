// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the hardware is served: service=hybrid, where an interrupt begins to poll until
 * there is no more, and service=polling, where nothing interrupts
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"
#include "iodemo_rawaio.h"

#include <poll.h>

#define BUDGET		64	/* records of one poll */
#define KEPT		4096	/* records that the hardware keeps */
#define DEPTH		65536

FIXTURE(service) {
	int fd;
};

FIXTURE_VARIANT(service) {
	const char *name;
	int interrupts;		/* for each TRIGGER */
};

FIXTURE_VARIANT_ADD(service, hybrid) {
	.name = "hybrid",
	.interrupts = 1,
};

FIXTURE_VARIANT_ADD(service, polling) {
	.name = "polling",
	.interrupts = 0,
};

FIXTURE_SETUP(service)
{
	int err = load("service=%s capacity=%d", variant->name, DEPTH);

	if (err == -EOPNOTSUPP)
		SKIP_FIXTURE("this kernel has no irq_poll");
	ASSERT_EQ(0, err);
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

IODEMO_FIXTURE_TEARDOWN(service)

TEST_F(service, is_told)
{
	struct iodemo_info info;
	char name[16];

	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_INFO, &info)));
	EXPECT_EQ(timer_flags() | IODEMO_INFO_POLLED, info.flags);
	EXPECT_EQ(!!variant->interrupts, !!info.irq);
	EXPECT_EQ(variant->interrupts - 1, proc_interrupts("iodemo"));
	ASSERT_LT(0, read_file("/sys/module/iodemo/parameters/service", name, sizeof(name)));
	name[strcspn(name, "\n")] = '\0';
	EXPECT_STREQ(variant->name, name);
}

TEST_F(service, one_TRIGGER_is_one_poll)
{
	ASSERT_EQ(0, trigger(self->fd, 100));
	EXPECT_EQ(100, STAT(self->fd, records));
	EXPECT_EQ(100 * variant->interrupts, STAT(self->fd, interrupts));
	EXPECT_EQ(100, STAT(self->fd, polls));
	EXPECT_EQ(0, STAT(self->fd, exhausted));
	EXPECT_EQ(0, STAT(self->fd, overruns));
	EXPECT_READ(self->fd, 0, 64);
	EXPECT_READ(self->fd, 64, 36);
	if (variant->interrupts)
		EXPECT_EQ(100, proc_interrupts("iodemo"));
}

TEST_F(service, more_than_the_budget_takes_more_polls)
{
	ASSERT_EQ(0, set_config(self->fd, 0, BUDGET - 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, STAT(self->fd, polls));
	EXPECT_EQ(0, STAT(self->fd, exhausted));

	/* The last look finds none. */
	ASSERT_EQ(0, set_config(self->fd, 0, BUDGET));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1 + 2, STAT(self->fd, polls));
	EXPECT_EQ(1, STAT(self->fd, exhausted));

	ASSERT_EQ(0, set_config(self->fd, 0, IODEMO_BURST_MAX));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1 + 2 + IODEMO_BURST_MAX / BUDGET + 1, STAT(self->fd, polls));
	EXPECT_EQ(1 + IODEMO_BURST_MAX / BUDGET, STAT(self->fd, exhausted));
	EXPECT_EQ(3 * variant->interrupts, STAT(self->fd, interrupts));
	EXPECT_EQ(2 * BUDGET - 1 + IODEMO_BURST_MAX, STAT(self->fd, records));
}

TEST_F(service, what_is_written_comes_back)
{
	struct iodemo_record record = raw_record("echo");
	int i;

	for (i = 0; i < TX_DRAIN + 1; i++)
		ASSERT_EQ(RECORD, result(write(self->fd, &record, sizeof(record))));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
	for (i = 0; i < TX_DRAIN; i++)
		EXPECT_ECHO(self->fd, "echo", 4);
	EXPECT_EQ(TX_DRAIN, STAT(self->fd, echoes));
	EXPECT_EQ(1 + TX_DRAIN, STAT(self->fd, records));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 1 + TX_DRAIN, 1);
	EXPECT_ECHO(self->fd, "echo", 4);
}

TEST_F(service, wakes_who_waits_in_each_model)
{
	struct sleeper r = reader(self->fd, 1), p;
	int other = open_raw(0, O_RDONLY | O_NONBLOCK);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, signal_on(other, 0));
	ASSERT_TRUE(falls_asleep(&r));
	p = poller(other, POLLIN);
	ASSERT_TRUE(falls_asleep(&p));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&r));
	EXPECT_EQ(1, sleeper_result(&p));
	EXPECT_EQ(SIGIO, take_signal(NULL));
	EXPECT_SAMPLE(&r.records[0], 0);
}

/*
 * The poller is a softirq, and its stack is not the task's: where hardened usercopy looks
 * up what it doesn't know, it takes a lock that only processes may. KERNEL=debug tells.
 */
TEST_F(service, text_of_a_request_is_left_to_the_bottom_half)
{
	int fd = open_device(0, O_RDWR);
	struct iocb reads, writes;
	char text[LINE_MAX_BYTES];
	aio_context_t context = 0;
	int i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, aio_setup(2, &context));
	ASSERT_EQ(1, aio_submit_read(context, &reads, fd, text, sizeof(text)));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_LT(0, aio_event(context));
	EXPECT_EQ(0, strncmp(text, "0 ", 2));

	for (i = 0; i < TX_CAPACITY; i++)
		ASSERT_EQ(2, result(write(fd, "q\n", 2)));
	ASSERT_EQ(1, aio_submit_write(context, &writes, fd, "w\n", 2));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(2, aio_event(context));
	EXPECT_EQ(0, aio_destroy(context));
	EXPECT_EQ(0, close(fd));
}

/* The hardware notes when it has made a record, however late somebody looks. */
TEST_F(service, of_a_period_loses_and_invents_none)
{
	enum { PERIOD_NS = 2000000, RECORDS = 50 };
	struct iodemo_record records[RECORDS];
	long long periods;
	int i;

	ASSERT_EQ(0, set_config(self->fd, PERIOD_NS / 1000, 1));
	for (i = 0; i < RECORDS; i++) {
		ASSERT_EQ(RECORD, result(read(self->fd, &records[i], RECORD)));
		EXPECT_SAMPLE(&records[i], i);
	}
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	for (i = 1; i < RECORDS; i++)
		EXPECT_EQ(0U, (records[i].timestamp - records[0].timestamp) % PERIOD_NS);
	periods = (long long)(records[RECORDS - 1].timestamp - records[0].timestamp) / PERIOD_NS;
	/* The last overruns can be younger than the last record. */
	EXPECT_LE(RECORDS - 1, periods);
	EXPECT_GE(RECORDS - 1 + STAT(self->fd, overruns), periods);
	EXPECT_EQ(!!variant->interrupts, !!STAT(self->fd, interrupts));
}

/*
 * Also while the poller is in the middle of one, as it mostly is here. We come before
 * ksoftirqd, so that it has no time to get done before we look.
 */
TEST_F_TIMEOUT(service, SET_CONFIG_comes_between_two_bursts, LONG_TEST)
{
	const struct sched_param first = { .sched_priority = 1 };
	struct iodemo_record record;
	long long records;
	int i;

	ASSERT_EQ(0, result(sched_setscheduler(0, SCHED_FIFO, &first)));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX));
		ASSERT_EQ(RECORD, result(read(self->fd, &record, sizeof(record))));
		ASSERT_EQ(0, set_config(self->fd, 0, 1));
		records = STAT(self->fd, records);
		EXPECT_EQ(i, records % IODEMO_BURST_MAX);
		ASSERT_EQ(0, trigger(self->fd, 1));
		ASSERT_EQ(records + 1, STAT(self->fd, records));
	}
}

/* Without a period the poller's clock has nothing to look for. */
TEST_F(service, looks_only_while_there_is_a_period)
{
	struct iodemo_record record;
	long long polls;

	ASSERT_EQ(0, set_config(self->fd, IODEMO_POLL_US_MIN, 1));
	ASSERT_EQ(RECORD, result(read(self->fd, &record, sizeof(record))));
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	polls = STAT(self->fd, polls);
	ASSERT_LT(0, polls);
	ASSERT_EQ(0, trigger(self->fd, 10));
	EXPECT_EQ(polls + 10, STAT(self->fd, polls));
}

/* Until it is behind, and has been at work for a while */
static int overload(int fd)
{
	struct iodemo_record record;
	struct iodemo_stats stats;

	if (set_config(fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX))
		return -1;
	do {
		if (read(fd, &record, sizeof(record)) != RECORD)
			return -1;
		stats = get_stats(fd);
	} while (!stats.overruns || stats.exhausted < 256);
	return 0;
}

/* More than any processor can take: programs get on, and all that is counted is right. */
TEST_F_TIMEOUT(service, under_overload_leaves_the_programs_running, LONG_TEST)
{
	struct iodemo_stats stats;
	long long records;

	ASSERT_EQ(0, overload(self->fd));
	stats = get_stats(self->fd);
	EXPECT_LE(stats.exhausted, stats.polls);

	/* The rest of the period that is being taken still comes, and nothing after it. */
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	stats = get_stats(self->fd);
	EXPECT_EQ(stats.records, stats.read + stats.lost + stats.lag);
	EXPECT_EQ(1U, stats.records % IODEMO_BURST_MAX);
	records = stats.records;
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(records + 1, STAT(self->fd, records));
	EXPECT_EQ(stats.polls + 1, get_stats(self->fd).polls);
	if (variant->interrupts)
		EXPECT_STREQ("", line_fault(self->fd));
}

/* So whoever waits for it, with the device's lock as TRIGGER does, doesn't wait for long. */
TEST_F_TIMEOUT(service, is_behind_by_a_bounded_number_of_records, LONG_TEST)
{
	const int most = KEPT + IODEMO_BURST_MAX;	/* and the period under way */
	static struct iodemo_record records[1024];
	struct iodemo_stats stats;
	int behind, got, fd;
	__u64 now;

	ASSERT_EQ(0, overload(self->fd));
	/* Made before now, and stored later; once more where some were overwritten. */
	do {
		now = clock_ns();
		fd = open_raw(0, O_RDONLY);
		ASSERT_LE(0, fd);
		behind = 0;
		do {
			got = result(read(fd, records, sizeof(records))) / RECORD;
			ASSERT_LT(0, got);
			while (got && records[got - 1].timestamp > now)
				got--;
			behind += got;
		} while (got && behind < most);
		stats = get_stats(fd);
		close(fd);
	} while (stats.lost && behind < most);
	EXPECT_GT(most, behind);
}

TEST_F_TIMEOUT(service, is_unbound_under_overload, LONG_TEST)
{
	struct iodemo_record record;
	int round;

	for (round = 0; round < 10; round++) {
		int fd = open_raw(0, O_RDWR);

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, set_config(fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX));
		ASSERT_EQ(RECORD, result(read(fd, &record, sizeof(record))));
		ASSERT_EQ(0, unbind_device(0));
		while (read(fd, &record, sizeof(record)) == RECORD)
			;
		EXPECT_EQ(0, result(read(fd, &record, sizeof(record))));
		close(fd);
		ASSERT_EQ(0, bind_device(0));
	}
}

/* The last close stops it, and the next file finds it as quiet as at first. */
TEST_F_TIMEOUT(service, stops_when_nobody_has_it_open, LONG_TEST)
{
	struct iodemo_record record;
	struct iodemo_stats before, after;
	int fd;

	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, 1));
	ASSERT_EQ(RECORD, result(read(self->fd, &record, sizeof(record))));
	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MAX, 1));
	before = get_stats(self->fd);
	close(self->fd);
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	after = get_stats(fd);
	EXPECT_EQ(before.records, after.records);
	EXPECT_EQ(before.overruns, after.overruns);
	EXPECT_LT(before.expires, after.expires);
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(before.records + 1, get_stats(fd).records);
}

TEST(a_service_that_there_is_not_is_refused)
{
	int err = unload_when_free();

	ASSERT_TRUE(!err || err == -ENOENT);
	EXPECT_EQ(-EINVAL, load("service=often"));
	EXPECT_EQ(-EINVAL, load("service="));
	EXPECT_EQ(-EINVAL, load("poll_us=99"));
	EXPECT_EQ(-EINVAL, load("poll_us=1000001"));
	EXPECT_EQ(-ENOENT, unload());
}

TEST(polling_has_no_thread)
{
	int err = unload_when_free();

	ASSERT_TRUE(!err || err == -ENOENT);
	err = load("service=hybrid threaded=1");
	if (err == -EOPNOTSUPP)
		SKIP(return, "this kernel has no irq_poll");
	EXPECT_EQ(-EINVAL, err);
	EXPECT_EQ(-EINVAL, load("service=polling threaded=1"));
	EXPECT_EQ(-ENOENT, unload());
}

/* Stored in 100 ms of overload */
static long long records_under_overload(int fd)
{
	struct iodemo_record record;
	long long records;
	__u64 begin;

	if (set_config(fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX) ||
	    read(fd, &record, sizeof(record)) != RECORD)
		return -1;
	records = STAT(fd, records);
	begin = clock_ns();
	while (clock_ns() - begin < 100000000)
		;
	records = STAT(fd, records) - records;
	set_config(fd, 0, 1);
	return records;
}

/* Before all others on its processor, where the poller is left with what they are not given */
static void *be_in_the_way(void *over)
{
	const struct sched_param first = { .sched_priority = 1 };

	if (pin_to(1) || pthread_setschedparam(pthread_self(), SCHED_FIFO, &first))
		return NULL;
	while (!atomic_load((atomic_bool *)over))
		;
	return over;
}

/* On the other one, until it waits and no signal but SIGKILL can end that */
static long begin_firing(void *arg)
{
	static struct sleeper s;
	char path[64], status[4096] = "";
	int fd = open_raw(0, O_RDWR);

	if (fd < 0)
		return fd;
	s = triggerer(fd, UINT32_MAX);
	if (pin_to(0) || !sleeper_start(&s))
		return -EAGAIN;
	while (!s.done && !strstr(status, "State:\tD")) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/status", s.tid);
		read_file(path, status, sizeof(status));
	}
	return s.done ? -EINTR : 0;
}

TEST_F_TIMEOUT(service, TRIGGER_dies_in_time_when_the_poller_has_no_processor, LONG_TEST)
{
	atomic_bool over = false;
	pthread_t thread;
	void *was;

	if (processors_online() < 2)
		SKIP(return, "one processor");
	ASSERT_EQ(0, pin_to(1));
	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX));
	while (!STAT(self->fd, overruns))
		sched_yield();
	ASSERT_EQ(0, pthread_create(&thread, NULL, be_in_the_way, &over));
	ASSERT_EQ(0, pin_to(0));
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_firing, NULL);
	atomic_store(&over, true);
	ASSERT_EQ(0, pthread_join(thread, &was));
	EXPECT_EQ(&over, was);
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	EXPECT_EQ(0, trigger(self->fd, 300));
}

/* Interrupts alone: the wire rests for two thirds of the time, unless it was told not to. */
TEST(without_rest_interrupts_take_more)
{
	long long rested;
	int fd;

	ASSERT_EQ(0, load("rest=1 capacity=%d", DEPTH));
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	rested = records_under_overload(fd);
	ASSERT_LT(0, rested);
	close_all();

	ASSERT_EQ(0, load("rest=0 capacity=%d", DEPTH));
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	while (2 * records_under_overload(fd) < 3 * rested)
		;
	close_all();
	ASSERT_EQ(0, unload());
}

TEST_HARNESS_MAIN
