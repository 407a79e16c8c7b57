// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where interrupts are handled: /proc/irq/N/smp_affinity tells, and when its processor is
 * switched off they go on elsewhere
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"

#define LAST	1	/* the processor that is switched off */
#define ROUNDS	50
#define SWITCH	"/sys/devices/system/cpu/cpu1/online"

FIXTURE(affinity) {
	int fd;
	char path[64];
};

FIXTURE_VARIANT(affinity) {
	const char *parameters;
};

FIXTURE_VARIANT_ADD(affinity, interrupt) {
	.parameters = "threaded=0",
};

FIXTURE_VARIANT_ADD(affinity, threaded) {
	.parameters = "threaded=1",
};

FIXTURE_VARIANT_ADD(affinity, hybrid) {
	.parameters = "service=hybrid",
};

FIXTURE_SETUP(affinity)
{
	struct iodemo_info info;
	int err;

	if (processors_online() < 2)
		SKIP_FIXTURE("there is one processor");
	err = load("%s", variant->parameters);
	if (err == -EOPNOTSUPP)
		SKIP_FIXTURE("this kernel has no irq_poll");
	ASSERT_EQ(0, err);
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_INFO, &info)));
	snprintf(self->path, sizeof(self->path), "/proc/irq/%u/", info.irq);
}

FIXTURE_TEARDOWN(affinity)
{
	write_file(SWITCH, "1");
	close_all();
	EXPECT_EQ(0, unload());
}

static long set_affinity(const char *line, const char *cpus)
{
	char path[96];

	snprintf(path, sizeof(path), "%ssmp_affinity_list", line);
	return write_file(path, cpus);
}

/* What it is in effect; "" if this kernel doesn't say */
static const char *effective(const char *line)
{
	static char cpus[64];
	char path[96];

	snprintf(path, sizeof(path), "%seffective_affinity_list", line);
	if (read_file(path, cpus, sizeof(cpus)) < 0)
		return "";
	cpus[strcspn(cpus, "\n")] = '\0';
	return cpus;
}

/* The processor of the next record, or -errno */
static long next_cpu(int fd)
{
	struct iodemo_record record;
	long ret = result(read(fd, &record, sizeof(record)));

	return ret == RECORD ? record.cpu : ret;
}

/* Fired on each processor, it is handled on one. */
TEST_F(affinity, of_the_line_is_where_TRIGGER_is_handled)
{
	char cpu[8];
	int to, from;

	for (to = 0; to <= LAST; to++) {
		snprintf(cpu, sizeof(cpu), "%d", to);
		ASSERT_EQ(0, set_affinity(self->path, cpu));
		if (*effective(self->path))
			EXPECT_STREQ(cpu, effective(self->path));
		for (from = 0; from <= LAST; from++) {
			ASSERT_EQ(0, pin_to(from));
			ASSERT_EQ(0, trigger(self->fd, 1));
			EXPECT_EQ(to, next_cpu(self->fd));
		}
	}
	EXPECT_EQ(2 * (LAST + 1), STAT(self->fd, interrupts));
	EXPECT_EQ(2 * (LAST + 1), proc_interrupts("iodemo"));
}

TEST_F(affinity, of_the_line_is_where_the_timer_is_handled)
{
	struct iodemo_record rest;
	char cpu[8];
	int to, i;

	ASSERT_EQ(0, pin_to(0));
	for (to = LAST; to >= 0; to--) {
		snprintf(cpu, sizeof(cpu), "%d", to);
		ASSERT_EQ(0, set_affinity(self->path, cpu));
		ASSERT_EQ(0, set_config(self->fd, 1000, 1));
		for (i = 0; i < 20; i++)
			EXPECT_EQ(to, next_cpu(self->fd));
		ASSERT_EQ(0, set_config(self->fd, 0, 1));
		while (read_nowait(self->fd, &rest, sizeof(rest)) == RECORD)
			;
	}
}

TEST_F(affinity, of_all_takes_no_message)
{
	int from;

	if (kernel_is_realtime())
		SKIP(return, "the scheduler places a handler that is a thread");
	ASSERT_EQ(0, set_affinity(self->path, "1"));
	ASSERT_EQ(0, set_affinity(self->path, "0-1"));
	for (from = 0; from <= LAST; from++) {
		ASSERT_EQ(0, pin_to(from));
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_EQ(from, next_cpu(self->fd));
	}
}

TEST_F(affinity, of_none_is_refused)
{
	EXPECT_EQ(-EINVAL, set_affinity(self->path, ""));
	EXPECT_GT(0, set_affinity(self->path, "8191"));
	ASSERT_EQ(0, trigger(self->fd, 1));
}

/* The processor that handles it leaves the machine, and comes back. */
TEST_F_TIMEOUT(affinity, of_a_processor_that_is_switched_off_goes_on_elsewhere, LONG_TEST)
{
	int i;

	if (access(SWITCH, W_OK))
		SKIP(return, "this kernel can't switch a processor off");
	ASSERT_EQ(0, set_affinity(self->path, "1"));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(LAST, next_cpu(self->fd));

	ASSERT_EQ(0, write_file(SWITCH, "0"));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_EQ(0, next_cpu(self->fd));
	}
	ASSERT_EQ(0, set_config(self->fd, 1000, 1));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, next_cpu(self->fd));
	ASSERT_EQ(0, set_config(self->fd, 0, 1));

	ASSERT_EQ(0, write_file(SWITCH, "1"));
	ASSERT_EQ(0, set_affinity(self->path, "1"));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_LE(0, STAT(self->fd, interrupts));
}

/* Under way all the time, with the timer on the processor that goes */
TEST_F_TIMEOUT(affinity, switched_off_and_on_while_interrupts_come, LONG_TEST)
{
	long long seen;
	int round;

	if (access(SWITCH, W_OK))
		SKIP(return, "this kernel can't switch a processor off");
	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(0, set_affinity(self->path, "1"));
		ASSERT_EQ(0, set_config(self->fd, 100, 1));
		ASSERT_LE(0, next_cpu(self->fd));
		ASSERT_EQ(0, write_file(SWITCH, "0"));
		seen = STAT(self->fd, interrupts);
		while (STAT(self->fd, interrupts) < seen + 10)
			sched_yield();
		ASSERT_EQ(0, write_file(SWITCH, "1"));
		ASSERT_EQ(0, set_affinity(self->path, "0"));
		seen = STAT(self->fd, interrupts);
		while (STAT(self->fd, interrupts) < seen + 10)
			sched_yield();
	}
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	EXPECT_STREQ("", line_fault(self->fd));
}

TEST_HARNESS_MAIN
