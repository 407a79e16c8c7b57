// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line that is dead: no interrupt of it gets through any more. Then there are no
 * records, and nothing else is different: nobody hangs, whoever is killed dies, the
 * device can be configured, closed, unplugged and unloaded, and goes on when the line
 * is whole again.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"
#include "iodemo_rawaio.h"

#ifdef HAVE_LIBURING
#include "iodemo_uring.h"
#endif

#define DEPTH	1024
#define TIMES	300	/* more than polled hardware keeps */

FIXTURE(cut) {
	int fd;
	unsigned int irq;
};

FIXTURE_VARIANT(cut) {
	const char *parameters;
	bool keeps;	/* periods, until they are asked for: none is lost at once */
};

FIXTURE_VARIANT_ADD(cut, hard) {
	.parameters = "",
};

FIXTURE_VARIANT_ADD(cut, threaded) {
	.parameters = "threaded=1",
};

FIXTURE_VARIANT_ADD(cut, hybrid) {
	.parameters = "service=hybrid",
	.keeps = true,
};

static int cut_line(unsigned int irq)
{
	char parameter[24];

	snprintf(parameter, sizeof(parameter), "irq=%u", irq);
	return load_module("iodemo-cut", parameter);
}

static int mend_line(void)
{
	return unload_module("iodemo_cut");
}

FIXTURE_SETUP(cut)
{
	struct iodemo_info info;
	int err;

	unload_module("iodemo_cut");
	err = load("capacity=%d %s", DEPTH, variant->parameters);
	if (err == -EOPNOTSUPP)
		SKIP_FIXTURE("this kernel has no irq_poll");
	ASSERT_EQ(0, err);
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_INFO, &info)));
	self->irq = info.irq;
	err = cut_line(self->irq);
	if (err == -ENOENT)
		SKIP_FIXTURE("no iodemo-cut.ko in this kernel's modules");
	ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(cut)
{
	close_all();
	unload_module("iodemo_cut");
	EXPECT_EQ(0, unload_when_free());
}

TEST_F(cut, TRIGGER_gives_EIO_and_nothing_comes_of_it)
{
	struct iodemo_record record;
	int i;

	for (i = 0; i < TIMES; i++)
		ASSERT_EQ(-EIO, trigger(self->fd, 1));
	EXPECT_EQ(0, STAT(self->fd, records));
	ASSERT_EQ(0, mend_line());
	EXPECT_EQ(-EAGAIN, read_nowait(self->fd, &record, RECORD));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_READ(self->fd, 0, 2);
	EXPECT_EQ(2, STAT(self->fd, records));
}

TEST_F(cut, TRIGGER_that_is_under_way_says_how_many_are_left)
{
	struct sleeper s = triggerer(self->fd, UINT32_MAX);
	long long fired;

	ASSERT_EQ(0, mend_line());
	ASSERT_TRUE(sleeper_start(&s));
	while (!STAT(self->fd, interrupts))
		sched_yield();
	ASSERT_EQ(0, cut_line(self->irq));
	EXPECT_EQ(-EIO, sleeper_result(&s));
	fired = STAT(self->fd, interrupts);
	EXPECT_EQ(UINT32_MAX - fired, s.count);
	EXPECT_EQ(fired, STAT(self->fd, records));
}

TEST_F(cut, timer_goes_on_when_the_line_is_whole_again)
{
	struct sleeper s = reader(self->fd, 1);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, 1));
	EXPECT_EQ(-EIO, trigger(self->fd, 1));
	while (!variant->keeps && !STAT(self->fd, overruns))
		sched_yield();
	EXPECT_EQ(0, STAT(self->fd, records));
	ASSERT_EQ(0, mend_line());
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[0], 0);
	while (STAT(self->fd, records) < 10)
		sched_yield();
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	EXPECT_STREQ("", line_fault(self->fd));
}

TEST_F(cut, device_can_be_configured_closed_and_opened)
{
	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX));
	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MAX, 1));
	EXPECT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_RESERVE)));
	ASSERT_EQ(0, close(self->fd));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(0, fill_queue(self->fd));
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_FLUSH)));
	EXPECT_EQ(TX_CAPACITY, fill_queue(self->fd));
}

TEST_F(cut, device_can_be_unplugged_under_who_waits)
{
	struct sleeper r = reader(self->fd, 1), w = writer(self->fd, 1);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&r));
	ASSERT_TRUE(falls_asleep(&w));
	EXPECT_EQ(-EIO, trigger(self->fd, 1));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, sleeper_result(&r));
	EXPECT_EQ(-ENODEV, sleeper_result(&w));
	EXPECT_EQ(-ENODEV, trigger(self->fd, 1));
	ASSERT_EQ(0, mend_line());
	ASSERT_EQ(0, bind_device(0));
}

/* Who is killed while nothing comes: each has a file of its own */

static long begin_sleeping(struct sleeper sleeper)
{
	static struct sleeper s;

	s = sleeper;
	return s.fd < 0 ? s.fd : falls_asleep(&s) ? 0 : -EBUSY;
}

static long begin_reading(void *arg)
{
	return begin_sleeping(reader(open_raw(0, O_RDWR), 1));
}

static long begin_writing(void *arg)
{
	return begin_sleeping(writer(open_raw(0, O_RDWR), TX_CAPACITY + 1));
}

static long begin_polling(void *arg)
{
	return begin_sleeping(poller(open_raw(0, O_RDWR), 1));
}

static long begin_aio(void *arg)
{
	static struct iodemo_record record;
	static struct iocb iocb;
	aio_context_t context = 0;
	int fd = open_raw(0, O_RDWR);

	if (fd < 0)
		return fd;
	if (aio_setup(1, &context))
		return -ENOMEM;
	return aio_submit_read(context, &iocb, fd, &record, RECORD) == 1 ? 0 : -EIO;
}

static void *fire_for_ever(void *arg)
{
	for (;;)
		trigger(*(int *)arg, UINT32_MAX);
	return NULL;
}

static long begin_firing(void *arg)
{
	static int fd;
	pthread_t thread;

	fd = open_raw(0, O_RDWR);
	if (fd < 0)
		return fd;
	return -pthread_create(&thread, NULL, fire_for_ever, &fd);
}

#ifdef HAVE_LIBURING
static long begin_uring(void *arg)
{
	static struct io_uring ring;
	static struct iodemo_record record;
	int fd = open_raw(0, O_RDWR);

	if (fd < 0)
		return fd;
	if (io_uring_queue_init(PLACES, &ring, 0))
		return -ENOMEM;
	prepare_read(&ring, fd, &record, 0);
	prepare_trigger(&ring, fd, IODEMO_URING_TRIGGER_MAX, 1);
	return io_uring_submit(&ring) == 2 && next_result(&ring) == -EIO ? 0 : -EBUSY;
}
#endif

static const struct {
	const char *name;
	long (*begin)(void *arg);
} exits[] = {
	{ "a sleeping reader", begin_reading },
	{ "a sleeping writer", begin_writing },
	{ "who polls", begin_polling },
	{ "a pending request", begin_aio },
	{ "who fires without end", begin_firing },
#ifdef HAVE_LIBURING
	{ "a ring", begin_uring },
#endif
};

TEST_F_TIMEOUT(cut, whoever_waits_dies_in_time, 300)
{
	static const enum death deaths[] = { DEATH_EXIT, DEATH_SIGKILL, DEATH_EXEC };
	unsigned int i, j;

	for (i = 0; i < sizeof(exits) / sizeof(*exits); i++) {
		for (j = 0; j < 3; j++) {
			long took = quickest_death(deaths[j], exits[i].begin, NULL);

			EXPECT_LT(0, took)
				TH_LOG("%s", exits[i].name);
			EXPECT_LE(took, death_limit_ns())
				TH_LOG("%s", exits[i].name);
		}
	}
	EXPECT_EQ(0, STAT(self->fd, records));
}

TEST_HARNESS_MAIN
