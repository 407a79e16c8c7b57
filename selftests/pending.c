// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of io_uring that wait: they keep no ring, no process and no worker
 * thread, nobody can have more of them than a file may leave pending, and one
 * interrupt completes each of them once.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"
#include "iodemo_rawaio.h"

#include <poll.h>
#include <sys/prctl.h>

#ifdef HAVE_LIBURING
#include "iodemo_uring.h"

#define FILES	4
#define MANY	200

/* A ring with commands that wait, in each kind of ring */

/* What a victim begins with: its flags and how many commands it leaves pending */
struct waits {
	unsigned int flags;
	int count;
};

/* The ring is closed after the file, and both before the pipes of the test. */
static long begin_waits(void *arg)
{
	struct waits *waits = arg;
	struct io_uring_params params = { .flags = waits->flags, .sq_thread_idle = 100 };
	int fd = open_raw(0, O_RDWR);
	long err;
	int i;

	if (fd < 0)
		return fd;
	err = io_uring_queue_init_params(PLACES, &dying_ring, &params);
	if (err)
		return err;
	for (i = 0; i < waits->count; i++)
		prepare_wait(&dying_ring, fd, i);
	submit_to_thread(&dying_ring);
	return 0;
}

static void *wait_for_ever(void *unused)
{
	while (next_result(&dying_ring) != -EINTR)
		;
	return NULL;
}

/* And a thread in io_uring_enter() */
static long begin_waits_and_enter(void *arg)
{
	long err = begin_waits(arg);
	pthread_t thread;

	return err ? err : -pthread_create(&thread, NULL, wait_for_ever, NULL);
}

FIXTURE(ring) {
	int fd;
	struct waits waits;
	bool can_wait;
};

FIXTURE_VARIANT(ring) {
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(ring, plain) {
	.flags = 0,
};

FIXTURE_VARIANT_ADD(ring, polled) {
	.flags = IORING_SETUP_IOPOLL,
};

FIXTURE_VARIANT_ADD(ring, of_a_thread) {
	.flags = IORING_SETUP_SQPOLL,
};

FIXTURE_VARIANT_ADD(ring, polled_by_a_thread) {
	.flags = IORING_SETUP_SQPOLL | IORING_SETUP_IOPOLL,
};

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, load("capacity=128"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->waits = (struct waits){ .flags = variant->flags, .count = PLACES };
	self->can_wait = variant->flags & IORING_SETUP_IOPOLL || since_6_7();
}

FIXTURE_TEARDOWN(ring)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

static long make_ring(struct io_uring *ring, unsigned int flags)
{
	struct io_uring_params params = { .flags = flags, .sq_thread_idle = 100 };

	return io_uring_queue_init_params(PLACES, ring, &params);
}

TEST_F_TIMEOUT(ring, with_waits_dies_with_its_process, LONG_TEST)
{
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_waits, &self->waits);
	EXPECT_DIES_IN_TIME(DEATH_EXIT, begin_waits, &self->waits);
	EXPECT_DIES_IN_TIME(DEATH_EXEC, begin_waits, &self->waits);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=128"));
}

TEST_F_TIMEOUT(ring, with_waits_and_a_thread_that_waits_dies_with_its_process, LONG_TEST)
{
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_waits_and_enter, &self->waits);
	EXPECT_DIES_IN_TIME(DEATH_EXIT, begin_waits_and_enter, &self->waits);
	EXPECT_DIES_IN_TIME(DEATH_EXEC, begin_waits_and_enter, &self->waits);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=128"));
}

TEST_F(ring, with_waits_can_be_closed_and_the_module_is_free)
{
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, begin_waits(&self->waits));
	io_uring_queue_exit(&dying_ring);
	close_all();
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=128"));
}

TEST_F(ring, whose_file_was_closed_first_can_be_closed_and_the_module_is_free)
{
	ASSERT_EQ(0, begin_waits(&self->waits));
	/* What is mapped of the ring is left, and keeps it. */
	close_all();
	io_uring_queue_exit(&dying_ring);
	EXPECT_EQ(0, unload_when_free());
	ASSERT_EQ(0, load("capacity=128"));
}

TEST_F(ring, with_waits_of_a_dead_process_leaves_the_records_to_others)
{
	struct victim v = { .death = DEATH_SIGKILL, .begin = begin_waits, .arg = &self->waits };

	ASSERT_EQ(0, victim_start(&v));
	EXPECT_LT(0, victim_dies(&v));
	victim_end(&v);
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_READ(self->fd, 0, 3);
}

TEST_F(ring, wait_is_complete_at_once_when_records_are_there)
{
	struct io_uring ring;

	ASSERT_EQ(0, make_ring(&ring, variant->flags));
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_READ(self->fd, 0, 2);
	prepare_wait(&ring, self->fd, 7);
	submit_to_thread(&ring);
	EXPECT_EQ(2, next_result(&ring));
	io_uring_queue_exit(&ring);
}

TEST_F(ring, wait_that_can_not_be_cancelled_is_EOPNOTSUPP_at_once)
{
	bool by_thread = variant->flags & IORING_SETUP_SQPOLL;
	struct io_uring ring;
	int i;

	if (self->can_wait)
		SKIP(return, "here it can be");
	ASSERT_EQ(0, make_ring(&ring, variant->flags));
	for (i = 0; i < PLACES; i++)
		prepare_wait(&ring, self->fd, i);
	submit_to_thread(&ring);
	for (i = 0; i < PLACES; i++)
		EXPECT_EQ(-EOPNOTSUPP, next_result(&ring));
	EXPECT_EQ(1 + by_thread, count_tasks(getpid()));
	/* Not when it is forced to a worker thread either */
	prepare_wait(&ring, self->fd, 0)->flags |= IOSQE_ASYNC;
	submit_to_thread(&ring);
	EXPECT_EQ(-EOPNOTSUPP, next_result(&ring));
	io_uring_queue_exit(&ring);
}

TEST_F(ring, wait_is_told_of_a_record_in_time)
{
	struct io_uring ring;
	long ret = -ETIME, seq;
	int i;

	if (!self->can_wait)
		SKIP(return, "no such command before Linux 6.7");
	ASSERT_EQ(0, make_ring(&ring, variant->flags));
	/* In a polled ring a guest that gets no processor can be too late. */
	for (i = 0; i < 10 && ret == -ETIME; i++) {
		prepare_wait(&ring, self->fd, 7);
		submit_to_thread(&ring);
		seq = STAT(self->fd, records);
		ASSERT_EQ(0, trigger(self->fd, 1));
		ret = next_result(&ring);
		if (ret == -ETIME)
			EXPECT_READ(self->fd, seq, 1);
	}
	EXPECT_EQ(seq, ret);
	io_uring_queue_exit(&ring);
}

TEST_F(ring, wait_that_is_polled_ends_with_ETIME_after_100_ms)
{
	struct io_uring ring;
	__u64 begin;
	int i;

	if (!(variant->flags & IORING_SETUP_IOPOLL))
		SKIP(return, "not polled");
	ASSERT_EQ(0, make_ring(&ring, variant->flags));
	begin = clock_ns();
	for (i = 0; i < PLACES; i++)
		prepare_wait(&ring, self->fd, i);
	submit_to_thread(&ring);
	for (i = 0; i < PLACES; i++) {
		EXPECT_EQ(-ETIME, next_result(&ring));
		EXPECT_LE(IODEMO_URING_POLL_MS * 1000000ULL, clock_ns() - begin);
	}
	/* All that were submitted together had the same deadline. */
	EXPECT_GT(PLACES * IODEMO_URING_POLL_MS * 1000000ULL, clock_ns() - begin);
	io_uring_queue_exit(&ring);
}

TEST_F(ring, wait_that_is_polled_ends_while_others_do_not_look_at_the_time)
{
	struct io_uring ring;
	int i;

	if (!(variant->flags & IORING_SETUP_IOPOLL))
		SKIP(return, "not polled");
	ASSERT_EQ(0, make_ring(&ring, variant->flags));
	ASSERT_EQ(0, set_low_water(self->fd, 128));
	for (i = 0; i < 3; i++) {
		prepare_wait(&ring, self->fd, i);
		submit_to_thread(&ring);
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_EQ(-ETIME, next_result(&ring));
	}
	EXPECT_EQ(3, STAT(self->fd, lag));
	io_uring_queue_exit(&ring);
}

/* Many */

FIXTURE(many) {
	int fd;
	struct io_uring ring;
};

IODEMO_VARIANTS_THREADED(many);

FIXTURE_SETUP(many)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE,
		.cq_entries = 2 * FILES * IODEMO_PENDING_MAX,
	};

	ASSERT_EQ(0, load("capacity=64 threaded=%d", variant->threaded));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, io_uring_queue_init_params(1024, &self->ring, &params));
}

FIXTURE_TEARDOWN(many)
{
	io_uring_queue_exit(&self->ring);
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

static bool submit_waits(struct io_uring *ring, int fd, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		prepare_wait(ring, fd, i);
		if (!io_uring_sq_space_left(ring) && io_uring_submit(ring) < 0)
			return false;
	}
	return io_uring_submit(ring) >= 0;
}

/* How many of the next @count completions give @res; each name no more often than @times */
static long count_results(struct io_uring *ring, long res, int count, int times)
{
	int *seen = calloc(IODEMO_PENDING_MAX, sizeof(int));
	long good = 0;
	int i;

	for (i = 0; i < count; i++) {
		struct completion c = wait_for(ring);

		good += c.res == res && c.name < IODEMO_PENDING_MAX && seen[c.name]++ < times;
	}
	free(seen);
	return good;
}

TEST_F(many, flag_tells_whether_commands_can_wait)
{
	struct iodemo_info info;

	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_INFO, &info)));
	EXPECT_EQ(since_6_7(), !!(info.flags & IODEMO_INFO_URING_WAIT));
	EXPECT_EQ(variant->threaded, !!(info.flags & IODEMO_INFO_THREADED));
}

TEST_F_TIMEOUT(many, waits_take_no_worker_thread_from_others, LONG_TEST)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct io_uring_sqe *sqe;
	char byte = 0;

	if (!since_6_7())
		SKIP(return, "no such command before Linux 6.7");
	ASSERT_LE(0, file);
	ASSERT_TRUE(submit_waits(&self->ring, self->fd, MANY));
	EXPECT_EQ(1, count_tasks(getpid()));
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_read(sqe, file, &byte, 1, 0);
	sqe->flags |= IOSQE_ASYNC;
	io_uring_sqe_set_data64(sqe, MANY);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, MANY, 1);
	EXPECT_EQ('\x7f', byte);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(MANY, count_results(&self->ring, 0, MANY, 1));
}

/* Also when they are forced to worker threads */
TEST_F_TIMEOUT(many, waits_that_are_forced_to_worker_threads_do_not_keep_them, LONG_TEST)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	long expected = since_6_7() ? 0 : -EOPNOTSUPP;
	struct io_uring_sqe *sqe;
	char byte = 0;
	int i, waits = 0;
	bool has_read = false;

	ASSERT_LE(0, file);
	for (i = 0; i < MANY; i++)
		prepare_wait(&self->ring, self->fd, i)->flags |= IOSQE_ASYNC;
	sqe = io_uring_get_sqe(&self->ring);
	io_uring_prep_read(sqe, file, &byte, 1, 0);
	sqe->flags |= IOSQE_ASYNC;
	io_uring_sqe_set_data64(sqe, MANY);
	ASSERT_EQ(MANY + 1, io_uring_submit(&self->ring));
	while (!has_read) {
		struct completion c = wait_for(&self->ring);

		ASSERT_EQ(0, c.ret);
		has_read = c.name == MANY;
		EXPECT_EQ(has_read ? 1 : expected, c.res);
		waits += !has_read;
	}
	/* Where they can wait they are told; else each has its answer, sooner or later. */
	if (since_6_7())
		ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(MANY - waits, count_results(&self->ring, expected, MANY - waits, 1));
}

TEST_F_TIMEOUT(many, waits_on_one_file_are_4096_and_the_next_is_EAGAIN, LONG_TEST)
{
	int other = open_raw(0, O_RDONLY);

	if (!since_6_7())
		SKIP(return, "no such command before Linux 6.7");
	ASSERT_LE(0, other);
	ASSERT_TRUE(submit_waits(&self->ring, self->fd, IODEMO_PENDING_MAX));
	EXPECT_TRUE(nothing_complete(&self->ring));
	prepare_wait(&self->ring, self->fd, 12345);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_COMPLETES(&self->ring, 12345, -EAGAIN);
	/* That is nobody else's affair. */
	prepare_wait(&self->ring, other, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(IODEMO_PENDING_MAX + 1,
		  count_results(&self->ring, 0, IODEMO_PENDING_MAX + 1, 2));
	EXPECT_TRUE(nothing_complete(&self->ring));
	/* And all places are free again. */
	EXPECT_READ(self->fd, 0, 1);
	ASSERT_TRUE(submit_waits(&self->ring, self->fd, IODEMO_PENDING_MAX));
	EXPECT_TRUE(nothing_complete(&self->ring));
}

TEST_F_TIMEOUT(many, waits_of_several_files_are_completed_once_by_one_interrupt, LONG_TEST)
{
	int total = FILES * IODEMO_PENDING_MAX;
	int i;

	if (!since_6_7())
		SKIP(return, "no such command before Linux 6.7");
	for (i = 0; i < FILES; i++) {
		int fd = i ? open_raw(0, O_RDONLY) : self->fd;

		ASSERT_LE(0, fd);
		ASSERT_TRUE(submit_waits(&self->ring, fd, IODEMO_PENDING_MAX));
	}
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(total, count_results(&self->ring, 0, total, FILES));
	EXPECT_TRUE(nothing_complete(&self->ring));
}

TEST_F_TIMEOUT(many, polls_and_waits_of_one_file_are_told_once_by_one_interrupt, LONG_TEST)
{
	bool waits = since_6_7();
	int polls = IODEMO_PENDING_MAX;
	int i, told = 0, waited = 0;

	for (i = 0; i < polls; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&self->ring);

		io_uring_prep_poll_add(sqe, self->fd, POLLIN);
		io_uring_sqe_set_data64(sqe, polls + i);
		if (!io_uring_sq_space_left(&self->ring))
			ASSERT_LT(0, io_uring_submit(&self->ring));
	}
	ASSERT_LE(0, io_uring_submit(&self->ring));
	if (waits)
		ASSERT_TRUE(submit_waits(&self->ring, self->fd, IODEMO_PENDING_MAX));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(0, trigger(self->fd, 1));
	for (i = 0; i < polls + waits * IODEMO_PENDING_MAX; i++) {
		struct completion c = wait_for(&self->ring);

		ASSERT_EQ(0, c.ret);
		if (c.name < (__u64)polls)
			waited += c.res == 0;
		else
			told += c.res == POLLIN;
	}
	EXPECT_EQ(polls, told);
	EXPECT_EQ(waits * IODEMO_PENDING_MAX, waited);
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F_TIMEOUT(many, waits_and_requests_of_kernel_aio_are_counted_together, LONG_TEST)
{
	int half = IODEMO_PENDING_MAX / 2;
	struct iodemo_record *records = calloc(IODEMO_PENDING_MAX, RECORD);
	struct iocb *iocbs = calloc(IODEMO_PENDING_MAX, sizeof(*iocbs));
	aio_context_t context;
	int i;

	if (!since_6_7())
		SKIP(return, "no such command before Linux 6.7");
	ASSERT_EQ(0, aio_setup(IODEMO_PENDING_MAX, &context));
	ASSERT_TRUE(submit_waits(&self->ring, self->fd, half));
	for (i = 0; i < half; i++) {
		ASSERT_EQ(1, aio_submit_read(context, &iocbs[i], self->fd, &records[i],
					     RECORD));
	}
	EXPECT_TRUE(aio_nothing_complete(context));
	EXPECT_TRUE(nothing_complete(&self->ring));
	ASSERT_EQ(1, aio_submit_read(context, &iocbs[half], self->fd, &records[half], RECORD));
	EXPECT_EQ(-EAGAIN, aio_event(context));
	prepare_wait(&self->ring, self->fd, 0);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_EQ(-EAGAIN, next_result(&self->ring));
	/* One less of the one kind makes room for one of the other. */
	ASSERT_EQ(-EINPROGRESS, aio_cancel(context, &iocbs[0]));
	EXPECT_EQ(-ECANCELED, aio_event(context));
	prepare_wait(&self->ring, self->fd, half);
	ASSERT_EQ(1, io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_complete(&self->ring));
	EXPECT_EQ(0, aio_destroy(context));
}

/* A stop of the process is no end. */

FIXTURE(stopped) {
	int fd;
};

FIXTURE_SETUP(stopped)
{
	ASSERT_EQ(0, load("capacity=64"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(stopped)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

/* Exits with 0 when its wait, or its read, has completed as it shall. */
static void wait_through_a_stop(int fd, bool reads)
{
	struct iodemo_record record;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (io_uring_queue_init(PLACES, &ring, 0))
		_exit(2);
	if (reads)
		io_uring_prep_read(io_uring_get_sqe(&ring), fd, &record, RECORD, -1);
	else
		prepare_wait(&ring, fd, 7);
	if (io_uring_submit(&ring) != 1)
		_exit(3);
	do {
		ret = io_uring_wait_cqe(&ring, &cqe);
	} while (ret == -EINTR);
	_exit(ret || cqe->res != (reads ? RECORD : 0));
}

static bool process_sleeps(pid_t pid)
{
	siginfo_t info = { 0 };
	long switches;

	while (!task_sleeps(pid, &switches)) {
		if (waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid)
			return false;
		sched_yield();
	}
	return true;
}

static pid_t stop_and_continue(int fd, bool reads)
{
	siginfo_t info;
	pid_t pid = fork();
	int i;

	if (!pid)
		wait_through_a_stop(fd, reads);
	for (i = 0; i < 3; i++) {
		if (!process_sleeps(pid))
			break;
		if (kill(pid, SIGSTOP) || waitid(P_PID, pid, &info, WSTOPPED) ||
		    kill(pid, SIGCONT) || waitid(P_PID, pid, &info, WCONTINUED))
			return -errno;
	}
	process_sleeps(pid);
	return pid;
}

TEST_F(stopped, process_still_has_its_wait_when_it_goes_on)
{
	int status;
	pid_t pid;

	if (!since_6_7())
		SKIP(return, "no such command before Linux 6.7");
	pid = stop_and_continue(self->fd, false);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(stopped, process_still_has_its_read_when_it_goes_on)
{
	int status;
	pid_t pid = stop_and_continue(self->fd, true);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

#else

TEST(io_uring_command_that_waits_keeps_nobody)
{
	SKIP(return, "built without liburing.h");
}

#endif

TEST_HARNESS_MAIN
