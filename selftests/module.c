// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: its parameters, what can be watched of it, its interrupt and its
 * timer, and that it can't be unloaded under anybody's feet.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Parameters that must be refused */
FIXTURE(refused) {
	int log;
};

FIXTURE_VARIANT(refused) {
	const char *name;
	const char *value;
	const char *range;	/* as the log tells it; NULL: the kernel told */
};

#define REFUSED(name_, label, value_, range_)				\
	FIXTURE_VARIANT_ADD(refused, name_##_##label) {			\
		.name = #name_, .value = value_, .range = range_,	\
	}

REFUSED(devices, low, "0", "1..16");
REFUSED(devices, high, "17", "1..16");
REFUSED(devices, negative, "-1", "1..16");
REFUSED(devices, garbage, "two", "1..16");
REFUSED(devices, empty, "", "1..16");
REFUSED(period_us, low, "9", "10..60000000");
REFUSED(period_us, one, "1", "10..60000000");
REFUSED(period_us, high, "60000001", "10..60000000");
REFUSED(period_us, huge, "18446744073709551616", "10..60000000");
REFUSED(period_us, wrapped, "4294967306", "10..60000000");
REFUSED(period_us, garbage, "10ms", "10..60000000");
REFUSED(burst, low, "0", "1..1024");
REFUSED(burst, high, "1025", "1..1024");
REFUSED(burst, negative, "-5", "1..1024");
REFUSED(burst, garbage, "x", "1..1024");
REFUSED(capacity, low, "8", "16..65536");
REFUSED(capacity, zero, "0", "16..65536");
REFUSED(capacity, high, "131072", "16..65536");
REFUSED(capacity, no_power_of_two, "48", "16..65536");
REFUSED(capacity, garbage, "1k", "16..65536");
REFUSED(threaded, garbage, "maybe", NULL);
REFUSED(mode, zero, "0", "bits of 0666");
REFUSED(mode, execute, "0777", "bits of 0666");
REFUSED(mode, set_id, "04666", "bits of 0666");
REFUSED(mode, decimal, "438", "bits of 0666");
REFUSED(mode, negative, "-1", "bits of 0666");
REFUSED(mode, huge, "40000000666", "bits of 0666");
REFUSED(mode, letters, "rw-rw-rw-", "bits of 0666");

FIXTURE_SETUP(refused)
{
	int err = unload_when_free();

	ASSERT_TRUE(!err || err == -ENOENT);
	self->log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->log);
	ASSERT_LE(0, lseek(self->log, 0, SEEK_END));
}

FIXTURE_TEARDOWN(refused)
{
	close_all();
}

/* Does the log, from here on, have a line that begins so and has this in it? */
static bool log_has(int log, const char *beginning, const char *inside)
{
	char line[2048];
	char *text;
	long got;

	while ((got = result(read(log, line, sizeof(line) - 1))) > 0 || got == -EPIPE) {
		if (got < 0)
			continue;
		line[got] = '\0';
		text = strchr(line, ';');
		if (text && !strncmp(text + 1, beginning, strlen(beginning)) &&
		    strstr(text, inside))
			return true;
	}
	return false;
}

TEST_F(refused, load_is_EINVAL_and_the_log_tells_why)
{
	char line[128];

	EXPECT_EQ(-EINVAL, load("%s=%s", variant->name, variant->value));
	if (variant->range) {
		snprintf(line, sizeof(line), "iodemo: %s=%s is out of range: ",
			 variant->name, variant->value);
		EXPECT_TRUE(log_has(self->log, line, variant->range));
	} else {
		snprintf(line, sizeof(line), "`%s'", variant->name);
		EXPECT_TRUE(log_has(self->log, "iodemo: ", variant->value));
	}
	EXPECT_EQ(-ENOENT, unload());
	EXPECT_EQ(-1, proc_interrupts("iodemo"));
}

/* Parameters at the ends of their ranges */
FIXTURE(accepted) {
	int fd;
};

FIXTURE_VARIANT(accepted) {
	const char *parameters;
	__u32 period_us;
	__u32 burst;
	__u32 capacity;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(accepted, lowest) {
	.parameters = "devices=1 period_us=10 burst=1 capacity=16 threaded=0",
	.period_us = 10,
	.burst = 1,
	.capacity = 16,
};

FIXTURE_VARIANT_ADD(accepted, highest) {
	.parameters = "devices=16 period_us=60000000 burst=1024 capacity=65536 threaded=1",
	.period_us = 60000000,
	.burst = 1024,
	.capacity = 65536,
	.flags = IODEMO_INFO_THREADED,
};

FIXTURE_VARIANT_ADD(accepted, only_trigger) {
	.parameters = "period_us=0",
	.period_us = 0,
	.burst = 1,
	.capacity = 1024,
};

FIXTURE_SETUP(accepted)
{
	ASSERT_EQ(0, load("%s", variant->parameters));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

IODEMO_FIXTURE_TEARDOWN(accepted)

TEST_F(accepted, device_has_them)
{
	struct iodemo_config config;
	struct iodemo_info info;

	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_CONFIG, &config)));
	EXPECT_EQ(variant->period_us, config.period_us);
	EXPECT_EQ(variant->burst, config.burst);
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_INFO, &info)));
	EXPECT_EQ(variant->capacity, info.capacity);
	EXPECT_EQ(variant->flags | timer_flags(), info.flags);
}

TEST_F(accepted, sysfs_shows_them_and_lets_nobody_write)
{
	static const char * const names[] = { "period_us", "burst", "capacity", "threaded" };
	const __u32 values[] = {
		variant->period_us, variant->burst, variant->capacity, variant->flags,
	};
	char path[64], expected[16], text[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct stat stat_;

		snprintf(path, sizeof(path), "/sys/class/misc/iodemo/%s", names[i]);
		snprintf(expected, sizeof(expected), "%u\n", values[i]);
		ASSERT_LT(0, read_file(path, text, sizeof(text)));
		EXPECT_STREQ(expected, text);
		ASSERT_EQ(0, stat(path, &stat_));
		EXPECT_EQ(0444U, stat_.st_mode & 07777);
		EXPECT_EQ(-EACCES, result(open(path, O_WRONLY)));
	}
}

TEST(parameters_have_their_defaults)
{
	struct iodemo_config config = { 0 };
	struct iodemo_info info = { 0 };
	int fd;

	/* A parameter that is given as its default, since load() adds period_us=0 */
	ASSERT_EQ(0, load("period_us=100000"));
	EXPECT_GT(0, open_device(1, O_RDONLY));
	fd = open_raw(0, O_RDWR);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, result(ioctl(fd, IODEMO_GET_CONFIG, &config)));
	EXPECT_EQ(1U, config.burst);
	EXPECT_EQ(0, result(ioctl(fd, IODEMO_GET_INFO, &info)));
	EXPECT_EQ(1024U, info.capacity);
	EXPECT_EQ(timer_flags(), info.flags);
	close_all();
	EXPECT_EQ(0, unload());
}

FIXTURE(sixteen) {
	int fd[IODEMO_DEVICES_MAX];
};

FIXTURE_SETUP(sixteen)
{
	int i;

	ASSERT_EQ(0, load("devices=16 capacity=16"));
	for (i = 0; i < IODEMO_DEVICES_MAX; i++) {
		self->fd[i] = open_raw(i, O_RDWR);
		ASSERT_LE(0, self->fd[i]);
	}
}

IODEMO_FIXTURE_TEARDOWN(sixteen)

TEST_F(sixteen, devices_have_a_stream_and_an_interrupt_each)
{
	struct iodemo_info info;
	char name[16];
	int i;

	for (i = 0; i < IODEMO_DEVICES_MAX; i++)
		ASSERT_EQ(0, trigger(self->fd[i], i + 1));
	for (i = 0; i < IODEMO_DEVICES_MAX; i++) {
		ASSERT_EQ(0, result(ioctl(self->fd[i], IODEMO_GET_INFO, &info)));
		EXPECT_EQ((__u32)i, info.index);
		EXPECT_READ(self->fd[i], 0, i + 1);
		snprintf(name, sizeof(name), i ? "iodemo%d" : "iodemo", i);
		EXPECT_EQ(i + 1, proc_interrupts(name));
	}
}

TEST_F(sixteen, each_device_keeps_the_module)
{
	int i;

	for (i = 0; i < IODEMO_DEVICES_MAX; i++) {
		EXPECT_EQ(-EWOULDBLOCK, unload());
		ASSERT_EQ(0, close(self->fd[i]));
	}
	EXPECT_EQ(0, unload());
	ASSERT_EQ(0, load("devices=1"));
}

IODEMO_FIXTURE(loaded, "devices=2 burst=2")

TEST_F(loaded, interrupts_are_counted_under_the_name_of_the_device)
{
	EXPECT_EQ(0, proc_interrupts("iodemo"));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, proc_interrupts("iodemo"));
	ASSERT_EQ(0, trigger(self->fd, 499));
	EXPECT_EQ(500, proc_interrupts("iodemo"));
	EXPECT_EQ(500, STAT(self->fd, interrupts));
	EXPECT_EQ(0, proc_interrupts("iodemo1"));
}

TEST_F(loaded, GET_INFO_names_the_line_in_proc_interrupts)
{
	struct iodemo_info info;
	char path[64], text[64];

	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_INFO, &info)));
	snprintf(path, sizeof(path), "/sys/kernel/irq/%u/actions", info.irq);
	ASSERT_LT(0, read_file(path, text, sizeof(text)));
	EXPECT_STREQ("iodemo\n", text);
}

TEST_F(loaded, sysfs_follows_SET_CONFIG)
{
	char text[64];

	ASSERT_EQ(0, set_config(self->fd, 60000000, 7));
	ASSERT_LT(0, read_file("/sys/class/misc/iodemo/period_us", text, sizeof(text)));
	EXPECT_STREQ("60000000\n", text);
	ASSERT_LT(0, read_file("/sys/class/misc/iodemo/burst", text, sizeof(text)));
	EXPECT_STREQ("7\n", text);
	ASSERT_LT(0, read_file("/sys/class/misc/iodemo1/burst", text, sizeof(text)));
	EXPECT_STREQ("2\n", text);
}

TEST_F(loaded, debugfs_shows_the_counters)
{
	static const char path[] = "/sys/kernel/debug/iodemo/iodemo/stats";
	char text[512];

	if (access(path, R_OK))
		mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (access("/sys/kernel/debug/.", R_OK) || access("/sys/kernel/debug/bdi", R_OK))
		SKIP(return, "no debugfs");

	ASSERT_EQ(6 * RECORD, write_records(self->fd, 6));
	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_LT(0, read_file(path, text, sizeof(text)));
	EXPECT_STREQ("interrupts 1\noverruns 0\npolls 0\nexhausted 0\n"
		     "records 6\nechoes 4\nwakeups 0\nsignals 1\n"
		     "tx_queued 2\nopen_files 1\n", text);
	ASSERT_LE(0, open_device(0, O_RDONLY));
	ASSERT_LT(0, read_file(path, text, sizeof(text)));
	EXPECT_TRUE(!!strstr(text, "\nopen_files 2\n"));
}

TEST_F(loaded, nodes_belong_to_the_misc_class)
{
	struct stat stat_;

	ASSERT_EQ(0, stat("/dev/iodemo1", &stat_));
	EXPECT_TRUE(S_ISCHR(stat_.st_mode));
	EXPECT_EQ(10U, major(stat_.st_rdev));
	EXPECT_EQ(0666U, stat_.st_mode & 07777);
}

TEST_F(loaded, module_stays_while_a_file_is_open)
{
	int copy = dup(self->fd);

	ASSERT_LE(0, copy);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	ASSERT_EQ(0, trigger(copy, 1));
}

TEST_F(loaded, unload_leaves_nothing)
{
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, unload());
	EXPECT_EQ(-1, proc_interrupts("iodemo"));
	EXPECT_EQ(-1, proc_interrupts("iodemo1"));
	EXPECT_EQ(-ENOENT, open_device(0, O_RDONLY));
	EXPECT_EQ(-ENOENT, open_device(1, O_RDONLY));
	EXPECT_EQ(-1, access("/sys/class/misc/iodemo", F_OK));
	EXPECT_EQ(-1, access("/sys/bus/platform/drivers/iodemo", F_OK));
	EXPECT_EQ(-1, access("/sys/bus/platform/devices/iodemo.0", F_OK));
	EXPECT_EQ(-1, access("/sys/kernel/debug/iodemo", F_OK));
	ASSERT_EQ(0, load("devices=1"));
}

/* Opens and closes for as long as it is told to. */
static atomic_bool stop;

static long call_open_and_close(struct sleeper *s)
{
	while (!stop) {
		int fd = open_device(0, O_RDONLY);

		if (fd >= 0)
			close(fd);
		else if (fd != -ENOENT && fd != -ENODEV && fd != -ENXIO)
			return fd;
	}
	return 0;
}

TEST_F_TIMEOUT(loaded, load_and_unload_race_with_open, 60)
{
	struct sleeper s = { .call = call_open_and_close };
	int tries, rounds = 0, err = 0;

	ASSERT_EQ(0, close(self->fd));
	ASSERT_TRUE(sleeper_start(&s));
	for (tries = 0; tries < 10000 && rounds < 10 && !err; tries++) {
		err = unload();
		if (!err) {
			err = load("capacity=16");
			rounds++;
		} else if (err == -EWOULDBLOCK) {
			err = 0;
		}
	}
	stop = true;
	EXPECT_EQ(0, err);
	EXPECT_EQ(0, sleeper_result(&s));
}

/*
 * The timer. A second device is the clock: when it has made so many records, a
 * timer that runs would have made some as well.
 */
FIXTURE(timer) {
	int fd;
	int clock;
};

#define PERIOD_US	1000

FIXTURE_SETUP(timer)
{
	ASSERT_EQ(0, load("devices=2 period_us=%d", PERIOD_US));
	self->clock = open_raw(1, O_RDWR);
	ASSERT_LE(0, self->clock);
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

IODEMO_FIXTURE_TEARDOWN(timer)

static const char *read_one(int fd)
{
	struct iodemo_record record;
	long got = result(read(fd, &record, sizeof(record)));

	return got == RECORD ? sample_fault(&record, record.seq) : "no record";
}

/* Let the clock tick. */
static const char *let_time_pass(int clock)
{
	const char *fault = "";
	int i;

	for (i = 0; i < 20 && !*fault; i++)
		fault = read_one(clock);
	return fault;
}

TEST_F(timer, makes_interrupts_while_the_file_is_open)
{
	struct iodemo_stats stats;

	EXPECT_STREQ("", let_time_pass(self->fd));
	stats = get_stats(self->fd);
	EXPECT_LE(20U, stats.interrupts);
	EXPECT_LE(stats.interrupts, stats.records);
}

TEST_F(timer, makes_every_interrupt_in_proc_interrupts)
{
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	EXPECT_EQ(STAT(self->fd, interrupts), proc_interrupts("iodemo"));
	EXPECT_EQ(STAT(self->fd, records), STAT(self->fd, interrupts));
}

TEST_F(timer, stops_with_the_last_close)
{
	long stopped;

	EXPECT_STREQ("", let_time_pass(self->fd));
	ASSERT_EQ(0, close(self->fd));
	stopped = proc_interrupts("iodemo");
	ASSERT_LE(20, stopped);
	EXPECT_STREQ("", let_time_pass(self->clock));
	EXPECT_EQ(stopped, proc_interrupts("iodemo"));
}

TEST_F(timer, runs_on_while_another_file_is_open)
{
	int other = open_raw(0, O_RDONLY);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_STREQ("", let_time_pass(other));
}

TEST_F(timer, runs_again_after_the_next_open)
{
	ASSERT_EQ(0, close(self->fd));
	self->fd = open_raw(0, O_RDONLY);
	ASSERT_LE(0, self->fd);
	EXPECT_STREQ("", let_time_pass(self->fd));
}

TEST_F(timer, period_0_stops_it_at_once)
{
	long stopped;

	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	stopped = STAT(self->fd, interrupts);
	EXPECT_STREQ("", let_time_pass(self->clock));
	EXPECT_EQ(stopped, STAT(self->fd, interrupts));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(stopped + 1, STAT(self->fd, interrupts));
}

TEST_F(timer, shorter_period_begins_at_once)
{
	struct iodemo_record records[8];
	struct sleeper s = reader(self->fd, 1);

	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MAX, 1));
	while (read_nowait(self->fd, records, sizeof(records)) > 0)
		;
	ASSERT_TRUE(falls_asleep(&s));
	EXPECT_STREQ("", let_time_pass(self->clock));
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, set_config(self->fd, PERIOD_US, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
}

TEST_F(timer, longer_period_begins_at_once)
{
	long before;

	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MAX, 1));
	before = STAT(self->fd, interrupts);
	EXPECT_STREQ("", let_time_pass(self->clock));
	EXPECT_EQ(before, STAT(self->fd, interrupts));
}

TEST_F(timer, period_changed_while_no_timer_runs_is_that_of_the_next_open)
{
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	ASSERT_EQ(0, close(self->fd));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(0, STAT(self->fd, lag));
	EXPECT_STREQ("", let_time_pass(self->clock));
	EXPECT_EQ(0, STAT(self->fd, lag));
	ASSERT_EQ(0, set_config(self->fd, PERIOD_US, 1));
	EXPECT_STREQ("", let_time_pass(self->fd));
}

TEST_F(timer, shortest_period_leaves_time_for_programs)
{
	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, 1));
	EXPECT_STREQ("", let_time_pass(self->fd));
	EXPECT_STREQ("", let_time_pass(self->clock));
}

TEST_F(timer, interrupt_of_the_timer_wakes_every_kind_of_sleeper)
{
	struct sleeper r = reader(self->fd, 1), p = poller(self->fd, POLLIN);

	ASSERT_TRUE(sleeper_start(&r));
	ASSERT_TRUE(sleeper_start(&p));
	EXPECT_EQ(RECORD, sleeper_result(&r));
	EXPECT_EQ(POLLIN, sleeper_result(&p));
}

TEST_HARNESS_MAIN
