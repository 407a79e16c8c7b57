// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls: what each does, and each of its errors.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <poll.h>
#include <sys/stat.h>

IODEMO_FIXTURE(control, "capacity=64 burst=3")

TEST_F(control, GET_INFO_describes_the_device)
{
	static const __u32 zero[8];
	struct iodemo_info info;

	memset(&info, 0xff, sizeof(info));
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_INFO, &info)));
	EXPECT_EQ((__u32)IODEMO_VERSION, info.version);
	EXPECT_EQ(64U, info.record_size);
	EXPECT_EQ(64U, info.capacity);
	EXPECT_EQ(64U, info.tx_capacity);
	EXPECT_EQ(4U, info.tx_drain);
	EXPECT_EQ(0U, info.index);
	EXPECT_EQ(timer_flags(), info.flags);
	EXPECT_STREQ("timer", info.source);
	EXPECT_EQ(0, memcmp(zero, info.reserved, sizeof(info.reserved)));
}

TEST_F(control, GET_CONFIG_gives_the_modules_parameters)
{
	static const __u32 zero[6];
	struct iodemo_config config;

	memset(&config, 0xff, sizeof(config));
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_CONFIG, &config)));
	EXPECT_EQ(0U, config.period_us);
	EXPECT_EQ(3U, config.burst);
	EXPECT_EQ(0, memcmp(zero, config.reserved, sizeof(config.reserved)));
}

/* What GET_CONFIG says, as one number; -1 if it fails */
static long config_now(int fd)
{
	struct iodemo_config config;

	if (ioctl(fd, IODEMO_GET_CONFIG, &config))
		return -1;
	return config.period_us * 10000L + config.burst;
}

TEST_F(control, SET_CONFIG_takes_the_ends_of_the_ranges)
{
	EXPECT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MIN));
	EXPECT_EQ(IODEMO_PERIOD_US_MIN * 10000L + IODEMO_BURST_MIN, config_now(self->fd));
	EXPECT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MAX, IODEMO_BURST_MAX));
	EXPECT_EQ(IODEMO_PERIOD_US_MAX * 10000L + IODEMO_BURST_MAX, config_now(self->fd));
	EXPECT_EQ(0, set_config(self->fd, 0, 1));
	EXPECT_EQ(1, config_now(self->fd));
}

TEST_F(control, SET_CONFIG_out_of_range_is_EINVAL_and_changes_nothing)
{
	EXPECT_EQ(-EINVAL, set_config(self->fd, IODEMO_PERIOD_US_MIN - 1, 1));
	EXPECT_EQ(-EINVAL, set_config(self->fd, 1, 1));
	EXPECT_EQ(-EINVAL, set_config(self->fd, IODEMO_PERIOD_US_MAX + 1, 1));
	EXPECT_EQ(-EINVAL, set_config(self->fd, ~0U, 1));
	EXPECT_EQ(-EINVAL, set_config(self->fd, 1000, 0));
	EXPECT_EQ(-EINVAL, set_config(self->fd, 1000, IODEMO_BURST_MAX + 1));
	EXPECT_EQ(-EINVAL, set_config(self->fd, 1000, ~0U));
	EXPECT_EQ(3, config_now(self->fd));
}

TEST_F(control, SET_CONFIG_refuses_each_reserved_word)
{
	struct iodemo_config config;
	int i;

	for (i = 0; i < 6; i++) {
		config = (struct iodemo_config){ .period_us = 1000, .burst = 1 };
		config.reserved[i] = 1U << 31;
		EXPECT_EQ(-EINVAL, result(ioctl(self->fd, IODEMO_SET_CONFIG, &config)));
	}
	EXPECT_EQ(3, config_now(self->fd));
}

TEST_F(control, SET_CONFIG_is_for_all_files_of_the_device)
{
	int other = open_raw(0, O_RDONLY);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_config(self->fd, 0, 5));
	EXPECT_EQ(5, config_now(other));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(5, STAT(other, lag));
}

/* What GET_CLIENT says, as one number; -1 if it fails */
static long client_now(int fd)
{
	struct iodemo_client_config config;

	if (ioctl(fd, IODEMO_GET_CLIENT, &config))
		return -1;
	return config.format * 1000000L + config.low_water;
}

TEST_F(control, open_gives_text_and_a_low_water_mark_of_1)
{
	static const __u32 zero[6];
	struct iodemo_client_config config;
	int fd = open_device(0, O_RDONLY);

	ASSERT_LE(0, fd);
	memset(&config, 0xff, sizeof(config));
	ASSERT_EQ(0, result(ioctl(fd, IODEMO_GET_CLIENT, &config)));
	EXPECT_EQ((__u32)IODEMO_FORMAT_TEXT, config.format);
	EXPECT_EQ(1U, config.low_water);
	EXPECT_EQ(0, memcmp(zero, config.reserved, sizeof(config.reserved)));
}

TEST_F(control, SET_CLIENT_takes_the_ends_of_the_ranges)
{
	EXPECT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 64));
	EXPECT_EQ(64, client_now(self->fd));
	EXPECT_EQ(0, set_client(self->fd, IODEMO_FORMAT_RAW, 1));
	EXPECT_EQ(1000001, client_now(self->fd));
}

TEST_F(control, SET_CLIENT_out_of_range_is_EINVAL_and_changes_nothing)
{
	EXPECT_EQ(-EINVAL, set_client(self->fd, IODEMO_FORMAT_TEXT, 0));
	EXPECT_EQ(-EINVAL, set_client(self->fd, IODEMO_FORMAT_TEXT, 65));
	EXPECT_EQ(-EINVAL, set_client(self->fd, IODEMO_FORMAT_TEXT, ~0U));
	EXPECT_EQ(-EINVAL, set_client(self->fd, IODEMO_FORMAT_RAW + 1, 2));
	EXPECT_EQ(-EINVAL, set_client(self->fd, ~0U, 2));
	EXPECT_EQ(1000001, client_now(self->fd));
}

TEST_F(control, SET_CLIENT_refuses_each_reserved_word)
{
	struct iodemo_client_config config;
	unsigned int i;

	for (i = 0; i < sizeof(config.reserved) / sizeof(config.reserved[0]); i++) {
		config = (struct iodemo_client_config){ .low_water = 2 };
		config.reserved[i] = 1;
		EXPECT_EQ(-EINVAL, result(ioctl(self->fd, IODEMO_SET_CLIENT, &config)));
	}
	EXPECT_EQ(1000001, client_now(self->fd));
}

TEST_F(control, SET_CLIENT_is_for_one_file)
{
	int other = open_raw(0, O_RDONLY);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 7));
	EXPECT_EQ(1000001, client_now(other));
}

TEST_F(control, SET_CLIENT_is_for_all_who_share_the_file)
{
	int copy = dup(self->fd);

	ASSERT_LE(0, copy);
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 7));
	EXPECT_EQ(7, client_now(copy));
}

TEST_F(control, GET_STATS_counts_interrupts_records_and_echoes)
{
	struct iodemo_stats stats;

	ASSERT_EQ(2 * RECORD, write_records(self->fd, 2));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_READ(self->fd, 0, 3);
	memset(&stats, 0xff, sizeof(stats));
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_STATS, &stats)));
	EXPECT_EQ(2U, stats.interrupts);
	EXPECT_EQ(8U, stats.records);
	EXPECT_EQ(2U, stats.echoes);
	EXPECT_EQ(0U, stats.wakeups);
	EXPECT_EQ(0U, stats.signals);
	EXPECT_EQ(3U, stats.read);
	EXPECT_EQ(0U, stats.lost);
	EXPECT_EQ(5U, stats.lag);
	EXPECT_EQ(0U, stats.expires);
	EXPECT_EQ(0U, stats.overruns);
	EXPECT_EQ(0U, stats.polls | stats.exhausted | stats.reserved[0]);
}

TEST_F(control, GET_STATS_tells_when_the_next_interrupt_comes)
{
	const __u32 period_us = 1000;
	struct iodemo_record record;
	struct iodemo_stats stats;
	__u64 before, after, seq;

	/* Before the first one comes, whoever keeps us from running */
	do {
		ASSERT_EQ(0, set_config(self->fd, 0, 1));
		ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_STATS, &stats)));
		seq = stats.records;
		before = clock_ns();
		ASSERT_EQ(0, set_config(self->fd, period_us, 1));
		ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_STATS, &stats)));
		after = clock_ns();
	} while (stats.records != seq);
	EXPECT_LE(before + period_us * 1000, stats.expires);
	EXPECT_GE(after + period_us * 1000, stats.expires);

	do {
		ASSERT_EQ(RECORD, result(read(self->fd, &record, RECORD)));
	} while (record.seq < stats.records);
	EXPECT_LE(stats.expires, record.timestamp);

	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	EXPECT_EQ(0, STAT(self->fd, expires));
}

TEST_F(control, GET_STATS_counts_the_device_for_all_and_reading_for_this_file)
{
	int other = open_raw(0, O_RDONLY);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_READ(self->fd, 0, 2);
	EXPECT_EQ(2, STAT(self->fd, read));
	EXPECT_EQ(0, STAT(other, read));
	EXPECT_EQ(2, STAT(other, interrupts));
	EXPECT_EQ(6, STAT(other, records));
	EXPECT_EQ(6, STAT(other, lag));
}

TEST_F(control, TRIGGER_fires_as_often_as_asked)
{
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, STAT(self->fd, interrupts));
	ASSERT_EQ(0, trigger(self->fd, 1000));
	EXPECT_EQ(1001, STAT(self->fd, interrupts));
	EXPECT_EQ(3003, STAT(self->fd, records));
}

TEST_F(control, TRIGGER_of_0_is_EINVAL)
{
	EXPECT_EQ(-EINVAL, trigger(self->fd, 0));
	EXPECT_EQ(0, STAT(self->fd, interrupts));
}

TEST_F(control, TRIGGER_is_ended_by_a_signal_with_what_is_left)
{
	struct sleeper s = triggerer(self->fd, ~0U);

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(sleeper_start(&s));
	while (!STAT(self->fd, interrupts))
		sched_yield();
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
	EXPECT_EQ(~0U, s.count + STAT(self->fd, interrupts));
}

TEST_F(control, TRIGGER_is_restarted_with_what_is_left)
{
	struct sleeper s = triggerer(self->fd, ~0U);
	long before;

	ASSERT_EQ(0, catch_signal(SIGUSR1, SA_RESTART));
	ASSERT_EQ(0, catch_signal(SIGUSR2, 0));
	ASSERT_TRUE(sleeper_start(&s));
	while (!STAT(self->fd, interrupts))
		sched_yield();
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	before = STAT(self->fd, interrupts);
	while (STAT(self->fd, interrupts) < before + 2)
		sched_yield();
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR2));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
	EXPECT_EQ(~0U, s.count + STAT(self->fd, interrupts));
}

TEST_F(control, TRIGGER_that_was_interrupted_is_completed_by_calling_again)
{
	struct sleeper s = triggerer(self->fd, 5000);
	__u32 left;

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(sleeper_start(&s));
	while (!STAT(self->fd, interrupts))
		sched_yield();
	pthread_kill(s.thread, SIGUSR1);
	if (sleeper_result(&s) == -EINTR) {
		left = s.count;
		EXPECT_EQ(0, result(ioctl(self->fd, IODEMO_TRIGGER, &left)));
	} else {
		EXPECT_EQ(0, s.result);
	}
	EXPECT_EQ(5000, STAT(self->fd, interrupts));
}

TEST_F(control, long_TRIGGER_keeps_no_other_file_waiting)
{
	struct sleeper s = triggerer(self->fd, ~0U);
	int other = open_raw(0, O_RDWR);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(sleeper_start(&s));
	while (!STAT(other, interrupts))
		sched_yield();
	EXPECT_EQ(3, config_now(other));
	EXPECT_EQ(0, set_config(other, 0, 1));
	EXPECT_EQ(0, trigger(other, 1));
	EXPECT_LE(0, open_raw(0, O_RDONLY));
	EXPECT_FALSE((bool)s.done);
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
}

TEST_F(control, unknown_ioctl_is_ENOTTY)
{
	struct iodemo_stats stats;

	EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, _IO(IODEMO_IOC, 0x0a), &stats)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, _IO(IODEMO_IOC, 0xff), &stats)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, _IO(0xEC, 0x07), &stats)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, 0, &stats)));
	EXPECT_EQ(0, isatty(self->fd));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_F(control, known_ioctl_of_another_size_or_direction_is_ENOTTY)
{
	struct iodemo_stats stats;

	EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, _IOR(IODEMO_IOC, 0x00, char), &stats)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, _IOW(IODEMO_IOC, 0x06, __u32), &stats)));
	EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, _IOR(IODEMO_IOC, 0x07, __u32), &stats)));
}

TEST_F(control, bad_pointer_is_EFAULT_and_changes_nothing)
{
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_GET_INFO, bad_pointer)));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_GET_CONFIG, bad_pointer)));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_SET_CONFIG, bad_pointer)));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_GET_CLIENT, bad_pointer)));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_SET_CLIENT, bad_pointer)));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_GET_STATS, bad_pointer)));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_TRIGGER, bad_pointer)));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, FIONREAD, bad_pointer)));
	EXPECT_EQ(3, config_now(self->fd));
	EXPECT_EQ(1000001, client_now(self->fd));
	EXPECT_EQ(0, STAT(self->fd, interrupts));
}

TEST_F(control, TRIGGER_whose_count_can_not_be_written_is_EFAULT_and_fires_nothing)
{
	__u32 *count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)count);
	*count = 3;
	ASSERT_EQ(0, mprotect(count, sizeof(*count), PROT_READ));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_TRIGGER, count)));
	EXPECT_EQ(0, STAT(self->fd, interrupts));
	EXPECT_EQ(0, STAT(self->fd, records));
	EXPECT_EQ(3U, *count);
}

TEST_F(control, GET_STATS_into_a_bad_pointer_takes_no_EPOLLPRI_back)
{
	ASSERT_EQ(0, trigger(self->fd, 64));
	ASSERT_EQ(POLLPRI, poll_now(self->fd, POLLPRI));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_GET_STATS, bad_pointer)));
	EXPECT_EQ(POLLPRI, poll_now(self->fd, POLLPRI));
}

TEST_F(control, file_open_for_reading_only_can_not_change_the_device)
{
	int fd = open_raw(0, O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, set_config(fd, 0, 1));
	EXPECT_EQ(-EBADF, trigger(fd, 1));
	EXPECT_EQ(-EBADF, result(ioctl(fd, IODEMO_RESERVE)));
	EXPECT_EQ(-EBADF, result(ioctl(fd, IODEMO_RELEASE)));
	EXPECT_EQ(-EBADF, result(ioctl(fd, IODEMO_FLUSH)));
	EXPECT_EQ(3, config_now(fd));
	EXPECT_EQ(0, STAT(fd, interrupts));
	EXPECT_EQ(0, set_client(fd, IODEMO_FORMAT_TEXT, 2));
}

/* What FIONREAD says; -errno */
static long bytes_now(int fd)
{
	int bytes = -1;
	long err = result(ioctl(fd, FIONREAD, &bytes));

	return err ?: bytes;
}

TEST_F(control, FIONREAD_of_a_raw_file_is_64_for_each_record_that_waits)
{
	EXPECT_EQ(0, bytes_now(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(3 * RECORD, bytes_now(self->fd));
	EXPECT_READ(self->fd, 0, 2);
	EXPECT_EQ(RECORD, bytes_now(self->fd));
	ASSERT_EQ(0, set_low_water(self->fd, 2));
	EXPECT_EQ(RECORD, bytes_now(self->fd));
	ASSERT_EQ(0, set_low_water(self->fd, 1));
	EXPECT_READ(self->fd, 2, 1);
	EXPECT_EQ(0, bytes_now(self->fd));
}

TEST_F(control, FIONREAD_of_a_lapped_reader_is_what_the_ring_holds_and_takes_no_EPOLLPRI_back)
{
	ASSERT_EQ(0, trigger(self->fd, 64));
	EXPECT_EQ(64 * RECORD, bytes_now(self->fd));
	EXPECT_EQ(POLLPRI, poll_now(self->fd, POLLPRI));
	EXPECT_READ(self->fd, 3 * 64 - 64, 64);
}

TEST_F(control, FIONREAD_of_a_file_open_for_writing_only_is_EBADF)
{
	EXPECT_EQ(-EBADF, bytes_now(open_raw(0, O_WRONLY)));
}

TEST_F(control, FIONREAD_works_on_an_unplugged_device)
{
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(3 * RECORD, bytes_now(self->fd));
	EXPECT_READ(self->fd, 0, 3);
	EXPECT_EQ(0, bytes_now(self->fd));
}

/* Exclusive use: one file that can get it, one that was open before */
FIXTURE(reserve) {
	int fd;
	int other;
};

FIXTURE_SETUP(reserve)
{
	ASSERT_EQ(0, load("capacity=16 devices=2"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->other = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->other);
}

IODEMO_FIXTURE_TEARDOWN(reserve)

static long reserve(int fd)
{
	return result(ioctl(fd, IODEMO_RESERVE));
}

static long release(int fd)
{
	return result(ioctl(fd, IODEMO_RELEASE));
}

TEST_F(reserve, open_of_a_reserved_device_is_EBUSY)
{
	ASSERT_EQ(0, open_as_user(0, O_RDWR));
	ASSERT_EQ(0, reserve(self->fd));
	EXPECT_EQ(-EBUSY, open_as_user(0, O_RDWR));
	EXPECT_EQ(-EBUSY, open_as_user(0, O_RDONLY));
	EXPECT_EQ(-EBUSY, open_as_user(0, O_WRONLY | O_NONBLOCK));
}

TEST_F(reserve, open_by_CAP_SYS_ADMIN_succeeds_and_that_file_can_read_but_not_change_the_device)
{
	int fd;

	ASSERT_EQ(0, reserve(self->fd));
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, trigger(fd, 1));
	EXPECT_EQ(-EBUSY, set_config(fd, 0, 2));
	EXPECT_EQ(-EBUSY, write_records(fd, 1));
	EXPECT_EQ(-EBUSY, reserve(fd));
	EXPECT_EQ(-EBUSY, release(fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(fd, 0, 1);
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(-EBUSY, open_as_user(0, O_RDONLY));
}

TEST_F(reserve, other_device_stays_free)
{
	int fd;

	ASSERT_EQ(0, reserve(self->fd));
	fd = open_raw(1, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(0, reserve(fd));
}

TEST_F(reserve, file_that_was_open_can_not_change_the_device)
{
	ASSERT_EQ(0, reserve(self->fd));
	EXPECT_EQ(-EBUSY, set_config(self->other, 0, 2));
	EXPECT_EQ(-EBUSY, trigger(self->other, 1));
	EXPECT_EQ(-EBUSY, reserve(self->other));
	EXPECT_EQ(-EBUSY, release(self->other));
	EXPECT_EQ(-EBUSY, result(ioctl(self->other, IODEMO_FLUSH)));
	EXPECT_EQ(-EBUSY, write_records(self->other, 1));
	EXPECT_EQ(0, STAT(self->fd, interrupts));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, STAT(self->fd, records));
}

TEST_F(reserve, file_that_was_open_can_go_on_reading)
{
	struct sleeper s = reader(self->other, 1);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, reserve(self->fd));
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_READ(self->other, 1, 1);
	EXPECT_EQ(0, set_client(self->other, IODEMO_FORMAT_TEXT, 2));
	EXPECT_EQ(2, STAT(self->other, records));
}

TEST_F(reserve, holder_can_do_all)
{
	ASSERT_EQ(0, reserve(self->fd));
	EXPECT_EQ(0, set_config(self->fd, 0, 2));
	EXPECT_EQ(RECORD, write_records(self->fd, 1));
	EXPECT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 2);
}

TEST_F(reserve, reserving_again_is_no_error_and_needs_one_release)
{
	ASSERT_EQ(0, reserve(self->fd));
	EXPECT_EQ(0, reserve(self->fd));
	EXPECT_EQ(0, release(self->fd));
	EXPECT_EQ(-EINVAL, release(self->fd));
}

TEST_F(reserve, release_makes_the_device_free)
{
	ASSERT_EQ(0, reserve(self->fd));
	ASSERT_EQ(0, release(self->fd));
	EXPECT_EQ(0, trigger(self->other, 1));
	EXPECT_EQ(0, open_as_user(0, O_RDONLY));
	EXPECT_EQ(0, reserve(self->other));
	EXPECT_EQ(-EBUSY, release(self->fd));
}

TEST_F(reserve, release_of_what_is_not_reserved_is_EINVAL)
{
	EXPECT_EQ(-EINVAL, release(self->fd));
}

TEST_F(reserve, close_makes_the_device_free)
{
	ASSERT_EQ(0, reserve(self->fd));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, open_as_user(0, O_RDONLY));
	EXPECT_EQ(0, trigger(self->other, 1));
}

TEST_F(reserve, close_of_another_file_does_not)
{
	ASSERT_EQ(0, reserve(self->fd));
	ASSERT_EQ(0, close(self->other));
	EXPECT_EQ(-EBUSY, open_as_user(0, O_RDONLY));
}

TEST_F(reserve, only_the_last_close_of_a_shared_file_makes_the_device_free)
{
	int copy = dup(self->fd);

	ASSERT_LE(0, copy);
	ASSERT_EQ(0, reserve(self->fd));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(-EBUSY, open_as_user(0, O_RDONLY));
	EXPECT_EQ(0, trigger(copy, 1));
	ASSERT_EQ(0, close(copy));
	EXPECT_EQ(0, open_as_user(0, O_RDONLY));
}

TEST_F(reserve, child_shares_what_its_parent_has_reserved)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, reserve(self->fd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(trigger(self->fd, 1) || trigger(self->other, 1) != -EBUSY);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-EBUSY, open_as_user(0, O_RDONLY));
}

TEST_F(reserve, close_by_the_holder_makes_the_device_free_though_a_child_keeps_the_file)
{
	int go[2], status;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ASSERT_EQ(0, reserve(self->fd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &byte, 1) || trigger(self->fd, 1) != -EBUSY ||
		      *read_fault(self->fd, 0, 2));
	}
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, open_as_user(0, O_RDONLY));
	EXPECT_EQ(0, reserve(self->other));
	EXPECT_EQ(0, trigger(self->other, 2));

	/* To the device, the child's file is any other one. */
	ASSERT_EQ(0, close(go[1]));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(reserve, close_in_a_child_leaves_the_device_reserved)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, reserve(self->fd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(close(self->fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-EBUSY, open_as_user(0, O_RDONLY));
	EXPECT_EQ(0, trigger(self->fd, 1));
}

TEST_F(reserve, writer_that_slept_before_writes_nothing_after)
{
	struct sleeper s = writer(self->other, 1);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->other));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, reserve(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 2 * TX_CAPACITY / TX_DRAIN));
	EXPECT_EQ(-EBUSY, sleeper_result(&s));
	EXPECT_EQ(TX_CAPACITY, STAT(self->fd, echoes));
}

TEST_F(reserve, killed_holder_makes_the_device_free)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		int fd = open_raw(0, O_RDWR);

		if (reserve(fd) || reserve(self->fd) != -EBUSY)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, reserve(self->fd));
}

TEST_HARNESS_MAIN
