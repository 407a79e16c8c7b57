// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 2, nonblocking: EAGAIN and never a sleep, whoever else sleeps.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <poll.h>

IODEMO_FIXTURE(nonblocking, "capacity=16")

static int set_nonblock(int fd)
{
	return result(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK));
}

/* Read a record: what that gave. */
static long read_now(int fd)
{
	struct iodemo_record record;

	return result(read(fd, &record, sizeof(record)));
}

TEST_F(nonblocking, read_without_records_is_EAGAIN)
{
	int fd = open_raw(0, O_RDONLY | O_NONBLOCK);
	struct iodemo_record record;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EAGAIN, result(read(fd, &record, sizeof(record))));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(fd, 0, 1);
	EXPECT_EQ(-EAGAIN, result(read(fd, &record, sizeof(record))));
}

TEST_F(nonblocking, read_of_text_without_records_is_EAGAIN)
{
	int fd = open_device(0, O_RDONLY | O_NONBLOCK);
	char line[LINE_MAX_BYTES];

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EAGAIN, result(read(fd, line, sizeof(line))));
	EXPECT_EQ(-EAGAIN, result(read(fd, line, 1)));
}

TEST_F(nonblocking, RWF_NOWAIT_on_a_blocking_file_is_EAGAIN)
{
	struct iodemo_record record;

	EXPECT_EQ(-EAGAIN, read_nowait(self->fd, &record, sizeof(record)));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, read_nowait(self->fd, &record, sizeof(record)));
	EXPECT_SAMPLE(&record, 0);
	EXPECT_EQ(-EAGAIN, read_nowait(self->fd, &record, sizeof(record)));
}

TEST_F(nonblocking, O_NONBLOCK_takes_what_is_there_under_the_low_water_mark)
{
	struct iodemo_record records[8];

	ASSERT_EQ(0, set_low_water(self->fd, 5));
	ASSERT_EQ(0, set_nonblock(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(2 * RECORD, result(read(self->fd, records, sizeof(records))));
	EXPECT_SAMPLE(&records[1], 1);
	EXPECT_EQ(-EAGAIN, result(read(self->fd, records, sizeof(records))));
}

TEST_F(nonblocking, RWF_NOWAIT_takes_what_is_there_under_the_low_water_mark)
{
	struct iodemo_record records[8];

	ASSERT_EQ(0, set_low_water(self->fd, 5));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(2 * RECORD, read_nowait(self->fd, records, sizeof(records)));
	EXPECT_SAMPLE(&records[1], 1);
	EXPECT_EQ(-EAGAIN, read_nowait(self->fd, records, sizeof(records)));
}

TEST_F(nonblocking, O_NONBLOCK_does_not_sleep_beside_a_sleeper_on_the_same_file)
{
	struct sleeper s = reader(self->fd, 1);
	long switches;
	int i;

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, set_nonblock(self->fd));
	switches = own_switches();
	for (i = 0; i < 1000 && read_now(self->fd) == -EAGAIN; i++)
		;
	EXPECT_EQ(1000, i);
	EXPECT_EQ(switches, own_switches());
	EXPECT_TRUE(undisturbed(&s));

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
}

TEST_F(nonblocking, RWF_NOWAIT_does_not_sleep_beside_a_sleeper_on_the_same_file)
{
	struct sleeper s = reader(self->fd, 1);
	struct iodemo_record record = { .seq = 1 };
	long switches;
	int i;

	ASSERT_TRUE(falls_asleep(&s));
	switches = own_switches();
	for (i = 0; i < 1000 && read_nowait(self->fd, &record, sizeof(record)) == -EAGAIN; i++)
		;
	EXPECT_EQ(1000, i);
	EXPECT_EQ(switches, own_switches());
	EXPECT_TRUE(undisturbed(&s));

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
}

TEST_F(nonblocking, O_NONBLOCK_does_not_sleep_beside_a_sleeper_on_another_file)
{
	int other = open_raw(0, O_RDONLY | O_NONBLOCK);
	struct sleeper s = reader(self->fd, 1);
	long switches;
	int i;

	ASSERT_LE(0, other);
	ASSERT_TRUE(falls_asleep(&s));
	switches = own_switches();
	for (i = 0; i < 1000 && read_now(other) == -EAGAIN; i++)
		;
	EXPECT_EQ(1000, i);
	EXPECT_EQ(switches, own_switches());
	EXPECT_TRUE(undisturbed(&s));

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_READ(other, 0, 1);
}

TEST_F(nonblocking, RWF_NOWAIT_takes_records_that_are_too_few_for_the_sleeper_beside_it)
{
	struct sleeper s = reader(self->fd, 4);
	struct iodemo_record records[4];

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(2 * RECORD, read_nowait(self->fd, records, sizeof(records)));
	EXPECT_SAMPLE(&records[0], 0);
	EXPECT_TRUE(undisturbed(&s));

	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(3 * RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[0], 2);
}

TEST_F(nonblocking, EAGAIN_comes_before_EFAULT)
{
	EXPECT_EQ(-EAGAIN, read_nowait(self->fd, bad_pointer, RECORD));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EFAULT, read_nowait(self->fd, bad_pointer, RECORD));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(nonblocking, short_raw_buffer_is_EINVAL_with_and_without_records)
{
	char buf[63];

	EXPECT_EQ(-EINVAL, read_nowait(self->fd, buf, sizeof(buf)));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EINVAL, read_nowait(self->fd, buf, sizeof(buf)));
	EXPECT_READ(self->fd, 0, 1);
}

/*
 * A blocking reader whose buffer isn't in memory is in the middle of its copy
 * for as long as the page isn't given to it.
 */
FIXTURE(stuck) {
	int fd;
	bool here;
	struct stuck_page page;
	struct sleeper s;
};

FIXTURE_SETUP(stuck)
{
	ASSERT_EQ(0, load("capacity=16"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->here = stuck_page_make(&self->page);
	if (!self->here)
		return;
	ASSERT_EQ(0, trigger(self->fd, 4));
	self->s = reader(self->fd, 1);
	self->s.buf = self->page.page;
	ASSERT_TRUE(sleeper_start(&self->s));
	ASSERT_EQ(0, stuck_page_wait(&self->page));
	ASSERT_TRUE(sleeper_sleeps(&self->s));
}

IODEMO_FIXTURE_TEARDOWN(stuck)

TEST_F(stuck, RWF_NOWAIT_takes_records_beside_a_reader_stuck_in_its_copy)
{
	struct iodemo_record record = { .seq = 1 }, *other = self->page.page;
	long switches;

	if (!self->here)
		SKIP(return, "no userfaultfd");
	switches = own_switches();
	EXPECT_EQ(RECORD, read_nowait(self->fd, &record, sizeof(record)));
	EXPECT_EQ(switches, own_switches());
	EXPECT_TRUE(undisturbed(&self->s));

	ASSERT_EQ(0, stuck_page_free(&self->page, NULL, 0));
	EXPECT_EQ(RECORD, sleeper_result(&self->s));

	/* Each got one of the first two records, and the rest is untouched. */
	EXPECT_EQ(1U, record.seq + other->seq);
	EXPECT_SAMPLE(&record, record.seq);
	EXPECT_SAMPLE(other, other->seq);
	EXPECT_READ(self->fd, 2, 2);
	EXPECT_EQ(4, STAT(self->fd, read));
}

TEST_F(stuck, reader_stuck_in_its_copy_holds_up_neither_the_device_nor_poll)
{
	int other = open_raw(0, O_RDWR);
	char path[64], text[256];
	long switches;

	if (!self->here)
		SKIP(return, "no userfaultfd");
	ASSERT_LE(0, other);
	switches = own_switches();
	EXPECT_EQ(POLLIN, poll_now(self->fd, POLLIN));
	EXPECT_EQ(4, STAT(other, records));
	EXPECT_EQ(4, STAT(self->fd, read) + STAT(self->fd, lag));
	EXPECT_EQ(switches, own_switches());
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(other, 4, 1);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->fd);
	EXPECT_LT(0, read_file(path, text, sizeof(text)));
	EXPECT_TRUE(undisturbed(&self->s));

	ASSERT_EQ(0, stuck_page_free(&self->page, NULL, 0));
	EXPECT_EQ(RECORD, sleeper_result(&self->s));
	EXPECT_SAMPLE((struct iodemo_record *)self->page.page, 0);
	EXPECT_READ(self->fd, 1, 4);
}

TEST_F(stuck, reader_lapped_in_the_middle_of_its_copy_gets_a_whole_record)
{
	struct iodemo_record *record = self->page.page;

	if (!self->here)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, trigger(self->fd, 36));
	ASSERT_EQ(0, stuck_page_free(&self->page, NULL, 0));
	EXPECT_EQ(RECORD, sleeper_result(&self->s));

	/* The one it had begun with is overwritten: record 24 is the oldest. */
	EXPECT_TRUE(record->seq == 0 || record->seq == 24);
	EXPECT_SAMPLE(record, record->seq);
	EXPECT_READ(self->fd, record->seq ? 25 : 24, 15);
	EXPECT_EQ(40, STAT(self->fd, read) + STAT(self->fd, lost) + STAT(self->fd, lag));
}

TEST_F(stuck, killed_reader_stuck_in_its_copy_leaves_nothing_behind)
{
	struct stuck_page page;
	int status;
	pid_t pid;

	if (!self->here)
		SKIP(return, "no userfaultfd");
	ASSERT_EQ(0, stuck_page_free(&self->page, NULL, 0));
	ASSERT_EQ(RECORD, sleeper_result(&self->s));

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct sleeper s = reader(self->fd, 1);

		if (!stuck_page_make(&page))
			_exit(2);
		s.buf = page.page;
		if (!sleeper_start(&s) || stuck_page_wait(&page))
			_exit(3);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	EXPECT_EQ(3, STAT(self->fd, lag));
	EXPECT_READ(self->fd, 1, 3);
}

TEST_HARNESS_MAIN
