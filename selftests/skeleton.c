// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest source, which others begin with: a module of its own, behind the same
 * device as the timer.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#define MODULE	"iodemo_skeleton"
#define NODE	"/dev/iodemo-skeleton"

FIXTURE(skeleton) {
	int fd;
};

FIXTURE_SETUP(skeleton)
{
	const struct iodemo_client_config raw = {
		.format = IODEMO_FORMAT_RAW,
		.low_water = 1,
	};
	int err;

	ASSERT_EQ(0, load("capacity=16"));
	err = load_module("iodemo-skeleton", "");
	if (err == -ENOENT)
		SKIP_FIXTURE("no iodemo-skeleton.ko in this kernel's modules");
	ASSERT_EQ(0, err);
	self->fd = open(NODE, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, ioctl(self->fd, IODEMO_SET_CLIENT, &raw));
}

FIXTURE_TEARDOWN(skeleton)
{
	close_all();
	unload_module(MODULE);
	EXPECT_EQ(0, unload());
}

TEST_F(skeleton, GET_INFO_names_it_and_what_it_can_do)
{
	struct iodemo_info info;

	ASSERT_EQ(0, ioctl(self->fd, IODEMO_GET_INFO, &info));
	EXPECT_STREQ("skeleton", info.source);
	EXPECT_EQ(0U, info.index);
	EXPECT_EQ(0U, info.irq);
	EXPECT_EQ(16U, info.capacity);
	EXPECT_EQ(IODEMO_INFO_TRIGGER,
		  info.flags & (IODEMO_INFO_TRIGGER | IODEMO_INFO_CONFIG | IODEMO_INFO_THREADED));
}

TEST_F(skeleton, sysfs_tells_the_source_and_no_period)
{
	char text[64] = "";

	EXPECT_EQ(9, read_file("/sys/class/misc/iodemo-skeleton/source", text, sizeof(text)));
	EXPECT_STREQ("skeleton\n", text);
	EXPECT_EQ(-ENOENT, read_file("/sys/class/misc/iodemo-skeleton/period_us", text,
				     sizeof(text)));
	EXPECT_EQ(6, read_file("/sys/class/misc/iodemo/source", text, sizeof(text)));
	EXPECT_EQ(0, strncmp(text, "timer\n", 6));
}

TEST_F(skeleton, fired_it_feeds_one_record)
{
	struct sleeper reader_asleep = reader(self->fd, 1);

	ASSERT_TRUE(falls_asleep(&reader_asleep));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&reader_asleep));
	EXPECT_EQ(1, STAT(self->fd, interrupts));
	EXPECT_EQ(1, STAT(self->fd, records));
	EXPECT_EQ(0, STAT(self->fd, expires));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_READ(self->fd, 1, 2);
}

TEST_F(skeleton, sends_back_what_is_written)
{
	ASSERT_EQ(RECORD, write_records(self->fd, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_EQ(RECORD, read_nowait(self->fd, &(struct iodemo_record){ 0 }, RECORD));
	EXPECT_EQ(1, STAT(self->fd, echoes));
}

TEST_F(skeleton, what_it_can_not_do_is_EOPNOTSUPP)
{
	struct iodemo_config config;

	EXPECT_EQ(-EOPNOTSUPP, set_config(self->fd, 0, 1));
	EXPECT_EQ(-EOPNOTSUPP, result(ioctl(self->fd, IODEMO_GET_CONFIG, &config)));
}

/* As when the hardware is pulled out: the driver goes, and its files stay. */
TEST_F(skeleton, module_can_go_while_a_file_is_open)
{
	struct sleeper reader_asleep;
	struct iodemo_record record;
	int other;

	ASSERT_EQ(0, trigger(self->fd, 1));
	other = open(NODE, O_RDONLY);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_client(other, IODEMO_FORMAT_RAW, 1));
	reader_asleep = reader(other, 1);
	ASSERT_TRUE(falls_asleep(&reader_asleep));
	ASSERT_EQ(0, unload_module(MODULE));
	EXPECT_EQ(0, sleeper_result(&reader_asleep));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_EQ(0, result(read(self->fd, &record, sizeof(record))));
	EXPECT_EQ(-ENODEV, trigger(self->fd, 1));
	EXPECT_EQ(-ENODEV, write_records(self->fd, 1));
	EXPECT_EQ(-ENOENT, result(open(NODE, O_RDONLY)));
	EXPECT_EQ(-EWOULDBLOCK, unload());
}

/* And the core can not while a source needs it. */
TEST_F(skeleton, core_stays_while_a_source_is_loaded)
{
	close_all();
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_EQ(0, unload_module(MODULE));
}

TEST_HARNESS_MAIN
