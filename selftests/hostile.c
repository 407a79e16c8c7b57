// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that mean harm: memory that nobody serves, that can't be written, or
 * that is more than they may have, and contexts of kernel AIO that are gone. They
 * crash nothing, hold up nobody else, and die when they are killed.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"
#include "iodemo_rawaio.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* A request in a context that the kernel takes back at once */

#define ROUNDS		40	/* at most */
#define HITS		3	/* are enough */
#define ATTEMPTS	2000	/* of io_setup(), in a round */
#define HIT		7

FIXTURE(left_behind) {
	int fd;
	int shared;	/* what the processes read that leave a request behind */
};

FIXTURE_SETUP(left_behind)
{
	ASSERT_EQ(0, load("capacity=64"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->shared = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->shared);
}

FIXTURE_TEARDOWN(left_behind)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

static struct {
	atomic_ulong context;
	int fd;
} guess;

/* Exits with its request pending, if the guess comes true. */
static void *submit_to_the_guessed_context(void *unused)
{
	static struct iodemo_record record;
	struct iocb iocb;

	while (aio_submit_read(guess.context, &iocb, guess.fd, &record, RECORD) != 1)
		;
	syscall(SYS_exit_group, HIT);
	return NULL;
}

/*
 * io_setup() makes a context, can't tell its name, and takes it back: meanwhile
 * it can be used by who knows where the kernel puts the next one.
 */
static void leave_a_request_behind(int fd)
{
	long size = sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	aio_context_t context;
	pthread_t thread;
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	guess.fd = fd;
	*(long *)page = 0;
	if (mprotect(page, size, PROT_READ) ||
	    pthread_create(&thread, NULL, submit_to_the_guessed_context, NULL) ||
	    aio_setup(1, &context) || aio_destroy(context))
		_exit(1);
	guess.context = context;
	for (i = 0; i < ATTEMPTS; i++)
		syscall(SYS_io_setup, 1, page);
	_exit(0);
}

TEST_F_TIMEOUT(left_behind, by_a_failed_io_setup_touches_nothing_of_a_process_that_is_gone, 300)
{
	struct iodemo_record record;
	int hits = 0, seq = 0;
	int round, status;

	for (round = 0; round < ROUNDS && hits < HITS; round++) {
		/* It shares the descriptors, so that its exit closes no file. */
		pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
		int cpu;

		ASSERT_LE(0, pid);
		if (!pid)
			leave_a_request_behind(self->shared);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFEXITED(status));
		ASSERT_NE(1, WEXITSTATUS(status));
		hits += WEXITSTATUS(status) == HIT;
		/* On each processor: none of them lends a dead address space. */
		for (cpu = 0; cpu < processors_online(); cpu++) {
			ASSERT_EQ(0, pin_to(cpu));
			ASSERT_EQ(0, trigger(self->fd, 1));
			EXPECT_READ(self->fd, seq, 1);
			seq++;
		}
		while (read_nowait(self->shared, &record, RECORD) == RECORD)
			EXPECT_SAMPLE(&record, record.seq);
	}
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, close(self->shared));
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=64"));
	if (!hits)
		SKIP(return, "no request got into a context in time");
}

/* A call whose buffer is a page that nobody will ever serve */

struct stuck_call {
	bool is_aio;
	bool is_write;
	bool ready;	/* it could be done at once but for its buffer */
	int fd;		/* or -1: a file of its own */

	struct stuck_page stuck;
	aio_context_t context;
	struct iocb iocb;
	int returned;	/* eventfd */
	long result;
};

static void *make_stuck_call(void *arg)
{
	struct stuck_call *c = arg;
	void *page = c->stuck.page;

	if (c->is_aio && c->is_write)
		c->result = aio_submit_write(c->context, &c->iocb, c->fd, page, RECORD);
	else if (c->is_aio)
		c->result = aio_submit_read(c->context, &c->iocb, c->fd, page, RECORD);
	else if (c->is_write)
		c->result = result(write(c->fd, page, RECORD));
	else
		c->result = result(read(c->fd, page, RECORD));
	eventfd_write(c->returned, 1);
	return NULL;
}

static bool have_userfaultfd(void)
{
	struct stuck_page stuck;
	bool made = stuck_page_make(&stuck);

	if (stuck.uffd >= 0)
		close(stuck.uffd);
	return made;
}

/* A thread that calls; wait until it is stuck, or has returned. */
static long start_stuck_call(struct stuck_call *c)
{
	struct pollfd fds[2];
	pthread_attr_t attr;
	pthread_t thread;
	long err;
	int ready;

	if (c->fd < 0)
		c->fd = open_raw(0, O_RDWR);
	if (c->fd < 0)
		return c->fd;
	if (!stuck_page_make(&c->stuck))
		return -EOPNOTSUPP;
	/* Without it, it can't be polled. */
	if (fcntl(c->stuck.uffd, F_SETFL, O_NONBLOCK))
		return -errno;
	c->returned = eventfd(0, EFD_CLOEXEC);
	if (c->returned < 0)
		return -errno;
	if (c->is_aio) {
		err = aio_setup(1, &c->context);
		if (err)
			return err;
	}
	if (c->ready && !c->is_write)
		trigger(c->fd, 1);
	if (!c->ready && c->is_write)
		fill_queue(c->fd);

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1 << 16);
	err = pthread_create(&thread, &attr, make_stuck_call, c);
	if (err)
		return -err;
	fds[0] = (struct pollfd){ .fd = c->stuck.uffd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = c->returned, .events = POLLIN };
	ready = poll(fds, 2, PATIENCE * 1000);
	return ready > 0 ? 0 : ready ? -errno : -ETIMEDOUT;
}

/* And let it have what it waits for, if it waits for anything but its page. */
static long begin_stuck_call(void *arg)
{
	struct stuck_call *c = arg;
	long err = start_stuck_call(c);

	return err ? err : trigger(c->fd, 1);
}

FIXTURE(stuck) {
	int fd;
	struct stuck_call call;
};

FIXTURE_VARIANT(stuck) {
	bool is_aio;
	bool is_write;
	bool ready;
};

FIXTURE_VARIANT_ADD(stuck, io_submit_of_a_read) {
	.is_aio = true,
};

FIXTURE_VARIANT_ADD(stuck, io_submit_of_a_read_of_what_is_there) {
	.is_aio = true,
	.ready = true,
};

FIXTURE_VARIANT_ADD(stuck, io_submit_of_a_write) {
	.is_aio = true,
	.is_write = true,
};

FIXTURE_VARIANT_ADD(stuck, io_submit_of_a_write_that_there_is_room_for) {
	.is_aio = true,
	.is_write = true,
	.ready = true,
};

FIXTURE_VARIANT_ADD(stuck, read) {
	.ready = true,
};

FIXTURE_VARIANT_ADD(stuck, write) {
	.is_write = true,
	.ready = true,
};

FIXTURE_SETUP(stuck)
{
	ASSERT_EQ(0, load("capacity=1024"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->call = (struct stuck_call){
		.is_aio = variant->is_aio,
		.is_write = variant->is_write,
		.ready = variant->ready,
		.fd = -1,
	};
}

FIXTURE_TEARDOWN(stuck)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

TEST_F_TIMEOUT(stuck, ends_with_its_process_and_the_module_is_free, LONG_TEST)
{
	enum death deaths[] = { DEATH_SIGKILL, DEATH_EXIT, DEATH_EXEC };
	int i;

	if (!have_userfaultfd())
		SKIP(return, "no userfaultfd in this kernel");
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, close(self->fd));
		EXPECT_DIES_IN_TIME(deaths[i], begin_stuck_call, &self->call);
		EXPECT_EQ(0, unload_when_free());
		ASSERT_EQ(0, load("capacity=1024"));
		self->fd = open_raw(0, O_RDWR);
		ASSERT_LE(0, self->fd);
	}
}

/* A request and a sleeping read() on the test's file */
static long begin_reads_behind(void *fd)
{
	static struct iodemo_record record;
	static struct sleeper s;
	static struct iocb iocb;
	aio_context_t context;
	long ret = aio_setup(1, &context);

	if (ret)
		return ret;
	ret = aio_submit_read(context, &iocb, *(int *)fd, &record, RECORD);
	if (ret != 1)
		return ret ? ret : -EAGAIN;
	s = reader(*(int *)fd, 1);
	if (!sleeper_start(&s))
		return -EAGAIN;
	sleeper_sleeps(&s);
	return 0;
}

TEST_F_TIMEOUT(stuck, holds_up_nobody_who_has_the_same_file, LONG_TEST)
{
	struct victim v = {
		.death = DEATH_SIGKILL,
		.begin = begin_stuck_call,
		.arg = &self->call,
	};
	struct iodemo_record record;
	aio_context_t context;
	struct iocb iocb;
	long got, took;

	if (!have_userfaultfd())
		SKIP(return, "no userfaultfd in this kernel");
	self->call.fd = self->fd;
	ASSERT_EQ(0, victim_start(&v));
	/* Samples, and echoes of what filled the queue */
	do {
		got = read_nowait(self->fd, &record, RECORD);
	} while (got == RECORD);
	EXPECT_EQ(-EAGAIN, got);
	ASSERT_EQ(0, aio_setup(1, &context));
	ASSERT_EQ(1, aio_submit_read(context, &iocb, self->fd, &record, RECORD));
	ASSERT_EQ(0, trigger(self->fd, 1));
	/* Who is in the middle of read() has the place in the file. */
	if (variant->is_aio)
		EXPECT_EQ(RECORD, aio_event(context));
	EXPECT_EQ(0, aio_destroy(context));
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_reads_behind, &self->fd);
	EXPECT_DIES_IN_TIME(DEATH_EXIT, begin_reads_behind, &self->fd);
	took = victim_dies(&v);
	EXPECT_LT(0, took);
	victim_end(&v);
}

TEST_F_TIMEOUT(stuck, holds_up_no_other_file, LONG_TEST)
{
	struct victim v = {
		.death = DEATH_SIGKILL,
		.begin = begin_stuck_call,
		.arg = &self->call,
	};
	struct iodemo_record record = raw_record("free"), got;
	aio_context_t context;
	struct iocb iocb;
	long seq;

	if (!have_userfaultfd())
		SKIP(return, "no userfaultfd in this kernel");
	ASSERT_EQ(0, victim_start(&v));
	while (read_nowait(self->fd, &got, RECORD) == RECORD)
		;
	ASSERT_EQ(0, aio_setup(1, &context));
	ASSERT_EQ(1, aio_submit_read(context, &iocb, self->fd, &got, RECORD));
	seq = STAT(self->fd, records);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, aio_event(context));
	EXPECT_EQ(seq, (long)got.seq);
	while (variant->is_write && !variant->ready && STAT(self->fd, echoes) < TX_CAPACITY)
		ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, write_nowait(self->fd, &record, RECORD));
	ASSERT_EQ(1, aio_submit_write(context, &iocb, self->fd, &record, RECORD));
	EXPECT_EQ(RECORD, aio_event(context));
	EXPECT_EQ(0, set_config(self->fd, 0, 2));
	EXPECT_EQ(0, result(ioctl(self->fd, IODEMO_RESERVE)));
	EXPECT_EQ(0, result(ioctl(self->fd, IODEMO_RELEASE)));
	EXPECT_EQ(0, aio_destroy(context));
	EXPECT_LT(0, victim_dies(&v));
	victim_end(&v);
}

static long begin_stuck_call_and_destroy_another_context(void *call)
{
	static struct iodemo_record record;
	struct stuck_call *c = call;
	aio_context_t context;
	struct iocb iocb;
	long ret = aio_setup(1, &context);

	if (ret)
		return ret;
	ret = start_stuck_call(c);
	if (ret)
		return ret;
	ret = aio_submit_read(context, &iocb, c->fd, &record, RECORD);
	if (ret != 1)
		return ret ? ret : -EAGAIN;
	ret = trigger(c->fd, 2);
	return ret ? ret : aio_destroy(context);
}

TEST_F_TIMEOUT(stuck, holds_up_no_io_destroy_of_another_context, LONG_TEST)
{
	if (!have_userfaultfd())
		SKIP(return, "no userfaultfd in this kernel");
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_stuck_call_and_destroy_another_context,
			    &self->call);
}

/* Many such calls, each on a file of its own */

#define STUCK	300

FIXTURE(starved) {
	int fd;
};

FIXTURE_SETUP(starved)
{
	ASSERT_EQ(0, load("capacity=1024"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(starved)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

static long begin_many_stuck_calls(void *unused)
{
	struct stuck_call *calls = calloc(STUCK, sizeof(*calls));
	long err = allow_files(4 * STUCK + 64);
	int i;

	for (i = 0; i < STUCK && !err; i++) {
		calls[i] = (struct stuck_call){ .is_aio = true, .fd = -1 };
		err = start_stuck_call(&calls[i]);
	}
	return err ? err : trigger(calls[0].fd, 1);
}

TEST_F_TIMEOUT(starved, request_completes_while_300_files_have_one_that_is_stuck, LONG_TEST)
{
	struct victim v = { .death = DEATH_SIGKILL, .begin = begin_many_stuck_calls };
	struct iodemo_record record;
	aio_context_t context;
	struct iocb iocb;

	if (!have_userfaultfd())
		SKIP(return, "no userfaultfd in this kernel");
	ASSERT_EQ(0, victim_start(&v));
	EXPECT_READ(self->fd, 0, 1);
	ASSERT_EQ(0, aio_setup(1, &context));
	ASSERT_EQ(1, aio_submit_read(context, &iocb, self->fd, &record, RECORD));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, aio_event(context));
	EXPECT_SAMPLE(&record, 1);
	EXPECT_EQ(0, aio_destroy(context));
	EXPECT_LT(0, victim_dies(&v));
	victim_end(&v);
}

TEST_F_TIMEOUT(starved, process_with_300_stuck_requests_is_gone_in_100_ms, LONG_TEST)
{
	if (!have_userfaultfd())
		SKIP(return, "no userfaultfd in this kernel");
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_many_stuck_calls, NULL);
}

/* Pinned memory is charged to the user, who has a limit. */

FIXTURE(charged) {
};

FIXTURE_SETUP(charged)
{
	ASSERT_EQ(0, load("capacity=64"));
}

FIXTURE_TEARDOWN(charged)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

/* As a user that may pin one page: the second request finds no memory. */
static long begin_to_pin_pages(void *unused)
{
	long size = sysconf(_SC_PAGESIZE);
	struct rlimit limit = { size, size };
	char *pages = aligned_alloc(size, 2 * size);
	struct iocb iocbs[2];
	aio_context_t context;
	long ret;
	int fd, i;

	memset(pages, 0, 2 * size);
	ret = become_user();
	if (ret)
		return ret;
	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	fd = open_raw(0, O_RDWR);
	if (fd < 0)
		return fd;
	ret = aio_setup(2, &context);
	if (ret)
		return ret;
	/* What has completed is not charged any more. */
	for (i = 0; i < 20; i++) {
		if (aio_submit_read(context, &iocbs[0], fd, pages, RECORD) != 1)
			return -EPROTO;
		if (i && aio_submit_read(context, &iocbs[1], fd, pages + size, RECORD) != 1)
			return -EPROTO;
		if (i && aio_event(context) != -ENOMEM)
			return -EBADE;
		if (!aio_nothing_complete(context))
			return -EALREADY;
		ret = trigger(fd, 1);
		if (ret)
			return ret;
		ret = aio_event(context);
		if (ret != RECORD)
			return ret;
	}
	return 0;
}

TEST_F_TIMEOUT(charged, request_beyond_RLIMIT_MEMLOCK_is_ENOMEM, LONG_TEST)
{
	struct victim v = { .death = DEATH_SIGKILL, .begin = begin_to_pin_pages };

	EXPECT_EQ(0, victim_start(&v));
	EXPECT_LT(0, victim_dies(&v));
	victim_end(&v);
}

/* TRIGGER whose count can't be written back */

FIXTURE(count) {
	int fd;
	__u32 *page;
};

FIXTURE_SETUP(count)
{
	long size = sysconf(_SC_PAGESIZE);

	ASSERT_EQ(0, load("capacity=64"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	ASSERT_NE(MAP_FAILED, self->page);
	self->page[0] = 5;
	self->page[1] = ~0U;
	ASSERT_EQ(0, mprotect(self->page, size, PROT_READ));
}

IODEMO_FIXTURE_TEARDOWN(count)

TEST_F(count, in_read_only_memory_is_EFAULT_and_nothing_is_fired)
{
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_TRIGGER, &self->page[0])));
	EXPECT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_TRIGGER, &self->page[1])));
	EXPECT_EQ(0, STAT(self->fd, interrupts));
	EXPECT_EQ(5U, self->page[0]);
	EXPECT_EQ(~0U, self->page[1]);
	EXPECT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
}

static void *send_signals(void *arg)
{
	struct sleeper *s = arg;

	while (!s->done) {
		pthread_kill(s->thread, SIGUSR1);
		sched_yield();
	}
	return NULL;
}

TEST_F(count, in_read_only_memory_is_EFAULT_though_a_signal_is_pending)
{
	struct sleeper s = { .thread = pthread_self() };
	pthread_t thread;
	int before, i;

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_signals, &s));
	before = signals_caught;
	for (i = 0; i < 1000 || signals_caught < before + 1000; i++) {
		__u32 *page = &self->page[i & 1];

		ASSERT_EQ(-EFAULT, result(ioctl(self->fd, IODEMO_TRIGGER, page)));
	}
	s.done = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, STAT(self->fd, interrupts));
}

/* The kernel probes the driver in a thread of its own. */

TEST(module_with_async_probe_makes_a_device_that_works)
{
	int fd;

	ASSERT_EQ(0, load("async_probe=1"));
	do {
		fd = open_raw(0, O_RDWR);
	} while (fd == -ENOENT && !sched_yield());
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, trigger(fd, 2));
	EXPECT_READ(fd, 0, 2);
	close_all();
	EXPECT_EQ(0, unload());
}

TEST(module_with_async_probe_is_unloaded_as_soon_as_it_is_loaded)
{
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, load("async_probe=1 devices=4"));
		ASSERT_EQ(0, unload_when_free());
	}
}

TEST(async_probe_with_a_bad_parameter_is_EINVAL)
{
	EXPECT_EQ(-EINVAL, load("async_probe=1 burst=0"));
	ASSERT_EQ(0, load("async_probe=1"));
	EXPECT_EQ(0, unload_when_free());
}

TEST_HARNESS_MAIN
