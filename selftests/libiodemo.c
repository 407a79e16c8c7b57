// SPDX-License-Identifier: GPL-2.0-only
/*
 * libiodemo as it is installed: what it promises, and each error that its manual
 * page names. Without it the cases are skipped.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <dlfcn.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "libiodemo.h"

#define CAPACITY	16
/* As a program finds them that was linked with the shared library */
static struct {
	__typeof__(iodemo_open) *open;
	__typeof__(iodemo_configure) *configure;
	__typeof__(iodemo_set_client) *set_client;
	__typeof__(iodemo_set_types) *set_types;
	__typeof__(iodemo_fire) *fire;
	__typeof__(iodemo_next) *next;
	__typeof__(iodemo_wait_handled) *wait_handled;
	__typeof__(iodemo_expect) *expect;
	__typeof__(iodemo_unplug) *unplug;
	__typeof__(iodemo_plug) *plug;
} lib;

/* Those of the library's calls that the kernel can't be made to answer so go through here. */
static void (*change_info)(struct iodemo_info *info);
static bool only_told;	/* it never looks by itself */
static bool not_told;	/* it can't watch */

int ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list ap;
	int ret;

	va_start(ap, request);
	argument = va_arg(ap, void *);
	va_end(ap);
	ret = syscall(SYS_ioctl, fd, request, argument);
	if (!ret && request == IODEMO_GET_INFO && change_info)
		change_info(argument);
	return ret;
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec time = { timeout / 1000, timeout % 1000 * 1000000 };

	if (only_told && timeout > 0)
		timeout = -1;
	return ppoll(fds, count, timeout < 0 ? NULL : &time, NULL);
}

int inotify_init1(int flags)
{
	if (not_told) {
		errno = EMFILE;
		return -1;
	}
	return syscall(SYS_inotify_init1, flags);
}

static bool find_functions(void *library)
{
	return (lib.open = dlsym(library, "iodemo_open")) &&
	       (lib.configure = dlsym(library, "iodemo_configure")) &&
	       (lib.set_client = dlsym(library, "iodemo_set_client")) &&
	       (lib.set_types = dlsym(library, "iodemo_set_types")) &&
	       (lib.fire = dlsym(library, "iodemo_fire")) &&
	       (lib.next = dlsym(library, "iodemo_next")) &&
	       (lib.wait_handled = dlsym(library, "iodemo_wait_handled")) &&
	       (lib.expect = dlsym(library, "iodemo_expect")) &&
	       (lib.unplug = dlsym(library, "iodemo_unplug")) &&
	       (lib.plug = dlsym(library, "iodemo_plug"));
}

FIXTURE(libiodemo) {
	int fd;
};

FIXTURE_SETUP(libiodemo)
{
	void *library = dlopen("libiodemo.so.1", RTLD_NOW);

	if (!library)
		SKIP(return, "no libiodemo.so.1");
	ASSERT_TRUE(find_functions(library));
	ASSERT_EQ(0, load("capacity=16 devices=2"));
	self->fd = lib.open(NULL, O_RDWR | O_NONBLOCK);
	ASSERT_LE(0, self->fd);
}

IODEMO_FIXTURE_TEARDOWN(libiodemo)

/* Opening */

TEST_F(libiodemo, open_gives_raw_records_from_now_on)
{
	struct iodemo_client_config client;
	__u64 seq;
	int fd;

	ASSERT_EQ(0, lib.fire(self->fd, 3));
	fd = lib.open(IODEMO_DEVICE, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	ASSERT_EQ(0, ioctl(fd, IODEMO_GET_CLIENT, &client));
	EXPECT_EQ(IODEMO_FORMAT_RAW, (int)client.format);
	EXPECT_EQ(1, (int)client.low_water);
	ASSERT_EQ(0, lib.next(fd, &seq));
	EXPECT_EQ(3ULL, seq);
}

TEST_F(libiodemo, open_takes_the_flags_and_the_path)
{
	int fd = lib.open("/dev/iodemo1", O_WRONLY | O_NONBLOCK);
	struct iodemo_info info;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ioctl(fd, IODEMO_GET_INFO, &info));
	EXPECT_EQ(1, (int)info.index);
	EXPECT_EQ(O_WRONLY | O_NONBLOCK, fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
}

TEST_F(libiodemo, open_of_what_is_no_device_fails_and_leaves_nothing_open)
{
	int next = dup(self->fd);

	close(next);
	EXPECT_EQ(-ENOTTY, lib.open("/dev/null", O_RDWR));
	EXPECT_EQ(-ENOENT, lib.open("/dev/iodemo2", O_RDWR));
	EXPECT_EQ(next, dup(self->fd));
}

static void older(struct iodemo_info *info)
{
	info->version = 3;
}

static void newer(struct iodemo_info *info)
{
	info->version++;
}

static void other_records(struct iodemo_info *info)
{
	info->record_size = 128;
}

TEST_F(libiodemo, open_knows_this_interface_and_newer_ones)
{
	change_info = older;
	EXPECT_EQ(-EPROTO, lib.open(NULL, O_RDWR));
	change_info = other_records;
	EXPECT_EQ(-EPROTO, lib.open(NULL, O_RDWR));
	change_info = newer;
	EXPECT_LE(0, lib.open(NULL, O_RDWR));
}

/* What it gives to an ordinary user: -errno, or 0 */
static long as_user(int (*call)(void))
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		long ret = become_user();

		if (!ret)
			ret = call();
		_exit(ret < 0 ? -ret : 0);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

static int open_it(void)
{
	return lib.open(NULL, O_RDWR);
}

static int configure_it(void)
{
	int fd = open_it();

	return fd < 0 ? fd : lib.configure(fd, 0, 1);
}

static int unplug_it(void)
{
	return lib.unplug(0);
}

static int plug_it(void)
{
	return lib.plug(0);
}

TEST_F(libiodemo, open_of_a_device_that_is_reserved_or_not_for_this_user_fails)
{
	struct stat stat_before;

	ASSERT_EQ(0, ioctl(self->fd, IODEMO_RESERVE, NULL));
	EXPECT_EQ(-EBUSY, as_user(open_it));
	ASSERT_EQ(0, ioctl(self->fd, IODEMO_RELEASE, NULL));
	EXPECT_EQ(0, as_user(open_it));
	ASSERT_EQ(0, fstat(self->fd, &stat_before));
	ASSERT_EQ(0, fchmod(self->fd, 0600));
	EXPECT_EQ(-EACCES, as_user(open_it));
	EXPECT_EQ(0, fchmod(self->fd, stat_before.st_mode & 0777));
}

/* Configuring */

TEST_F(libiodemo, configure_sets_the_device)
{
	struct iodemo_config config;

	ASSERT_EQ(0, lib.configure(self->fd, IODEMO_PERIOD_US_MAX, 7));
	ASSERT_EQ(0, ioctl(self->fd, IODEMO_GET_CONFIG, &config));
	EXPECT_EQ(IODEMO_PERIOD_US_MAX, (int)config.period_us);
	EXPECT_EQ(7, (int)config.burst);
}

TEST_F(libiodemo, configure_of_a_device_that_belongs_to_others_is_EPERM)
{
	EXPECT_EQ(-EPERM, as_user(configure_it));
}

TEST_F(libiodemo, configure_out_of_range_is_EINVAL)
{
	EXPECT_EQ(-EINVAL, lib.configure(self->fd, IODEMO_PERIOD_US_MIN - 1, 1));
	EXPECT_EQ(-EINVAL, lib.configure(self->fd, IODEMO_PERIOD_US_MAX + 1, 1));
	EXPECT_EQ(-EINVAL, lib.configure(self->fd, 0, IODEMO_BURST_MIN - 1));
	EXPECT_EQ(-EINVAL, lib.configure(self->fd, 0, IODEMO_BURST_MAX + 1));
}

TEST_F(libiodemo, set_client_sets_this_file_and_out_of_range_is_EINVAL)
{
	struct iodemo_client_config client;

	ASSERT_EQ(0, lib.set_client(self->fd, IODEMO_FORMAT_TEXT, CAPACITY));
	ASSERT_EQ(0, ioctl(self->fd, IODEMO_GET_CLIENT, &client));
	EXPECT_EQ(IODEMO_FORMAT_TEXT, (int)client.format);
	EXPECT_EQ(CAPACITY, (int)client.low_water);
	EXPECT_EQ(-EINVAL, lib.set_client(self->fd, IODEMO_FORMAT_RAW + 1, 1));
	EXPECT_EQ(-EINVAL, lib.set_client(self->fd, IODEMO_FORMAT_RAW, 0));
	EXPECT_EQ(-EINVAL, lib.set_client(self->fd, IODEMO_FORMAT_RAW, CAPACITY + 1));
}

TEST_F(libiodemo, set_types_leaves_the_rest_and_set_client_wants_all_again)
{
	struct iodemo_client_config client;

	ASSERT_EQ(0, lib.set_client(self->fd, IODEMO_FORMAT_TEXT, CAPACITY));
	ASSERT_EQ(0, lib.set_types(self->fd, 1U << IODEMO_TYPE_ECHO));
	ASSERT_EQ(0, ioctl(self->fd, IODEMO_GET_CLIENT, &client));
	EXPECT_EQ(IODEMO_FORMAT_TEXT, (int)client.format);
	EXPECT_EQ(CAPACITY, (int)client.low_water);
	EXPECT_EQ(1 << IODEMO_TYPE_ECHO, (int)client.types);
	EXPECT_EQ(-EINVAL, lib.set_types(self->fd, 1));
	EXPECT_EQ(-EBADF, lib.set_types(-1, 0));
	ASSERT_EQ(0, lib.set_client(self->fd, IODEMO_FORMAT_RAW, 1));
	ASSERT_EQ(0, ioctl(self->fd, IODEMO_GET_CLIENT, &client));
	EXPECT_EQ(0, (int)client.types);
	ASSERT_EQ(0, lib.unplug(0));
	EXPECT_EQ(-ENODEV, lib.set_types(self->fd, 0));
}

TEST_F(libiodemo, what_is_not_wanted_is_not_waited_for)
{
	struct iodemo_record record = { .len = 4, .data = "echo" };

	ASSERT_EQ(0, lib.set_types(self->fd, 1U << IODEMO_TYPE_ECHO));
	ASSERT_EQ(0, lib.fire(self->fd, 3));
	EXPECT_EQ(0, lib.wait_handled(self->fd, 0));
	ASSERT_EQ(RECORD, write(self->fd, &record, sizeof(record)));
	ASSERT_EQ(0, lib.fire(self->fd, 1));
	EXPECT_EQ(-ETIMEDOUT, lib.wait_handled(self->fd, 0));
	ASSERT_EQ(RECORD, read(self->fd, &record, sizeof(record)));
	EXPECT_EQ(4, (int)record.seq);
	EXPECT_EQ(0, lib.wait_handled(self->fd, 0));
}

TEST_F(libiodemo, what_changes_the_device_has_the_errors_of_the_ioctls)
{
	int null = open("/dev/null", O_RDWR);
	int read_only = lib.open(NULL, O_RDONLY);
	int other = lib.open(NULL, O_RDWR);

	ASSERT_LE(0, null);
	ASSERT_LE(0, read_only);
	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOTTY, lib.configure(null, 0, 1));
	EXPECT_EQ(-ENOTTY, lib.set_client(null, IODEMO_FORMAT_RAW, 1));
	EXPECT_EQ(-ENOTTY, lib.fire(null, 1));
	EXPECT_EQ(-EBADF, lib.configure(read_only, 0, 1));
	EXPECT_EQ(-EBADF, lib.fire(read_only, 1));
	EXPECT_EQ(-EBADF, lib.configure(-1, 0, 1));
	EXPECT_EQ(-EBADF, lib.set_client(-1, IODEMO_FORMAT_RAW, 1));
	EXPECT_EQ(-EBADF, lib.fire(-1, 1));
	ASSERT_EQ(0, ioctl(other, IODEMO_RESERVE, NULL));
	EXPECT_EQ(-EBUSY, lib.configure(self->fd, 0, 1));
	EXPECT_EQ(-EBUSY, lib.fire(self->fd, 1));
	ASSERT_EQ(0, lib.unplug(0));
	EXPECT_EQ(-ENODEV, lib.configure(self->fd, 0, 1));
	EXPECT_EQ(-ENODEV, lib.set_client(self->fd, IODEMO_FORMAT_RAW, 1));
	EXPECT_EQ(-ENODEV, lib.fire(self->fd, 1));
}

/* Firing */

TEST_F(libiodemo, fired_records_are_there_when_it_returns)
{
	struct iodemo_record records[CAPACITY];
	__u64 seq = 0;

	ASSERT_EQ(0, lib.configure(self->fd, 0, 4));
	ASSERT_EQ(0, lib.fire(self->fd, 3));
	ASSERT_EQ(12 * RECORD, result(read(self->fd, records, sizeof(records))));
	EXPECT_EQ(12, lib.expect(records, 12 * RECORD, &seq));
	EXPECT_EQ(12ULL, seq);
	EXPECT_EQ(-EAGAIN, result(read(self->fd, records, sizeof(records))));
	EXPECT_EQ(-EINVAL, lib.fire(self->fd, 0));
}

/* It is interrupted, for each interrupt takes longer than the thousandth part of a period. */
TEST_F(libiodemo, fire_goes_on_after_signals_and_fires_as_many_as_told)
{
	const struct itimerval each_ms = { { 0, 1000 }, { 0, 1000 } };
	long total = 0;

	ASSERT_EQ(0, catch_signal(SIGALRM, 0));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &each_ms, NULL));
	while (signals_caught < 3) {
		ASSERT_EQ(0, lib.fire(self->fd, 1000));
		total += 1000;
	}
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &(struct itimerval){ }, NULL));
	EXPECT_EQ(total, STAT(self->fd, interrupts));
}

/* Where a file stands */

TEST_F(libiodemo, next_follows_the_reading_and_takes_no_POLLPRI_back)
{
	__u64 seq;

	ASSERT_EQ(0, lib.fire(self->fd, 4));
	ASSERT_EQ(0, lib.next(self->fd, &seq));
	EXPECT_EQ(0ULL, seq);
	EXPECT_READ(self->fd, 0, 3);
	ASSERT_EQ(0, lib.next(self->fd, &seq));
	EXPECT_EQ(3ULL, seq);
	ASSERT_EQ(0, lib.fire(self->fd, CAPACITY));
	ASSERT_EQ(0, lib.next(self->fd, &seq));
	EXPECT_EQ(4ULL, seq);
	EXPECT_EQ(POLLPRI, poll_now(self->fd, POLLPRI));
	ASSERT_EQ(0, lib.unplug(0));
	ASSERT_EQ(0, lib.next(self->fd, &seq));
	EXPECT_EQ(4ULL, seq);
}

TEST_F(libiodemo, of_what_nobody_reads_there_is_no_next_and_nothing_to_handle)
{
	int null = open("/dev/null", O_RDWR);
	int write_only = lib.open(NULL, O_WRONLY);
	__u64 seq;

	ASSERT_LE(0, null);
	ASSERT_LE(0, write_only);
	EXPECT_EQ(-ENOTTY, lib.next(null, &seq));
	EXPECT_EQ(-ENOTTY, lib.wait_handled(null, -1));
	EXPECT_EQ(-EBADF, lib.next(write_only, &seq));
	EXPECT_EQ(-EBADF, lib.wait_handled(write_only, -1));
	EXPECT_EQ(-EBADF, lib.next(-1, &seq));
	EXPECT_EQ(-EBADF, lib.wait_handled(-1, -1));
}

static long without_proc(int fd)
{
	__u64 seq;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/proc", "tmpfs", 0, NULL))
		return -errno;
	return lib.next(fd, &seq) == -ENOENT && lib.wait_handled(fd, -1) == -ENOENT;
}

TEST_F(libiodemo, without_proc_there_is_no_telling)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(without_proc(self->fd) == 1 ? 0 : 1);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Waiting */

static long call_wait(struct sleeper *s)
{
	return lib.wait_handled(s->fd, -1);
}

static struct sleeper waiter(int fd)
{
	return (struct sleeper){ .call = call_wait, .fd = fd };
}

TEST_F(libiodemo, nothing_to_read_is_handled_and_something_is_not)
{
	EXPECT_EQ(0, lib.wait_handled(self->fd, -1));
	ASSERT_EQ(0, lib.fire(self->fd, 1));
	EXPECT_EQ(-ETIMEDOUT, lib.wait_handled(self->fd, 0));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_EQ(0, lib.wait_handled(self->fd, 0));
}

TEST_F(libiodemo, wait_ends_when_its_time_is_up_and_not_before)
{
	__u64 begin;

	ASSERT_EQ(0, lib.fire(self->fd, 1));
	begin = clock_ns();
	EXPECT_EQ(-ETIMEDOUT, lib.wait_handled(self->fd, 25));
	EXPECT_LE(24000000ULL, clock_ns() - begin);
}

/* By all that read() is, without looking */
TEST_F(libiodemo, wait_ends_with_the_last_record_read)
{
	struct sleeper s = waiter(self->fd);
	struct iodemo_record record;

	only_told = true;
	ASSERT_EQ(0, lib.fire(self->fd, 3));
	ASSERT_TRUE(falls_asleep(&s));
	EXPECT_READ(self->fd, 0, 1);
	ASSERT_TRUE(sleeper_sleeps(&s));
	EXPECT_EQ(RECORD, read_nowait(self->fd, &record, sizeof(record)));
	ASSERT_TRUE(sleeper_sleeps(&s));
	EXPECT_READ(self->fd, 2, 1);
	EXPECT_EQ(0, sleeper_result(&s));
}

TEST_F(libiodemo, wait_ends_when_another_process_has_read)
{
	struct sleeper s = waiter(self->fd);
	int status;
	pid_t pid;

	only_told = true;
	ASSERT_EQ(0, lib.fire(self->fd, 2));
	ASSERT_TRUE(falls_asleep(&s));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(!!*read_fault(self->fd, 0, 2));
	EXPECT_EQ(0, sleeper_result(&s));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(libiodemo, wait_is_for_this_file_and_no_other)
{
	struct sleeper s = waiter(self->fd);
	int other = lib.open(NULL, O_RDONLY);

	ASSERT_LE(0, other);
	only_told = true;
	ASSERT_EQ(0, lib.fire(self->fd, 1));
	ASSERT_TRUE(falls_asleep(&s));
	EXPECT_READ(other, 0, 1);
	ASSERT_TRUE(sleeper_sleeps(&s));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_EQ(0, sleeper_result(&s));
}

/* The mapped cursor is moved by a store, of which nobody is told. */
TEST_F(libiodemo, wait_ends_when_the_mapping_was_read)
{
	struct sleeper s = waiter(self->fd);
	struct iodemo_cursor_page *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
					       self->fd, IODEMO_MMAP_CURSOR);

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, lib.fire(self->fd, 2));
	ASSERT_TRUE(sleeper_start(&s));
	__atomic_store_n(&page->cursor, 2, __ATOMIC_RELAXED);
	EXPECT_EQ(0, sleeper_result(&s));
	munmap(page, 4096);
}

TEST_F(libiodemo, records_below_the_low_water_mark_are_left_to_read)
{
	ASSERT_EQ(0, lib.set_client(self->fd, IODEMO_FORMAT_RAW, 4));
	ASSERT_EQ(0, lib.fire(self->fd, 3));
	EXPECT_EQ(-ETIMEDOUT, lib.wait_handled(self->fd, 0));
}

TEST_F(libiodemo, rest_of_a_line_is_left_to_read)
{
	char line[256];

	ASSERT_EQ(0, lib.set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
	ASSERT_EQ(0, lib.fire(self->fd, 1));
	ASSERT_EQ(5, result(read(self->fd, line, 5)));
	EXPECT_EQ(-ETIMEDOUT, lib.wait_handled(self->fd, 0));
	ASSERT_LT(0, result(read(self->fd, line, sizeof(line))));
	EXPECT_EQ(0, lib.wait_handled(self->fd, 0));
}

TEST_F(libiodemo, unplugged_device_is_handled_when_its_records_are_read)
{
	ASSERT_EQ(0, lib.fire(self->fd, 1));
	ASSERT_EQ(0, lib.unplug(0));
	EXPECT_EQ(-ETIMEDOUT, lib.wait_handled(self->fd, 0));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_EQ(0, lib.wait_handled(self->fd, 0));
}

TEST_F(libiodemo, wait_ends_with_a_signal)
{
	struct sleeper s = waiter(self->fd);

	only_told = true;
	ASSERT_EQ(0, catch_signal(SIGUSR1, SA_RESTART));
	ASSERT_EQ(0, lib.fire(self->fd, 1));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
}

TEST_F(libiodemo, wait_leaves_nothing_open_and_wakes_nobody)
{
	int next = dup(self->fd);

	close(next);
	ASSERT_EQ(0, lib.fire(self->fd, 1));
	EXPECT_EQ(-ETIMEDOUT, lib.wait_handled(self->fd, 1));
	EXPECT_EQ(next, dup(self->fd));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
}

TEST_F(libiodemo, wait_ends_where_nothing_can_be_watched)
{
	struct sleeper s = waiter(self->fd);
	struct iodemo_record record;

	not_told = true;
	ASSERT_EQ(0, lib.fire(self->fd, 1));
	ASSERT_TRUE(sleeper_start(&s));
	EXPECT_EQ(RECORD, read_nowait(self->fd, &record, sizeof(record)));
	EXPECT_EQ(0, sleeper_result(&s));
}

/* Expecting */

TEST_F(libiodemo, expect_tells_which_record_is_not_what_was_made)
{
	struct iodemo_record records[8], kept;
	__u64 seq = 0;

	ASSERT_EQ(0, lib.fire(self->fd, 8));
	ASSERT_EQ(8 * RECORD, result(read(self->fd, records, sizeof(records))));
	kept = records[5];

	records[5].data[39] ^= 1;
	EXPECT_EQ(-EBADMSG, lib.expect(records, sizeof(records), &seq));
	EXPECT_EQ(5ULL, seq);
	records[5] = kept;
	records[5].len--;
	EXPECT_EQ(-EBADMSG, lib.expect(&records[5], 3 * RECORD, &seq));
	records[5] = kept;
	records[5].type = 0;
	EXPECT_EQ(-EBADMSG, lib.expect(&records[5], 3 * RECORD, &seq));
	records[5] = kept;
	records[5].seq++;
	EXPECT_EQ(-EBADMSG, lib.expect(&records[5], 3 * RECORD, &seq));
	EXPECT_EQ(5ULL, seq);
	records[5] = kept;
	EXPECT_EQ(3, lib.expect(&records[5], 3 * RECORD, &seq));
	EXPECT_EQ(8ULL, seq);
}

TEST_F(libiodemo, expect_tells_of_lost_doubled_and_swapped_records)
{
	struct iodemo_record records[4];
	__u64 seq = 1;

	ASSERT_EQ(0, lib.fire(self->fd, 4));
	ASSERT_EQ(4 * RECORD, result(read(self->fd, records, sizeof(records))));
	EXPECT_EQ(-EILSEQ, lib.expect(records, sizeof(records), &seq));
	EXPECT_EQ(1ULL, seq);
	seq = 0;
	records[2] = records[3];
	EXPECT_EQ(-EILSEQ, lib.expect(records, sizeof(records), &seq));
	EXPECT_EQ(2ULL, seq);
	records[2] = records[1];
	EXPECT_EQ(-EILSEQ, lib.expect(&records[2], RECORD, &seq));
}

TEST_F(libiodemo, expect_takes_whole_records_at_any_address)
{
	char bytes[2 * sizeof(struct iodemo_record) + 1];
	__u64 seq = 0;

	ASSERT_EQ(0, lib.fire(self->fd, 2));
	ASSERT_EQ(2 * RECORD, result(read(self->fd, bytes + 1, 2 * RECORD)));
	EXPECT_EQ(-EINVAL, lib.expect(bytes + 1, 2 * RECORD - 1, &seq));
	EXPECT_EQ(0, lib.expect(bytes + 1, 0, &seq));
	EXPECT_EQ(0ULL, seq);
	EXPECT_EQ(2, lib.expect(bytes + 1, 2 * RECORD, &seq));
}

TEST_F(libiodemo, expect_takes_echoes_with_nothing_past_their_data)
{
	struct iodemo_record records[2];
	__u64 seq = 0;

	ASSERT_EQ(RECORD, write_records(self->fd, 1));
	ASSERT_EQ(0, lib.fire(self->fd, 1));
	ASSERT_EQ(2 * RECORD, result(read(self->fd, records, sizeof(records))));
	EXPECT_EQ(2, lib.expect(records, sizeof(records), &seq));
	seq = 0;
	records[records[0].type == IODEMO_TYPE_ECHO ? 0 : 1].data[39] = 'x';
	EXPECT_EQ(-EBADMSG, lib.expect(records, sizeof(records), &seq));
	records[0].type = IODEMO_TYPE_ECHO;
	records[0].len = IODEMO_DATA_SIZE + 1;
	seq = 0;
	EXPECT_EQ(-EBADMSG, lib.expect(records, RECORD, &seq));
}

/* Taking the device away */

TEST_F(libiodemo, unplug_hangs_up_and_plug_brings_another_device)
{
	int fd;

	ASSERT_EQ(0, lib.unplug(0));
	EXPECT_EQ(POLLHUP, poll_now(self->fd, 0));
	EXPECT_EQ(-ENOENT, lib.open(NULL, O_RDWR));
	EXPECT_EQ(-ENODEV, lib.unplug(0));
	ASSERT_EQ(0, lib.plug(0));
	EXPECT_EQ(-EBUSY, lib.plug(0));
	fd = lib.open(NULL, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, lib.fire(fd, 1));
	EXPECT_EQ(POLLHUP, poll_now(self->fd, 0));
}

TEST_F(libiodemo, unplug_is_by_index_and_for_root)
{
	EXPECT_EQ(-ENODEV, lib.unplug(2));
	EXPECT_EQ(-ENODEV, lib.plug(2));
	EXPECT_EQ(-EACCES, as_user(unplug_it));
	EXPECT_EQ(-EACCES, as_user(plug_it));
	ASSERT_EQ(0, lib.unplug(1));
	EXPECT_EQ(0, poll_now(self->fd, 0));
	ASSERT_EQ(0, lib.plug(1));
}

TEST_F(libiodemo, without_the_module_there_is_nothing)
{
	close(self->fd);
	ASSERT_EQ(0, unload());
	EXPECT_EQ(-ENOENT, lib.open(NULL, O_RDWR));
	EXPECT_EQ(-ENOENT, lib.unplug(0));
	EXPECT_EQ(-ENOENT, lib.plug(0));
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
}

TEST_HARNESS_MAIN
