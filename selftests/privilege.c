// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may only read changes nothing, by whatever call; and who takes much, of
 * files, requests, pages or segments, pays for it himself, and holds up nobody.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"
#include "iodemo_rawaio.h"

#include <limits.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifdef HAVE_LIBURING
#include "iodemo_uring.h"
#endif

/* A user who may read the node, and no more; each attempt gives what it was refused with */

static int reading;	/* his file */

static struct iodemo_record a_record;

static long writes(void *unused)
{
	return result(write(reading, &a_record, RECORD));
}

static long writes_vector(void *unused)
{
	struct iovec iov = { &a_record, RECORD };

	return result(writev(reading, &iov, 1));
}

static long writes_nowait(void *unused)
{
	return write_nowait(reading, &a_record, RECORD);
}

static long splices(void *unused)
{
	int pipe_[2];

	if (pipe(pipe_) || write(pipe_[1], &a_record, RECORD) != RECORD)
		return -EPIPE;
	return result(splice(pipe_[0], NULL, reading, NULL, RECORD, SPLICE_F_NONBLOCK));
}

static long sends_a_file(void *unused)
{
	int file = open("/proc/self/exe", O_RDONLY);

	return result(sendfile(reading, file, NULL, RECORD));
}

static long submits_a_write(void *unused)
{
	aio_context_t context;
	struct iocb iocb;
	long err = aio_setup(1, &context);

	return err ?: aio_submit_write(context, &iocb, reading, &a_record, RECORD);
}

static long fires(void *unused)
{
	return trigger(reading, 1);
}

static long configures(void *unused)
{
	return set_config(reading, 0, 2);
}

static long reserves(void *unused)
{
	return result(ioctl(reading, IODEMO_RESERVE));
}

static long releases(void *unused)
{
	return result(ioctl(reading, IODEMO_RELEASE));
}

static long flushes(void *unused)
{
	return result(ioctl(reading, IODEMO_FLUSH));
}

#ifdef HAVE_LIBURING
static long fires_by_uring(void *unused)
{
	struct io_uring ring;
	long err = io_uring_queue_init(4, &ring, 0);

	if (err)
		return err;
	prepare_trigger(&ring, reading, 1, 1);
	io_uring_submit(&ring);
	return next_result(&ring);
}

static long writes_by_uring(void *unused)
{
	struct io_uring ring;
	long err = io_uring_queue_init(4, &ring, 0);

	if (err)
		return err;
	io_uring_prep_write(io_uring_get_sqe(&ring), reading, &a_record, RECORD, -1);
	io_uring_submit(&ring);
	return next_result(&ring);
}
#endif

static long maps(int prot, int flags, off_t offset)
{
	return mmap(NULL, 4096, prot, flags, reading, offset) == MAP_FAILED ? -errno : 0;
}

static long maps_the_ring_to_write(void *unused)
{
	return maps(PROT_READ | PROT_WRITE, MAP_SHARED, IODEMO_MMAP_RING);
}

static long maps_the_cursor_to_write(void *unused)
{
	return maps(PROT_READ | PROT_WRITE, MAP_SHARED, IODEMO_MMAP_CURSOR);
}

static long protects(off_t offset)
{
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, reading, offset);

	return map == MAP_FAILED ? -EPROTO : result(mprotect(map, 4096, PROT_READ | PROT_WRITE));
}

static long makes_the_ring_writable(void *unused)
{
	return protects(IODEMO_MMAP_RING);
}

static long makes_the_cursor_writable(void *unused)
{
	return protects(IODEMO_MMAP_CURSOR);
}

/* read() into the ring, by a kernel that could write there */
static long reads_into_the_ring(void *unused)
{
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, reading, IODEMO_MMAP_RING);

	return map == MAP_FAILED ? -EPROTO : result(read(reading, map, RECORD));
}

static long opens_to_write(void *unused)
{
	return open_device(0, O_WRONLY);
}

static long opens_its_file_anew_to_write(void *unused)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", reading);
	return result(open(path, O_RDWR));
}

static long changes_the_mode(void *unused)
{
	return result(fchmod(reading, 0666));
}

static long takes_the_node(void *unused)
{
	return result(fchown(reading, ORDINARY_USER, ORDINARY_USER));
}

static long removes_the_node(void *unused)
{
	return result(unlink("/dev/iodemo"));
}

static long unbinds(void *unused)
{
	return unbind_device(0);
}

static long unloads(void *unused)
{
	return unload();
}

static long opens(const char *path, int flags)
{
	return result(open(path, flags));
}

static long writes_a_parameter(void *unused)
{
	return opens("/sys/module/iodemo/parameters/period_us", O_WRONLY);
}

static long writes_an_attribute(void *unused)
{
	return opens("/sys/class/misc/iodemo/period_us", O_WRONLY);
}

static long looks_into_debugfs(void *unused)
{
	return opens("/sys/kernel/debug/iodemo/iodemo/stats", O_RDONLY);
}

FIXTURE(reader) {
	int fd;
	struct iodemo_stats before;
};

FIXTURE_VARIANT(reader) {
	long (*attempt)(void *unused);
	int error;
};

#define REFUSED(name, error_)						\
	FIXTURE_VARIANT_ADD(reader, name) { .attempt = name, .error = error_ }

REFUSED(writes, EBADF);
REFUSED(writes_vector, EBADF);
REFUSED(writes_nowait, EBADF);
REFUSED(splices, EBADF);
REFUSED(sends_a_file, EBADF);
REFUSED(submits_a_write, EBADF);
REFUSED(fires, EBADF);
REFUSED(configures, EBADF);
REFUSED(reserves, EBADF);
REFUSED(releases, EBADF);
REFUSED(flushes, EBADF);
#ifdef HAVE_LIBURING
REFUSED(fires_by_uring, EBADF);
REFUSED(writes_by_uring, EBADF);
#endif
REFUSED(maps_the_ring_to_write, EACCES);
REFUSED(maps_the_cursor_to_write, EACCES);
REFUSED(makes_the_ring_writable, EACCES);
REFUSED(makes_the_cursor_writable, EACCES);
REFUSED(reads_into_the_ring, EFAULT);
REFUSED(opens_to_write, EACCES);
REFUSED(opens_its_file_anew_to_write, EACCES);
REFUSED(changes_the_mode, EPERM);
REFUSED(takes_the_node, EPERM);
REFUSED(removes_the_node, EACCES);
REFUSED(unbinds, EACCES);
REFUSED(unloads, EPERM);
REFUSED(writes_a_parameter, EACCES);
REFUSED(writes_an_attribute, EACCES);
REFUSED(looks_into_debugfs, EACCES);

FIXTURE_SETUP(reader)
{
	ASSERT_EQ(0, load("capacity=16 mode=0644"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(RECORD, write_records(self->fd, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(RECORD, write_records(self->fd, 1));
	self->before = get_stats(self->fd);
	a_record = raw_record("mine");
}

IODEMO_FIXTURE_TEARDOWN(reader)

static long opens_and_attempts(void *attempt)
{
	long (**what)(void *unused) = attempt;

	reading = open_raw(0, O_RDONLY);
	/* There is a record to read */
	if (reading < 0)
		return -EPROTO;
	return (*what)(NULL);
}

TEST_F(reader, is_refused_and_has_changed_nothing)
{
	long (*attempt)(void *unused) = variant->attempt;
	struct iodemo_config config;
	struct iodemo_stats after;
	struct stat node;

	/* Something to read, for whom it concerns: of a file opened before */
	reading = open_raw(0, O_RDONLY);
	if (attempt == reads_into_the_ring)
		ASSERT_EQ(0, trigger(self->fd, 1));
	self->before = get_stats(self->fd);
	EXPECT_EQ(-variant->error, user_does(attempt == reads_into_the_ring ? attempt :
					     opens_and_attempts, &attempt));

	after = get_stats(self->fd);
	EXPECT_EQ(0, memcmp(&self->before, &after, sizeof(after)));
	ASSERT_EQ(0, ioctl(self->fd, IODEMO_GET_CONFIG, &config));
	EXPECT_EQ(0U, config.period_us);
	EXPECT_EQ(1U, config.burst);
	ASSERT_EQ(0, stat("/dev/iodemo", &node));
	EXPECT_EQ(0644U, node.st_mode & 07777);
	EXPECT_EQ(0U, node.st_uid);
	/* What was queued is still to be sent, and nothing else is. */
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(2, STAT(self->fd, echoes));
	EXPECT_EQ((long)(after.records + 2 + 2 - after.echoes), STAT(self->fd, records));
}

/* Many segments, huge ones, and a reader that never reads */

IODEMO_FIXTURE(greedy, "capacity=64")

TEST_F(greedy, vector_of_1024_single_bytes_gets_16_records)
{
	struct iodemo_record records[16];
	struct iovec iov[IOV_MAX];
	int i;

	ASSERT_EQ(0, trigger(self->fd, 20));
	for (i = 0; i < IOV_MAX; i++)
		iov[i] = (struct iovec){ (char *)records + i, 1 };
	EXPECT_EQ(16 * RECORD, result(readv(self->fd, iov, IOV_MAX)));
	for (i = 0; i < 16; i++)
		EXPECT_SAMPLE(&records[i], i);
	EXPECT_READ(self->fd, 16, 4);
}

/* The kernel cuts what is more than 2 GiB; what lies beyond the records is not touched. */
TEST_F(greedy, vector_of_1024_gigabytes_gets_the_records_that_there_are)
{
	struct iodemo_record records[64];
	struct iovec iov[IOV_MAX];
	int i;

	iov[0] = (struct iovec){ records, sizeof(records) };
	for (i = 1; i < IOV_MAX; i++)
		iov[i] = (struct iovec){ (void *)4096, 1UL << 30 };
	ASSERT_EQ(0, trigger(self->fd, 64));
	EXPECT_EQ(64 * RECORD, result(readv(self->fd, iov, IOV_MAX)));
	EXPECT_SAMPLE(&records[63], 63);
	EXPECT_EQ(-EAGAIN, read_nowait(self->fd, records, sizeof(records)));
}

TEST_F(greedy, write_of_a_gigabyte_takes_the_room_that_there_is)
{
	size_t size = 1UL << 30;
	void *zeros = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			   0);

	ASSERT_NE(MAP_FAILED, zeros);
	EXPECT_EQ(TX_CAPACITY * RECORD, write_nowait(self->fd, zeros, size));
	EXPECT_EQ(-EAGAIN, write_nowait(self->fd, zeros, size));
	munmap(zeros, size);
}

TEST_F(greedy, who_never_reads_loses_what_others_get)
{
	int idle = open_raw(0, O_RDONLY), seq;

	ASSERT_LE(0, idle);
	for (seq = 0; seq < 1000; seq += 50) {
		ASSERT_EQ(0, trigger(self->fd, 50));
		EXPECT_READ(self->fd, seq, 50);
	}
	EXPECT_EQ(0, STAT(self->fd, lost));
	EXPECT_EQ(0, STAT(idle, read));
	EXPECT_EQ(64, STAT(idle, lag));
	EXPECT_EQ(1000 - 64, STAT(idle, lost));
}

/* Memory is charged to the control group of who makes us keep it */

#define GROUP	"iodemo-test"

FIXTURE(charged) {
	char mount[32];
	char group[64];
};

static long write_text(const char *folder, const char *name, const char *text)
{
	char path[128];
	int fd;
	long ret;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = result(write(fd, text, strlen(text)));
	close(fd);
	return ret < 0 ? ret : 0;
}

FIXTURE_SETUP(charged)
{
	ASSERT_EQ(0, load("capacity=64"));
	strcpy(self->mount, "/tmp/iodemo.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->mount));
	if (mount("none", self->mount, "cgroup2", 0, NULL) ||
	    write_text(self->mount, "cgroup.subtree_control", "+memory")) {
		umount(self->mount);
		rmdir(self->mount);
		SKIP_FIXTURE("this kernel has no control group for memory");
	}
	snprintf(self->group, sizeof(self->group), "%s/%s", self->mount, GROUP);
	ASSERT_EQ(0, result(mkdir(self->group, 0700)));
}

FIXTURE_TEARDOWN(charged)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
	while (self->group[0] && rmdir(self->group) && errno == EBUSY)
		sched_yield();
	umount(self->mount);
	rmdir(self->mount);
}

/* Bytes that the group holds */
static long held(const char *group)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "%s/memory.current", group);
	return read_file(path, text, sizeof(text)) > 0 ? atol(text) : -1;
}

/*
 * What a process takes from the device in its group, in bytes, and what is left of
 * that when it is gone; or -errno
 */
struct taken {
	long grew;
	long left;
};

static struct taken takes(const char *group, long (*take)(long count), long count)
{
	struct taken taken = { .grew = -EPIPE };
	int told[2], go[2];
	__u64 since;
	long before;
	pid_t pid;
	char byte;

	if (pipe(told) || pipe(go))
		return taken;
	pid = fork();
	if (!pid) {
		long ret;

		close(go[1]);
		close(told[0]);
		if (write_text(group, "cgroup.procs", "0") || allow_files(count + 1000))
			_exit(1);
		/* What it needs itself, it has then. */
		take(1);
		before = held(group);
		ret = take(count);
		ret = ret ? ret : held(group) - before;
		if (write(told[1], &ret, sizeof(ret)) != sizeof(ret))
			_exit(1);
		read(go[0], &byte, 1);
		_exit(0);
	}
	close(told[1]);
	close(go[0]);
	if (read(told[0], &taken.grew, sizeof(taken.grew)) != sizeof(taken.grew))
		taken.grew = -EPIPE;
	close(told[0]);
	close(go[1]);
	waitpid(pid, NULL, 0);
	/* Some of it is freed a little later. */
	for (since = clock_ns(); clock_ns() - since < PATIENCE * 1000000000ULL; sched_yield()) {
		taken.left = held(group);
		if (taken.left < taken.grew / 4)
			break;
	}
	return taken;
}

/* The memory of one, in bytes, at the least */
#define EXPECT_CHARGED(take, count, bytes)				\
	do {								\
		struct taken taken_ = takes(self->group, take, count);	\
									\
		EXPECT_LE((long)(count) * (bytes), taken_.grew);	\
		EXPECT_LE(taken_.left, taken_.grew / 4);		\
	} while (0)

static long take_files(long count)
{
	while (count--) {
		int fd = open_raw(0, O_RDWR);

		if (fd < 0)
			return fd;
	}
	return 0;
}

TEST_F_TIMEOUT(charged, files_are, LONG_TEST)
{
	EXPECT_CHARGED(take_files, 3000, 4096 + 256);
}

/* Requests that wait, on some files */
static long take_requests(long count)
{
	static struct iodemo_record record;
	static struct iocb iocb;
	static aio_context_t context;
	int fd = -1;
	long i;

	if (!context && aio_setup(20000, &context))
		return -EAGAIN;
	for (i = 0; i < count; i++) {
		if (i % IODEMO_PENDING_MAX == 0)
			fd = open_raw(0, O_RDWR);
		if (aio_submit_read(context, &iocb, fd, &record, RECORD) != 1)
			return -EAGAIN;
	}
	return 0;
}

TEST_F_TIMEOUT(charged, requests_that_wait_are, LONG_TEST)
{
	EXPECT_CHARGED(take_requests, 16000, 192);
}

static long take_signals(long count)
{
	while (count--) {
		int fd = open_raw(0, O_RDWR);

		if (fd < 0 || fcntl(fd, F_SETFL, O_ASYNC))
			return -errno;
	}
	return 0;
}

TEST_F_TIMEOUT(charged, files_with_signals_are, LONG_TEST)
{
	EXPECT_CHARGED(take_signals, 3000, 4096 + 256 + 128);
}

/* What was spliced into a pipe, and stays there: a page for each splice */
static long take_pages(long count)
{
	int pipe_[2], fd = open_raw(0, O_RDWR);
	long i;

	for (i = 0; i < count; i++) {
		if (i % 16 == 0 && pipe2(pipe_, O_NONBLOCK))
			return -errno;
		if (trigger(fd, 1) || splice(fd, NULL, pipe_[1], NULL, RECORD, 0) != RECORD)
			return -errno;
	}
	return 0;
}

TEST_F_TIMEOUT(charged, pages_in_pipes_are, LONG_TEST)
{
	EXPECT_CHARGED(take_pages, 2000, 4096);
}

/* 100,000 files */

#define MANY	100000

TEST_F_TIMEOUT(greedy, files_in_large_numbers_hold_up_no_other, 600)
{
	static const char file_max[] = "/proc/sys/fs/file-max";
	long count = enough(MANY), i;
	char old[32], more[32];
	pid_t pid;
	int done[2];
	char byte;

	ASSERT_LT(0, read_file(file_max, old, sizeof(old)));
	snprintf(more, sizeof(more), "%d", 2 * MANY);
	ASSERT_EQ(0, write_text("/proc/sys/fs", "file-max", more));
	ASSERT_EQ(0, pipe(done));
	pid = fork();
	if (!pid) {
		close(done[0]);
		if (allow_files(count + 100) || become_user() || take_files(count))
			_exit(1);
		if (write(done[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(done[1]);
	ASSERT_EQ(1, read(done[0], &byte, 1));

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_READ(self->fd, i, 1);
	}
	i = open_raw(0, O_RDONLY);
	EXPECT_LE(0, i);
	/* None of them was looked at: nobody waits on them. */
	EXPECT_EQ(0, STAT(self->fd, wakeups));

	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(0, write_text("/proc/sys/fs", "file-max", old));
}

TEST_HARNESS_MAIN
