// SPDX-License-Identifier: GPL-2.0-only
/*
 * On a kernel that makes a thread of each interrupt handler (threadirqs), a wire
 * that fires faster than the thread can run: the kernel must not come to the
 * belief that nobody cares for the line, and switch it off.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"

#ifdef HAVE_LIBURING
#include "iodemo_uring.h"
#endif

#define WORD		"threadirqs"
#define DEPTH		4096
#define MANY		12000	/* interrupts by hand */
#define PERIODS		1500	/* and by the timer */

FIXTURE(storm) {
	int fd;
};

FIXTURE_VARIANT(storm) {
	int threaded;
	int total;	/* interrupts at least, by commands */
};

/* More than the 100,000 after which the kernel asks whether anybody cared */
FIXTURE_VARIANT_ADD(storm, hard) {
	.threaded = 0,
	.total = 100001,
};

FIXTURE_VARIANT_ADD(storm, threaded) {
	.threaded = 1,
	.total = MANY,
};

FIXTURE_SETUP(storm)
{
	if (!booted_with(WORD))
		return;
	ASSERT_EQ(0, load("capacity=%d threaded=%d", DEPTH, variant->threaded));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(storm)
{
	if (!booted_with(WORD))
		return;
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

TEST_F_TIMEOUT(storm, of_the_timer_leaves_the_line_alive, 600)
{
	if (!booted_with(WORD))
		SKIP(return, "the kernel's command line lacks " WORD);
	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX));
	while (STAT(self->fd, interrupts) < PERIODS)
		sched_yield();
	EXPECT_LT(0, STAT(self->fd, overruns));
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	EXPECT_STREQ("", line_fault(self->fd));
}

#define MEASURE_NS	500000000ULL

TEST_F_TIMEOUT(storm, of_the_timer_leaves_a_third_of_each_processor, 600)
{
	long best = 0;
	int tries;

	if (!booted_with(WORD))
		SKIP(return, "the kernel's command line lacks " WORD);
	for (tries = 0; tries < 3 && best < 30; tries++) {
		long alone = measure_busy_loops(MEASURE_NS), percent;

		ASSERT_LT(0, alone);
		ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX));
		percent = measure_busy_loops(MEASURE_NS) * 100 / alone;
		ASSERT_EQ(0, set_config(self->fd, 0, 1));
		if (percent > best)
			best = percent;
	}
	EXPECT_LE(30, best);
	EXPECT_STREQ("", line_fault(self->fd));
}

#ifdef HAVE_LIBURING

TEST_F_TIMEOUT(storm, of_URING_TRIGGERs_leaves_the_line_alive, 600)
{
	long total = enough(variant->total);
	int commands = total / IODEMO_URING_TRIGGER_MAX / processors_online() + 1;
	struct io_uring ring;
	long expected = 0;
	int cpu, i;

	if (!booted_with(WORD))
		SKIP(return, "the kernel's command line lacks " WORD);
	ASSERT_EQ(0, io_uring_queue_init(commands, &ring, 0));
	for (cpu = 0; cpu < processors_online(); cpu++) {
		ASSERT_EQ(0, pin_to(cpu));
		for (i = 0; i < commands; i++)
			prepare_trigger(&ring, self->fd, IODEMO_URING_TRIGGER_MAX, i);
		ASSERT_EQ(commands, io_uring_submit(&ring));
		for (i = 0; i < commands; i++)
			ASSERT_EQ(0, next_result(&ring));
		expected += commands * IODEMO_URING_TRIGGER_MAX;
	}
	EXPECT_LE(total, expected);
	EXPECT_EQ(expected, STAT(self->fd, interrupts));
	EXPECT_STREQ("", line_fault(self->fd));
	io_uring_queue_exit(&ring);
}

#endif

TEST_F_TIMEOUT(storm, of_TRIGGER_leaves_the_line_alive, 600)
{
	if (!booted_with(WORD))
		SKIP(return, "the kernel's command line lacks " WORD);
	ASSERT_EQ(0, trigger(self->fd, enough(MANY)));
	EXPECT_EQ(enough(MANY), STAT(self->fd, interrupts));
	EXPECT_STREQ("", line_fault(self->fd));
}

TEST_HARNESS_MAIN
