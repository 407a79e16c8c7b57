// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel has no memory, or a copy from or to the program fails: at the first
 * place where a call could fail so, at the second one, and so on until the call
 * meets none any more. Each failure is a clean error, and all is as before.
 *
 * It is /proc/PID/fail-nth that lets the nth of them fail, of the calling thread.
 * A leak is found by kmemleak, at the end of the run.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"
#include "iodemo_rawaio.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>

#ifdef HAVE_LIBURING
#include "iodemo_uring.h"
#endif

#define READY		3	/* records that wait for the file */
#define PLACES_MAX	100000	/* where a call could fail: more there are not */
#define HIGH_FD		900	/* past what a process's first table of files holds */
#define LONG_LOOP	1800

/* Making calls fail */

static int fail_nth = -1;

/*
 * Memory of every kind, and in silence: the log is for what nobody expects. NULL:
 * done, else what is not there
 */
static const char *can_fail(void)
{
	static const char *const settings[][2] = {
		{ "/sys/kernel/debug/failslab/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/failslab/verbose", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "/sys/kernel/debug/fail_page_alloc/min-order", "0" },
		{ "/sys/kernel/debug/fail_page_alloc/verbose", "0" },
		{ "/sys/kernel/debug/fail_usercopy/verbose", "0" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (write_file(settings[i][0], settings[i][1]))
			return settings[i][0];
	return NULL;
}

/* The next calls of this thread, until disarm() */
static void arm(unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	if (pwrite(fail_nth, text, strlen(text), 0) < 0)
		abort();
}

/* Return: at how many places could it have failed? @nth, if it has. */
static unsigned int disarm(unsigned int nth)
{
	char text[16] = "";
	long got = result(pread(fail_nth, text, sizeof(text) - 1, 0));
	/* If one was left, it is this read that has failed. */
	unsigned int left = got == -EFAULT ? 1 : atoi(text);

	/* And if two were left, it is the first of these writes. */
	if (pwrite(fail_nth, "0", 1, 0) != 1 && pwrite(fail_nth, "0", 1, 0) != 1)
		abort();
	return nth - left;
}

/* One attempt */

struct attempt {
	unsigned int nth;
	unsigned int places;	/* that it has come to */
	long gave;
	const char *wrong;

	int fd;			/* for reading and writing of raw records, with READY of them */
	struct iodemo_record records[16];
};

static bool has_failed(const struct attempt *a)
{
	return a->places == a->nth;
}

#define ATTEMPT(a, call)						\
	do {								\
		long ret_;						\
									\
		arm((a)->nth);						\
		ret_ = result(call);					\
		(a)->places = disarm((a)->nth);				\
		(a)->gave = ret_;					\
	} while (0)

static void must(struct attempt *a, bool holds, const char *what)
{
	if (!holds && !*a->wrong)
		a->wrong = what;
}

/* Of a read or write of raw records */
static long whole(const struct attempt *a)
{
	return a->gave < 0 ? 0 : a->gave / RECORD;
}

/* Opening, and what is asked of a file */

static void try_open(struct attempt *a)
{
	ATTEMPT(a, open_device(0, O_RDWR));
	if (a->gave >= 0)
		close(a->gave);
}

static void try_dup(struct attempt *a)
{
	ATTEMPT(a, fcntl(a->fd, F_DUPFD_CLOEXEC, HIGH_FD));
	if (a->gave >= 0)
		close(a->gave);
}

static void try_fdinfo(struct attempt *a)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", a->fd);
	ATTEMPT(a, read_file(path, text, sizeof(text)));
	must(a, a->gave < 0 || strstr(text, "iodemo-lag:\t3\n"), "fdinfo has lost something");
}

/* ioctls */

static void try_get_info(struct attempt *a)
{
	struct iodemo_info info;

	ATTEMPT(a, ioctl(a->fd, IODEMO_GET_INFO, &info));
}

static void try_get_config(struct attempt *a)
{
	struct iodemo_config config;

	ATTEMPT(a, ioctl(a->fd, IODEMO_GET_CONFIG, &config));
}

static void try_get_client(struct attempt *a)
{
	struct iodemo_client_config client;

	ATTEMPT(a, ioctl(a->fd, IODEMO_GET_CLIENT, &client));
}

/* Who has not been told what was lost still has that to ask for. */
static void try_get_stats(struct attempt *a)
{
	struct iodemo_stats stats;

	trigger(a->fd, 64);
	ATTEMPT(a, ioctl(a->fd, IODEMO_GET_STATS, &stats));
	must(a, !!(poll_now(a->fd, POLLPRI) & POLLPRI) == (a->gave < 0), "POLLPRI");
}

static void try_bytes(struct attempt *a)
{
	int bytes;

	ATTEMPT(a, ioctl(a->fd, FIONREAD, &bytes));
	must(a, a->gave < 0 || bytes == READY * RECORD, "the number of bytes is another");
}

static void try_set_client(struct attempt *a)
{
	struct iodemo_client_config client;

	ATTEMPT(a, set_client(a->fd, IODEMO_FORMAT_RAW, 2));
	must(a, !ioctl(a->fd, IODEMO_GET_CLIENT, &client) &&
	     client.low_water == (a->gave ? 1 : 2), "the mark is another");
}

static void try_set_config(struct attempt *a)
{
	struct iodemo_config config;

	ATTEMPT(a, set_config(a->fd, 0, 2));
	must(a, !ioctl(a->fd, IODEMO_GET_CONFIG, &config) && config.burst == (a->gave ? 1 : 2),
	     "the burst is another");
	set_config(a->fd, 0, 1);
}

static void try_trigger(struct attempt *a)
{
	long before = STAT(a->fd, interrupts);

	ATTEMPT(a, trigger(a->fd, 1));
	must(a, STAT(a->fd, interrupts) == before + (a->gave ? 0 : 1), "interrupts");
}

/* Reading and writing */

static void try_read(struct attempt *a)
{
	ATTEMPT(a, read(a->fd, a->records, 2 * RECORD));
	must(a, STAT(a->fd, read) == whole(a), "the cursor is elsewhere");
}

static void try_read_text(struct attempt *a)
{
	char text[1024];
	long i, lines = 0;

	set_client(a->fd, IODEMO_FORMAT_TEXT, 1);
	ATTEMPT(a, read(a->fd, text, sizeof(text)));
	for (i = 0; i < a->gave; i++)
		lines += text[i] == '\n';
	must(a, STAT(a->fd, read) == lines, "the cursor is elsewhere");
}

/* So many that their list needs memory */
static void try_readv(struct attempt *a)
{
	struct iovec iov[16];
	int i;

	for (i = 0; i < 16; i++)
		iov[i] = (struct iovec){ &a->records[i], RECORD };
	ATTEMPT(a, readv(a->fd, iov, 16));
	must(a, STAT(a->fd, read) == whole(a), "the cursor is elsewhere");
}

static void wrote(struct attempt *a)
{
	long before = STAT(a->fd, echoes), queued = whole(a);

	trigger(a->fd, 1);
	must(a, STAT(a->fd, echoes) == before + queued, "not what was written was sent");
}

static void try_write(struct attempt *a)
{
	ATTEMPT(a, write_records(a->fd, 2));
	wrote(a);
}

static void try_write_text(struct attempt *a)
{
	static const char text[] = "a line\nanother\n";

	set_client(a->fd, IODEMO_FORMAT_TEXT, 1);
	ATTEMPT(a, write(a->fd, text, sizeof(text) - 1));
	ioctl(a->fd, IODEMO_FLUSH);
}

static void try_splice_out(struct attempt *a)
{
	char bytes[4 * sizeof(struct iodemo_record)];
	int pipe[2];

	must(a, !pipe2(pipe, O_NONBLOCK), "no pipe");
	ATTEMPT(a, splice(a->fd, NULL, pipe[1], NULL, sizeof(bytes), SPLICE_F_NONBLOCK));
	must(a, STAT(a->fd, read) == whole(a), "the cursor is elsewhere");
	must(a, result(read(pipe[0], bytes, sizeof(bytes))) ==
	     (a->gave > 0 ? a->gave : -EAGAIN), "the pipe has something else");
	close(pipe[0]);
	close(pipe[1]);
}

static void try_splice_in(struct attempt *a)
{
	struct iodemo_record two[2] = { raw_record("one"), raw_record("two") };
	char bytes[sizeof(two)];
	int pipe[2];

	must(a, !pipe2(pipe, O_NONBLOCK) && write(pipe[1], two, sizeof(two)) == sizeof(two),
	     "no pipe");
	ATTEMPT(a, splice(pipe[0], NULL, a->fd, NULL, sizeof(two), SPLICE_F_NONBLOCK));
	wrote(a);
	must(a, result(read(pipe[0], bytes, sizeof(bytes))) ==
	     (whole(a) == 2 ? -EAGAIN : (2 - whole(a)) * RECORD), "the pipe has something else");
	close(pipe[0]);
	close(pipe[1]);
}

/* Waiting */

static void try_poll(struct attempt *a)
{
	struct pollfd p[200];
	int i;

	for (i = 0; i < 200; i++)
		p[i] = (struct pollfd){ .fd = a->fd, .events = POLLIN };
	ATTEMPT(a, poll(p, 200, 0));
	must(a, a->gave < 0 || a->gave == 200, "not all are readable");
}

static void try_select(struct attempt *a)
{
	struct timeval none = { };
	int fd = fcntl(a->fd, F_DUPFD_CLOEXEC, HIGH_FD);
	fd_set in, out;

	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = in;
	ATTEMPT(a, select(fd + 1, &in, &out, NULL, &none));
	must(a, a->gave < 0 || a->gave == 2, "it is readable and writable");
	close(fd);
}

static void try_epoll_ctl(struct attempt *a)
{
	struct epoll_event event = { .events = EPOLLIN }, out;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ATTEMPT(a, epoll_ctl(epoll, EPOLL_CTL_ADD, a->fd, &event));
	must(a, epoll_wait(epoll, &out, 1, 0) == (a->gave ? 0 : 1), "the file is in the set");
	must(a, !a->gave || !epoll_ctl(epoll, EPOLL_CTL_ADD, a->fd, &event), "it can't be added");
	close(epoll);
}

static void try_epoll_wait(struct attempt *a)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	must(a, !epoll_ctl(epoll, EPOLL_CTL_ADD, a->fd, &event), "it can't be added");
	ATTEMPT(a, epoll_wait(epoll, &event, 1, 0));
	must(a, epoll_wait(epoll, &event, 1, 0) == 1, "the event is gone");
	close(epoll);
}

static void try_fasync(struct attempt *a)
{
	int flags = fcntl(a->fd, F_GETFL);

	ATTEMPT(a, fcntl(a->fd, F_SETFL, flags | O_ASYNC));
	must(a, !!(fcntl(a->fd, F_GETFL) & O_ASYNC) == !a->gave, "O_ASYNC");
	fcntl(a->fd, F_SETFL, flags);
}

/* Mappings */

static void try_map(struct attempt *a, int prot, off_t offset)
{
	long *map;

	ATTEMPT(a, (map = mmap(NULL, 4096, prot, MAP_SHARED, a->fd, offset)) == MAP_FAILED ?
		-1 : 0);
	if (a->gave)
		return;
	must(a, __atomic_load_n(map, __ATOMIC_RELAXED) == STAT(a->fd, records) -
	     (offset == IODEMO_MMAP_RING ? 0 : READY), "the page is another");
	munmap(map, 4096);
}

static void try_map_ring(struct attempt *a)
{
	try_map(a, PROT_READ, IODEMO_MMAP_RING);
}

static void try_map_cursor(struct attempt *a)
{
	try_map(a, PROT_READ | PROT_WRITE, IODEMO_MMAP_CURSOR);
}

/* Kernel AIO */

static void read_all(int fd)
{
	struct iodemo_record record;

	while (read_nowait(fd, &record, sizeof(record)) > 0)
		;
}

static void try_aio_setup(struct attempt *a)
{
	aio_context_t context = 0;

	ATTEMPT(a, aio_setup(4, &context));
	if (context)
		aio_destroy(context);
}

/* Submitted, and then fired: it gets what comes, or it was not there. */
static void try_aio(struct attempt *a, long (*submit)(aio_context_t context, struct iocb *iocb,
						      int fd, void *buf, size_t size))
{
	aio_context_t context;
	struct iocb iocb;
	long event;

	a->records[0] = raw_record("request");
	must(a, !aio_setup(4, &context), "no context");
	ATTEMPT(a, submit(context, &iocb, a->fd, a->records, RECORD));
	trigger(a->fd, 1);
	event = aio_event_within(context, a->gave == 1 ? PATIENCE : 0);
	must(a, a->gave != 1 || event == RECORD || (has_failed(a) && event < 0), "the event");
	must(a, a->gave == 1 || event == -ETIMEDOUT, "an event of what was not submitted");
	/* The event tells it too */
	if (a->gave == 1 && event < 0)
		a->gave = event;
	aio_destroy(context);
}

static void try_aio_read_now(struct attempt *a)
{
	try_aio(a, aio_submit_read);
	must(a, STAT(a->fd, read) == (a->gave == 1), "the cursor is elsewhere");
}

static void try_aio_read_later(struct attempt *a)
{
	read_all(a->fd);
	try_aio(a, aio_submit_read);
	must(a, STAT(a->fd, read) == READY + (a->gave == 1), "the cursor is elsewhere");
}

static void try_aio_write_now(struct attempt *a)
{
	long before = STAT(a->fd, echoes);

	try_aio(a, aio_submit_write);
	must(a, STAT(a->fd, echoes) == before + (a->gave == 1), "not what was written was sent");
}

static void try_aio_write_later(struct attempt *a)
{
	long before;

	fill_queue(a->fd);
	before = STAT(a->fd, echoes);
	try_aio(a, aio_submit_write);
	trigger(a->fd, TX_CAPACITY / TX_DRAIN);
	must(a, STAT(a->fd, echoes) == before + TX_CAPACITY + (a->gave == 1),
	     "not what was written was sent");
}

#ifdef HAVE_LIBURING

/* io_uring: what it gives is the submission's error, or else the completion's. */
static void try_uring(struct attempt *a, __u32 op, bool fires)
{
	struct __kernel_timespec patience = { .tv_sec = PATIENCE };
	struct io_uring_cqe *cqe = NULL;
	struct io_uring ring;
	long ret;

	must(a, !io_uring_queue_init(4, &ring, 0), "no ring");
	if (op == IORING_OP_READ)
		prepare_read(&ring, a->fd, a->records, 1);
	else if (op == IODEMO_URING_TRIGGER)
		prepare_trigger(&ring, a->fd, 1, 1);
	else
		prepare_wait(&ring, a->fd, 1);
	arm(a->nth);
	ret = io_uring_submit(&ring);
	a->places = disarm(a->nth);
	if (ret == 1) {
		if (fires)
			trigger(a->fd, 1);
		ret = io_uring_wait_cqe_timeout(&ring, &cqe, &patience);
		if (cqe)
			ret = cqe->res;
	}
	a->gave = ret;
	io_uring_queue_exit(&ring);
}

static void try_uring_read_now(struct attempt *a)
{
	try_uring(a, IORING_OP_READ, false);
	must(a, STAT(a->fd, read) == whole(a), "the cursor is elsewhere");
}

static void try_uring_read_later(struct attempt *a)
{
	read_all(a->fd);
	try_uring(a, IORING_OP_READ, true);
	must(a, STAT(a->fd, read) == READY + whole(a), "the cursor is elsewhere");
}

static void try_uring_wait(struct attempt *a)
{
	if (since_6_7())
		read_all(a->fd);
	try_uring(a, IODEMO_URING_WAIT, since_6_7());
}

static void try_uring_trigger(struct attempt *a)
{
	long before = STAT(a->fd, interrupts);

	try_uring(a, IODEMO_URING_TRIGGER, false);
	must(a, STAT(a->fd, interrupts) == before + (a->gave >= 0), "interrupts");
}

#endif /* HAVE_LIBURING */

/* Each call, at every place */

FIXTURE(call) {
	int first;	/* keeps the device awake, and sees that it works */
};

FIXTURE_VARIANT(call) {
	void (*attempt)(struct attempt *a);
	unsigned int least;	/* places where it can fail; not so get_user() and put_user() */
	int errors[4];
};

#define CALL(name, least_, ...)						\
	FIXTURE_VARIANT_ADD(call, name) {				\
		.attempt = try_##name, .least = least_, .errors = { __VA_ARGS__ },	\
	}

CALL(open, 3, ENOMEM, EFAULT);
CALL(dup, 1, ENOMEM);
CALL(fdinfo, 3, ENOMEM, EFAULT);
CALL(get_info, 1, EFAULT);
CALL(get_config, 1, EFAULT);
CALL(get_client, 1, EFAULT);
CALL(get_stats, 1, EFAULT);
CALL(bytes, 0, EFAULT);
CALL(set_client, 1, EFAULT);
CALL(set_config, 1, EFAULT);
CALL(trigger, 0, EFAULT);
CALL(read, 1, EFAULT);
CALL(read_text, 1, EFAULT);
CALL(readv, 2, EFAULT, ENOMEM);
CALL(write, 1, EFAULT);
CALL(write_text, 1, EFAULT);
CALL(splice_out, 1, ENOMEM, EFAULT);
CALL(splice_in, 0, ENOMEM, EFAULT);
CALL(poll, 2, ENOMEM, EFAULT);
CALL(select, 2, ENOMEM, EFAULT);
CALL(epoll_ctl, 2, ENOMEM, EFAULT);
CALL(epoll_wait, 0, EFAULT);
CALL(fasync, 1, ENOMEM);
CALL(map_ring, 1, ENOMEM);
CALL(map_cursor, 1, ENOMEM);
CALL(aio_setup, 2, ENOMEM, EFAULT);
CALL(aio_read_now, 2, ENOMEM, EFAULT, EAGAIN);
CALL(aio_read_later, 3, ENOMEM, EFAULT, EAGAIN);
CALL(aio_write_now, 2, ENOMEM, EFAULT, EAGAIN);
CALL(aio_write_later, 3, ENOMEM, EFAULT, EAGAIN);
#ifdef HAVE_LIBURING
/* Where memory fails io_uring, it tries another way. */
CALL(uring_read_now, 0, ENOMEM, EFAULT, EAGAIN);
CALL(uring_read_later, 0, ENOMEM, EFAULT, EAGAIN);
CALL(uring_wait, 0, ENOMEM, EFAULT, EAGAIN);
CALL(uring_trigger, 0, ENOMEM, EFAULT, EAGAIN);
#endif

FIXTURE_SETUP(call)
{
	const char *missing = can_fail();

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (missing || fail_nth < 0)
		SKIP_FIXTURE("this kernel can't be made to fail: no %s",
			     missing ?: "/proc/PID/fail-nth");
	ASSERT_EQ(0, load("capacity=64"));
	self->first = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->first);
}

FIXTURE_TEARDOWN(call)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

static bool is_among(int error, const int *errors, int count)
{
	while (count--)
		if (errors[count] == error)
			return true;
	return false;
}

static long users(void)
{
	char text[16];

	return read_file("/sys/module/iodemo/refcnt", text, sizeof(text)) > 0 ? atol(text) : -1;
}

TEST_F_TIMEOUT(call, fails_cleanly_at_every_place, LONG_LOOP)
{
	long before = users(), records;
	struct attempt a;
	unsigned int failed = 0;

	for (unsigned int nth = 1; nth < PLACES_MAX; nth++) {
		a = (struct attempt){ .nth = nth, .wrong = "", .fd = open_raw(0, O_RDWR) };
		ASSERT_LE(0, a.fd);
		ASSERT_EQ(0, trigger(a.fd, READY));
		variant->attempt(&a);
		close(a.fd);
		EXPECT_STREQ("", a.wrong)
			TH_LOG("place %u: gave %ld", nth, a.gave);
		if (!has_failed(&a))
			break;
		failed += a.gave < 0;
		if (a.gave < 0)
			EXPECT_TRUE(is_among(-a.gave, variant->errors, ARRAY_SIZE(variant->errors)))
				TH_LOG("place %u: gave %ld", nth, a.gave);
	}
	EXPECT_FALSE(has_failed(&a));
	EXPECT_LE(0, a.gave);
	EXPECT_LE(variant->least, failed);
	TH_LOG("%u places, and at %u it failed", a.places, failed);

	/* Nothing holds the module that did not before, and the device works. */
	while (users() != before)
		sched_yield();
	ASSERT_EQ(0, ioctl(self->first, IODEMO_FLUSH));
	read_all(self->first);
	records = STAT(self->first, records);
	ASSERT_EQ(0, trigger(self->first, 2));
	EXPECT_READ(self->first, records, 2);
}

/* The device, and the module */

static long bind_now(void)
{
	return bind_device(0);
}

static long unbind_now(void)
{
	return unbind_device(0);
}

static int module_file, module_flags;

/* No more than the system call */
static long load_with(const char *parameters)
{
	return result(syscall(SYS_finit_module, module_file, parameters, module_flags));
}

static long load_now(void)
{
	return load_with("period_us=0 capacity=64");
}

/* What scripts/klog.sh is to know */
static void tell_the_log(const char *text)
{
	write_file("/dev/kmsg", text);
}

FIXTURE(life) {
};

FIXTURE_SETUP(life)
{
	const char *missing = can_fail();

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (missing || fail_nth < 0)
		SKIP_FIXTURE("this kernel can't be made to fail: no %s",
			     missing ?: "/proc/PID/fail-nth");
	ASSERT_EQ(0, load("capacity=64"));
	tell_the_log("iodemo-test: memory fails on demand\n");
}

FIXTURE_TEARDOWN(life)
{
	tell_the_log("iodemo-test: memory fails no more\n");
	close_all();
	EXPECT_EQ(0, unload());
}

/* What it gives when the nth place fails, and how many it came to */
static long fails_at(unsigned int *nth, long (*what)(void))
{
	long ret;

	arm(*nth);
	ret = what();
	*nth = disarm(*nth);
	return ret;
}

static const char *device_fault(void)
{
	struct iodemo_record record;
	int fd = open_raw(0, O_RDWR);
	const char *fault;
	long seq;

	if (fd < 0)
		return "it can't be opened";
	seq = STAT(fd, records);
	fault = trigger(fd, 1) ? "TRIGGER failed" : read_fault(fd, seq, 1);
	if (!*fault && read_nowait(fd, &record, sizeof(record)) != -EAGAIN)
		fault = "there is more than one record";
	close(fd);
	return fault;
}

TEST_F_TIMEOUT(life, bind_fails_cleanly_at_every_place, LONG_LOOP)
{
	unsigned int nth, places, failed = 0;
	long ret;

	for (nth = 1; nth < PLACES_MAX; nth++) {
		ASSERT_EQ(0, unbind_device(0));
		places = nth;
		ret = fails_at(&places, bind_now);
		if (places < nth)
			break;
		if (ret) {
			failed++;
			EXPECT_TRUE(ret == -ENOMEM || ret == -EFAULT || ret == -EBUSY)
				TH_LOG("place %u: gave %ld", nth, ret);
			EXPECT_EQ(-ENOENT, open_device(0, O_RDWR));
			ASSERT_EQ(0, bind_device(0));
		}
		EXPECT_STREQ("", device_fault())
			TH_LOG("place %u: gave %ld", nth, ret);
	}
	EXPECT_EQ(0, ret);
	EXPECT_LE(10U, failed);
	TH_LOG("%u places, and at %u it failed", places, failed);
	EXPECT_STREQ("", device_fault());
}

TEST_F_TIMEOUT(life, unbind_does_not_fail, LONG_LOOP)
{
	unsigned int nth, places;
	long ret;

	for (nth = 1; nth < PLACES_MAX; nth++) {
		places = nth;
		ret = fails_at(&places, unbind_now);
		if (places < nth)
			break;
		EXPECT_TRUE(!ret || ret == -EFAULT || ret == -ENOMEM)
			TH_LOG("place %u: gave %ld", nth, ret);
		if (!ret) {
			EXPECT_EQ(-ENOENT, open_device(0, O_RDWR));
			ASSERT_EQ(0, bind_device(0));
		}
		EXPECT_STREQ("", device_fault())
			TH_LOG("place %u: gave %ld", nth, ret);
	}
	EXPECT_EQ(0, ret);
	TH_LOG("%u places", places);
	ASSERT_EQ(0, bind_device(0));
}

/*
 * What the kernel does before it runs the module's own code is counted by a load
 * that ends just there, for a parameter is bad; of that only every eighth place is
 * tried, of what follows each one.
 */
TEST_F_TIMEOUT(life, load_fails_cleanly_at_every_place, LONG_LOOP)
{
	unsigned int nth, places, kernels, failed = 0, of_ours = 0;
	long ret;

	module_file = open_module("iodemo", &module_flags);
	ASSERT_LE(0, module_file);
	ASSERT_EQ(0, unload());
	arm(PLACES_MAX);
	ret = load_with("devices=17");
	kernels = disarm(PLACES_MAX);
	ASSERT_EQ(-EINVAL, ret);
	ASSERT_LT(8U, kernels);

	for (nth = 1; nth < PLACES_MAX; nth += nth < kernels - 8 ? 8 : 1) {
		places = nth;
		ret = fails_at(&places, load_now);
		if (places < nth)
			break;
		if (ret) {
			failed++;
			of_ours += nth >= kernels;
			/* EINVAL: for device_add() a name that found no memory is no name. */
			EXPECT_TRUE(ret == -ENOMEM || ret == -EFAULT || ret == -ENODEV ||
				    ret == -EINVAL)
				TH_LOG("place %u of %u: gave %ld", nth, kernels, ret);
			EXPECT_NE(0, access("/sys/module/iodemo", F_OK));
			EXPECT_NE(0, access("/dev/iodemo", F_OK));
			EXPECT_NE(0, access("/sys/kernel/debug/iodemo", F_OK));
			EXPECT_EQ(-1, proc_interrupts("iodemo"));
		} else {
			EXPECT_STREQ("", device_fault())
				TH_LOG("place %u of %u: gave %ld", nth, kernels, ret);
			ASSERT_EQ(0, unload());
		}
	}
	EXPECT_EQ(0, ret);
	EXPECT_LE(20U, of_ours);
	TH_LOG("%u places, %u of them before our own code; %u failed, %u of them in our own",
	       places, kernels, failed, of_ours);
	EXPECT_STREQ("", device_fault());
}

TEST_HARNESS_MAIN
