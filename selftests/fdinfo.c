// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /proc/PID/fdinfo shows of an open file.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <poll.h>

IODEMO_FIXTURE(fdinfo, "capacity=16")

/* The lines of iodemo, and no others */
static const char *our_lines(int fd)
{
	static char ours[1024];
	char path[64], text[4096];
	char *line, *next;

	ours[0] = '\0';
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (read_file(path, text, sizeof(text)) < 0)
		return "no fdinfo";
	for (line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		if (!strncmp(line, "iodemo-", strlen("iodemo-"))) {
			strcat(ours, line);
			strcat(ours, "\n");
		}
	}
	return ours;
}

/* What they are to be, of a file that has skipped nothing */
static const char *lines(int client, int cursor, int lag, int lost, const char *format)
{
	static char expected[256];

	snprintf(expected, sizeof(expected),
		 "iodemo-client:\t%d\niodemo-cursor:\t%d\niodemo-lag:\t%d\niodemo-waiting:\t%d\n"
		 "iodemo-lost:\t%d\niodemo-skipped:\t0\niodemo-types:\t0x0\niodemo-format:\t%s\n",
		 client, cursor, lag, lag, lost, format);
	return expected;
}

TEST_F(fdinfo, fresh_file_is_at_the_newest_record_in_text)
{
	int fd;

	ASSERT_EQ(0, trigger(self->fd, 7));
	fd = open_device(0, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_STREQ(lines(2, 7, 0, 0, "text"), our_lines(fd));
}

TEST_F(fdinfo, each_open_file_has_the_next_number)
{
	int fd = dup(self->fd), i;

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, strncmp("iodemo-client:\t1\n", our_lines(fd), strlen("iodemo-client:\t1\n")));
	for (i = 2; i < 5; i++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "iodemo-client:\t%d\n", i);
		fd = open_device(0, O_RDONLY);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, strncmp(expected, our_lines(fd), strlen(expected)));
		ASSERT_EQ(0, close(fd));
	}
}

TEST_F(fdinfo, cursor_lag_and_lost_follow_the_reading)
{
	ASSERT_EQ(0, trigger(self->fd, 7));
	EXPECT_READ(self->fd, 0, 3);
	EXPECT_STREQ(lines(1, 3, 4, 0, "raw"), our_lines(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 16));
	EXPECT_STREQ(lines(1, 7, 16, 4, "raw"), our_lines(self->fd));
}

TEST_F(fdinfo, mask_and_what_was_skipped_are_there)
{
	struct iodemo_client_config config = {
		.format = IODEMO_FORMAT_RAW, .low_water = 1, .types = 1U << IODEMO_TYPE_ECHO,
	};
	struct iodemo_record record;

	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_SET_CLIENT, &config)));
	ASSERT_EQ(2 * RECORD, write_records(self->fd, 2));
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(RECORD, read_nowait(self->fd, &record, RECORD));
	EXPECT_STREQ("iodemo-client:\t1\niodemo-cursor:\t2\niodemo-lag:\t3\niodemo-waiting:\t1\n"
		     "iodemo-lost:\t0\niodemo-skipped:\t1\niodemo-types:\t0x4\niodemo-format:\traw\n",
		     our_lines(self->fd));
}

TEST_F(fdinfo, looking_takes_no_EPOLLPRI_back)
{
	ASSERT_EQ(0, trigger(self->fd, 17));
	EXPECT_STREQ(lines(1, 1, 16, 1, "raw"), our_lines(self->fd));
	EXPECT_EQ(POLLPRI, poll_now(self->fd, POLLPRI));
	EXPECT_EQ(1, STAT(self->fd, lost));
}

TEST_F(fdinfo, file_of_an_unplugged_device_can_be_looked_at)
{
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_STREQ(lines(1, 0, 2, 0, "raw"), our_lines(self->fd));
}

TEST_F(fdinfo, child_sees_what_it_shares)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_READ(self->fd, 0, 1);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(!!strcmp(lines(1, 1, 1, 0, "raw"), our_lines(self->fd)));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
