// SPDX-License-Identifier: GPL-2.0-only
/*
 * On a kernel that takes the processor from nobody (preempt=none), with
 * threaded=1: who fires the line without end must let the handler's thread run,
 * lest the kernel believe that nobody cares for the line, and switch it off.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"

#ifdef HAVE_LIBURING
#include "iodemo_uring.h"
#endif

#define WORD		"preempt=none"
#define DEPTH		4096
#define BATCH		112	/* commands: more than 100,000 interrupts */
#define SMALL_BATCH	12
#define MANY		12000	/* interrupts by hand */
#define PERIODS		1500	/* and by the timer */

FIXTURE(starved) {
	int fd;
};

FIXTURE_SETUP(starved)
{
	if (!booted_with(WORD))
		return;
	ASSERT_EQ(0, load("capacity=%d threaded=1", DEPTH));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(starved)
{
	if (!booted_with(WORD))
		return;
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

#ifdef HAVE_LIBURING

struct batch {
	int cpu;
	int commands;
};

/* By an ordinary user, on this processor: all in one system call */
static long begin_batch(void *arg)
{
	struct batch *b = arg;
	struct io_uring ring;
	long err = pin_to(b->cpu);
	int fd, i;

	if (!err)
		err = become_user();
	if (err)
		return err;
	fd = open_raw(0, O_RDWR);
	if (fd < 0)
		return fd;
	err = io_uring_queue_init(BATCH, &ring, 0);
	if (err)
		return err;
	for (i = 0; i < b->commands; i++)
		prepare_trigger(&ring, fd, IODEMO_URING_TRIGGER_MAX, i);
	if (io_uring_submit(&ring) != b->commands)
		return -EAGAIN;
	for (i = 0; i < b->commands && !err; i++)
		err = next_result(&ring);
	return err;
}

/* On the first one so many that the kernel asks whether anybody cared */
TEST_F_TIMEOUT(starved, handler_of_URING_TRIGGERs_on_each_processor_is_alive, 600)
{
	long expected = 0;
	int cpu;

	if (!booted_with(WORD))
		SKIP(return, "the kernel's command line lacks " WORD);
	for (cpu = 0; cpu < processors_online(); cpu++) {
		struct batch batch = { .cpu = cpu, .commands = enough(cpu ? SMALL_BATCH : BATCH) };
		struct victim v = {
			.death = DEATH_EXIT,
			.begin = begin_batch,
			.arg = &batch,
		};

		ASSERT_EQ(0, victim_start(&v));
		EXPECT_LT(0, victim_dies(&v));
		victim_end(&v);
		EXPECT_STREQ("", line_fault(self->fd));
		expected += batch.commands * IODEMO_URING_TRIGGER_MAX + 5;
	}
	EXPECT_EQ(expected, STAT(self->fd, interrupts));
}

#endif

TEST_F_TIMEOUT(starved, handler_of_a_long_TRIGGER_on_each_processor_is_alive, 600)
{
	int cpu;

	if (!booted_with(WORD))
		SKIP(return, "the kernel's command line lacks " WORD);
	for (cpu = 0; cpu < processors_online(); cpu++) {
		ASSERT_EQ(0, pin_to(cpu));
		ASSERT_EQ(0, trigger(self->fd, enough(MANY)));
		EXPECT_STREQ("", line_fault(self->fd));
	}
	EXPECT_EQ(processors_online() * (enough(MANY) + 5), STAT(self->fd, interrupts));
}

TEST_F_TIMEOUT(starved, handler_of_the_timer_is_alive, 600)
{
	if (!booted_with(WORD))
		SKIP(return, "the kernel's command line lacks " WORD);
	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX));
	while (STAT(self->fd, interrupts) < PERIODS)
		sched_yield();
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	EXPECT_STREQ("", line_fault(self->fd));
}

TEST_HARNESS_MAIN
