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

TEST_F(fdinfo, fresh_file_is_at_the_newest_record_in_text)
{
	int fd;

	ASSERT_EQ(0, trigger(self->fd, 7));
	fd = open_device(0, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("iodemo-client:\t2\niodemo-cursor:\t7\niodemo-lag:\t0\niodemo-lost:\t0\n"
		     "iodemo-format:\ttext\n", our_lines(fd));
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
	EXPECT_STREQ("iodemo-client:\t1\niodemo-cursor:\t3\niodemo-lag:\t4\niodemo-lost:\t0\n"
		     "iodemo-format:\traw\n", our_lines(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 16));
	EXPECT_STREQ("iodemo-client:\t1\niodemo-cursor:\t7\niodemo-lag:\t16\niodemo-lost:\t4\n"
		     "iodemo-format:\traw\n", our_lines(self->fd));
}

TEST_F(fdinfo, looking_takes_no_EPOLLPRI_back)
{
	ASSERT_EQ(0, trigger(self->fd, 17));
	EXPECT_STREQ("iodemo-client:\t1\niodemo-cursor:\t1\niodemo-lag:\t16\niodemo-lost:\t1\n"
		     "iodemo-format:\traw\n", our_lines(self->fd));
	EXPECT_EQ(POLLPRI, poll_now(self->fd, POLLPRI));
	EXPECT_EQ(1, STAT(self->fd, lost));
}

TEST_F(fdinfo, file_of_an_unplugged_device_can_be_looked_at)
{
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_STREQ("iodemo-client:\t1\niodemo-cursor:\t0\niodemo-lag:\t2\niodemo-lost:\t0\n"
		     "iodemo-format:\traw\n", our_lines(self->fd));
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
		_exit(!!strcmp("iodemo-client:\t1\niodemo-cursor:\t1\n"
			       "iodemo-lag:\t1\niodemo-lost:\t0\n"
			       "iodemo-format:\traw\n", our_lines(self->fd)));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
