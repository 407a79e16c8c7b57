// SPDX-License-Identifier: GPL-2.0-only
/*
 * iodemo-ctl monitor: it shows the device and its readers as they are, and leaves
 * them so.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"
#include "iodemo_program.h"

#include <sys/syscall.h>

#define CAPACITY	16

FIXTURE(ctl) {
	int fd;
	struct program monitor;
};

FIXTURE_SETUP(ctl)
{
	if (!program_there("iodemo-ctl"))
		SKIP(return, "iodemo-ctl is not installed");
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(ctl)
{
	if (self->monitor.pid > 0) {
		kill(self->monitor.pid, SIGKILL);
		waitpid(self->monitor.pid, NULL, 0);
	}
	close_all();
	EXPECT_EQ(0, unload());
}

/* The line of @text that begins so, the nth of them, with one blank between two words */
static const char *line_of(const char *text, const char *begin, unsigned int nth)
{
	static char line[256];
	size_t length = 0;

	while (text && (strncmp(text, begin, strlen(begin)) || nth--)) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	for (; text && *text && *text != '\n' && length < sizeof(line) - 1; text++)
		if (*text != ' ' || line[length - 1] != ' ')
			line[length++] = *text;
	line[length] = '\0';
	return line;
}

/* What begins the line of one of our files */
static const char *line_begin(int fd)
{
	static char begin[64];

	snprintf(begin, sizeof(begin), "reader %7d %3d ", getpid(), fd);
	return begin;
}

/* Of that line, what follows the number of the open file, which has no fixed value */
static const char *reader_line(const char *text, int fd, unsigned int nth)
{
	const char *line = line_of(text, line_begin(fd), nth);
	unsigned int word;

	for (word = 0; line && word < 5; word++) {
		line = strchr(line, ' ');
		line = line ? line + 1 : NULL;
	}
	return line ?: "no such reader";
}

TEST_F(ctl, counters_and_readers_are_exact)
{
	int text = open_device(0, O_RDONLY), writer = open_device(0, O_WRONLY);

	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_READ(self->fd, 0, 2);
	ASSERT_EQ(0, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "monitor", "-n", "1"));
	EXPECT_STREQ("device 0 - 5 5 0 0 0 5", line_of(self->monitor.text, "device ", 1));
	EXPECT_STREQ("raw 3 18 % - 0", reader_line(self->monitor.text, self->fd, 0));
	EXPECT_STREQ("text 5 31 % - 0", reader_line(self->monitor.text, text, 0));
	EXPECT_STREQ("- ", reader_line(self->monitor.text, writer, 0));
}

TEST_F(ctl, lapped_reader_has_lost)
{
	ASSERT_EQ(0, trigger(self->fd, CAPACITY + 4));
	ASSERT_EQ(0, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "monitor", "-n", "1"));
	EXPECT_STREQ("device 0 - 20 20 0 0 0 16", line_of(self->monitor.text, "device ", 1));
	EXPECT_STREQ("raw 16 100 % - 4", reader_line(self->monitor.text, self->fd, 0));
}

/* A host that is busy makes a second look after more than one. */
TEST_F(ctl, rates_are_of_the_time_between_two_looks)
{
	char expected[128];
	long seconds;

	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, PROGRAM_START(&self->monitor, "iodemo-ctl", "monitor", "-n", "2"));
	ASSERT_TRUE(program_says(&self->monitor, "\nreader "));
	ASSERT_TRUE(program_says(&self->monitor, line_begin(self->fd)));
	ASSERT_EQ(0, trigger(self->fd, 7));
	EXPECT_READ(self->fd, 0, 3);
	ASSERT_EQ(0, program_end(&self->monitor));
	EXPECT_STREQ("raw 1 6 % - 0", reader_line(self->monitor.text, self->fd, 0));

	seconds = strtol(line_of(self->monitor.text, "device ", 2) + strlen("device "), NULL, 10);
	ASSERT_LT(0, seconds);
	sprintf(expected, "device %ld %ld 8 8 0 0 0 8", seconds, 7 / seconds);
	EXPECT_STREQ(expected, line_of(self->monitor.text, "device ", 2));
	sprintf(expected, "raw 5 31 %% %ld 0", 3 / seconds);
	EXPECT_STREQ(expected, reader_line(self->monitor.text, self->fd, 1));
}

TEST_F(ctl, it_disturbs_nobody_and_is_no_reader)
{
	struct iodemo_stats before, after;
	char itself[64];

	ASSERT_EQ(0, PROGRAM_START(&self->monitor, "iodemo-ctl", "monitor", "-n", "2"));
	snprintf(itself, sizeof(itself), "reader %7d ", self->monitor.pid);
	ASSERT_TRUE(program_says(&self->monitor, line_begin(self->fd)));
	before = get_stats(self->fd);
	ASSERT_EQ(0, trigger(self->fd, 9));
	after = get_stats(self->fd);
	EXPECT_EQ(before.wakeups, after.wakeups);
	EXPECT_EQ(9UL, after.lag);
	ASSERT_EQ(0, program_end(&self->monitor));
	EXPECT_READ(self->fd, 0, 9);
	EXPECT_EQ(NULL, strstr(self->monitor.text, itself));
}

TEST_F(ctl, user_sees_his_own_readers)
{
	self->monitor.user = true;
	ASSERT_EQ(0, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "monitor", "-n", "1"));
	EXPECT_NE(NULL, strstr(self->monitor.text, "of its readers yours"));
	EXPECT_STREQ("no such reader", reader_line(self->monitor.text, self->fd, 0));
	EXPECT_STREQ("device 0 - 0 0 0 0 0 0", line_of(self->monitor.text, "device ", 1));
}

TEST_F(ctl, on_a_terminal_it_stays_in_its_place)
{
	self->monitor.terminal = true;
	ASSERT_EQ(0, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "monitor", "-n", "2"));
	/* Two heads, the device, and us */
	EXPECT_NE(NULL, strstr(self->monitor.text, "\r\033[4A\033[J"));
}

TEST_F(ctl, unplugging_is_told)
{
	self->monitor.errors = true;
	ASSERT_EQ(0, PROGRAM_START(&self->monitor, "iodemo-ctl", "monitor"));
	ASSERT_TRUE(program_says(&self->monitor, line_begin(self->fd)));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(1, program_end(&self->monitor));
	EXPECT_NE(NULL, strstr(self->monitor.text, "the device was unplugged"));
}

TEST_F(ctl, Ctrl_C_ends_it)
{
	ASSERT_EQ(0, PROGRAM_START(&self->monitor, "iodemo-ctl", "monitor"));
	ASSERT_TRUE(program_says(&self->monitor, line_begin(self->fd)));
	ASSERT_EQ(0, kill(self->monitor.pid, SIGINT));
	EXPECT_EQ(128 + SIGINT, program_end(&self->monitor));
}

TEST_F(ctl, help_needs_no_device)
{
	EXPECT_EQ(0, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "-d", "/nowhere", "monitor",
				 "--help"));
	EXPECT_NE(NULL, strstr(self->monitor.text, "Usage: iodemo-ctl"));
}

TEST_F(ctl, low_water_is_for_records)
{
	self->monitor.errors = true;
	EXPECT_EQ(1, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "monitor", "-l", "4"));
	EXPECT_NE(NULL, strstr(self->monitor.text, "--low-water=4 is for --records"));
}

TEST_F(ctl, records_are_shown_with_what_was_lost)
{
	ASSERT_EQ(0, PROGRAM_START(&self->monitor, "iodemo-ctl", "monitor", "-r", "-n", "2"));
	ASSERT_TRUE(program_says(&self->monitor, "latency"));
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(0, program_end(&self->monitor));
	EXPECT_NE(NULL, strstr(self->monitor.text, "           1  cpu"));
}

TEST_F(ctl, records_of_one_type_are_shown_without_those_of_others)
{
	const char *text = self->monitor.text;

	ASSERT_EQ(0, PROGRAM_START(&self->monitor, "iodemo-ctl", "monitor", "-r", "-t", "echo",
				   "-n", "2"));
	ASSERT_TRUE(program_says(&self->monitor, "latency"));
	ASSERT_EQ(RECORD, write_records(self->fd, 1));
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(RECORD, write_records(self->fd, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, program_end(&self->monitor));
	EXPECT_NE(NULL, strstr(text, "           1  cpu"));
	EXPECT_NE(NULL, strstr(text, "           5  cpu"));
	EXPECT_EQ(NULL, strstr(text, "sample"));
	EXPECT_EQ(NULL, strstr(text, "lost"));
}

/* Until it sleeps in a read() of the device. */
static void program_waits(const struct program *p)
{
	char path[64], call[256], target[64];
	unsigned long number, fd;
	ssize_t length;

	do {
		sched_yield();
		length = 0;
		snprintf(path, sizeof(path), "/proc/%d/syscall", p->pid);
		if (read_file(path, call, sizeof(call)) <= 0 ||
		    sscanf(call, "%lu %lx", &number, &fd) != 2 || number != SYS_read)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/fd/%lu", p->pid, fd);
		length = readlink(path, target, sizeof(target));
	} while (length != strlen("/dev/iodemo") || memcmp(target, "/dev/iodemo", length));
}

TEST_F(ctl, read_gives_a_command_the_device_with_what_it_is_to_want)
{
	ASSERT_EQ(0, PROGRAM_START(&self->monitor, "iodemo-ctl", "read", "types=echo", "--",
				   "grep", "-m1", "again"));
	program_waits(&self->monitor);
	ASSERT_EQ(0, trigger(self->fd, 2 * CAPACITY));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
	ASSERT_EQ(RECORD, write_records(self->fd, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, program_end(&self->monitor));
	EXPECT_EQ(1, STAT(self->fd, wakeups));
	EXPECT_EQ(2 * CAPACITY + 1, strtol(self->monitor.text, NULL, 10));
	EXPECT_NE(NULL, strstr(self->monitor.text, " echo again\n"));
}

TEST_F(ctl, read_shows_lines_until_the_device_goes)
{
	ASSERT_EQ(0, PROGRAM_START(&self->monitor, "iodemo-ctl", "read", "types=echo",
				   "low_water=2"));
	program_waits(&self->monitor);
	ASSERT_EQ(2 * RECORD, write_records(self->fd, 2));
	ASSERT_EQ(0, trigger(self->fd, 5));
	ASSERT_TRUE(program_says(&self->monitor, "2 "));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(0, program_end(&self->monitor));
	EXPECT_EQ(1, strtol(self->monitor.text, NULL, 10));
	EXPECT_EQ(NULL, strstr(self->monitor.text, "sample"));
}

TEST_F(ctl, read_tells_what_it_does_not_know)
{
	self->monitor.errors = true;
	EXPECT_EQ(1, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "read", "types=echo,noise"));
	EXPECT_NE(NULL, strstr(self->monitor.text,
			       "types: noise is none of: sample, echo, received, all"));
	EXPECT_EQ(1, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "read", "type=echo"));
	EXPECT_NE(NULL, strstr(self->monitor.text, "type=echo is none of: types="));
	EXPECT_EQ(1, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "read", "low_water=0"));
	EXPECT_NE(NULL, strstr(self->monitor.text, "low_water"));
	EXPECT_EQ(127, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "read", "--", "/no/such"));
}

TEST_F(ctl, flush_empties_the_queue)
{
	ASSERT_EQ(6 * RECORD, write_records(self->fd, 6));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "flush"));
	EXPECT_STREQ("", self->monitor.text);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(TX_DRAIN, STAT(self->fd, echoes));
}

TEST_F(ctl, user_is_told_who_may_change_the_device)
{
	static const char told[] = "only for root, and for the owner and the group of /dev/iodemo";

	self->monitor.user = true;
	self->monitor.errors = true;
	EXPECT_EQ(1, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "flush"));
	EXPECT_NE(NULL, strstr(self->monitor.text, told));
	EXPECT_EQ(0, PROGRAM_RUN(&self->monitor, "iodemo-ctl", "trigger"));
	EXPECT_STREQ("", self->monitor.text);
}

TEST_HARNESS_MAIN
