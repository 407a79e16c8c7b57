// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that want all of the device or of the machine: they get their share.
 * Who fires it without end dies when it is killed and holds up neither the
 * device nor another, one interrupt is short whatever waits for it, and the
 * timer leaves most of a processor to others.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#ifdef HAVE_LIBURING
#include "iodemo_uring.h"
#endif

#define DEPTH		4096
#define BATCH		4096	/* commands */
#define OPENS		51
#define TURNS		40
#define FEW_INTERRUPTS	(IODEMO_URING_TRIGGER_MAX / 64)

FIXTURE(fairness) {
	int fd;
};

IODEMO_VARIANTS_THREADED(fairness);

FIXTURE_SETUP(fairness)
{
	ASSERT_EQ(0, load("capacity=%d threaded=%d", DEPTH, variant->threaded));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	/* Who is in charge of the device can do more than others. */
	ASSERT_EQ(0, result(fchown(self->fd, ORDINARY_USER, ORDINARY_USER)));
}

FIXTURE_TEARDOWN(fairness)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

static void *fire_for_ever(void *arg)
{
	trigger(*(int *)arg, ~0U);
	return NULL;
}

/* By TRIGGER, without end */
static long begin_to_fire(void *unused)
{
	static int fd;
	pthread_t thread;
	long err = become_user();

	if (err)
		return err;
	fd = open_raw(0, O_RDWR);
	if (fd < 0)
		return fd;
	err = set_config(fd, 0, IODEMO_BURST_MAX);
	if (err)
		return err;
	err = pthread_create(&thread, NULL, fire_for_ever, &fd);
	while (!err && !STAT(fd, interrupts))
		sched_yield();
	return -err;
}

#ifdef HAVE_LIBURING

static int compare_longs(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/* How much a part of them is at most, of a hundred. */
static long percentile(long *values, int count, int percent)
{
	qsort(values, count, sizeof(*values), compare_longs);
	return values[count * percent / 100];
}

/* Of another device with a number of the misc kind: a descriptor, or -ENODEV */
static int open_another_misc_device(const char **path)
{
	static const char * const paths[] = {
		"/dev/vga_arbiter", "/dev/cpu_dma_latency", "/dev/userfaultfd", "/dev/hpet",
		"/dev/snapshot", "/dev/fuse", "/dev/net/tun", "/dev/udmabuf",
	};
	int i, fd;

	for (i = *path ? -1 : 0; i < (int)(sizeof(paths) / sizeof(paths[0])); i++) {
		const char *name = i < 0 ? *path : paths[i];

		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			*path = name;
			return fd;
		}
	}
	return -ENODEV;
}

static long call_open_and_close(void *unused)
{
	for (;;)
		close(open_device(0, O_RDONLY));
	return 0;
}

static void *open_and_close_for_ever(void *arg)
{
	call_open_and_close(arg);
	return NULL;
}

static long begin_to_open_and_close(void *unused)
{
	pthread_t thread;
	long err = become_user();

	return err ? err : -pthread_create(&thread, NULL, open_and_close_for_ever, NULL);
}

/* A submission full of commands that fire, by a thread of its own */

struct batch {
	unsigned int ring_flags;
	unsigned int sqe_flags;
	bool again;		/* and again */
	bool beside;		/* on the caller's processor, where workers are too */

	struct io_uring ring;
	int fd;
};

static void *submit_batches(void *arg)
{
	struct batch *b = arg;
	int i, count = b->again ? 16 : BATCH;

	do {
		for (i = 0; i < count; i++) {
			prepare_trigger(&b->ring, b->fd, IODEMO_URING_TRIGGER_MAX, i)->flags |=
				b->sqe_flags;
		}
		io_uring_submit(&b->ring);
		for (i = 0; i < count; i++)
			next_result(&b->ring);
	} while (b->again);
	return NULL;
}

static long begin_batch(void *arg)
{
	struct io_uring_params params = { .flags = ((struct batch *)arg)->ring_flags };
	struct batch *b = arg;
	pthread_t thread;
	long before, err = become_user();

	if (err)
		return err;
	b->fd = open_raw(0, O_RDWR);
	if (b->fd < 0)
		return b->fd;
	err = set_config(b->fd, 0, IODEMO_BURST_MAX);
	if (err)
		return err;
	err = io_uring_queue_init_params(BATCH, &b->ring, &params);
	if (err)
		return err;
	if (b->beside) {
		cpu_set_t set;

		sched_getaffinity(0, sizeof(set), &set);
		err = io_uring_register_iowq_aff(&b->ring, sizeof(set), &set);
		if (err)
			return err;
	}
	before = STAT(b->fd, interrupts);
	err = pthread_create(&thread, NULL, submit_batches, b);
	while (!err && STAT(b->fd, interrupts) == before)
		sched_yield();
	return -err;
}

static struct batch batch = { .again = false };
static struct batch batch_of_a_thread = { .ring_flags = IORING_SETUP_SQPOLL };
static struct batch batch_of_workers = { .sqe_flags = IOSQE_ASYNC };
static struct batch batches = { .again = true };
static struct batch batch_beside = { .beside = true };

TEST_F_TIMEOUT(fairness, process_in_a_full_submission_of_URING_TRIGGERs_dies, LONG_TEST)
{
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_batch, &batch);
	EXPECT_DIES_IN_TIME(DEATH_EXIT, begin_batch, &batch);
	EXPECT_EQ(0, trigger(self->fd, 1));
}

TEST_F_TIMEOUT(fairness, process_whose_ring_thread_has_many_URING_TRIGGERs_dies, LONG_TEST)
{
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_batch, &batch_of_a_thread);
	EXPECT_DIES_IN_TIME(DEATH_EXIT, begin_batch, &batch_of_a_thread);
	EXPECT_EQ(0, trigger(self->fd, 1));
}

TEST_F_TIMEOUT(fairness, process_whose_workers_have_many_URING_TRIGGERs_dies, LONG_TEST)
{
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_batch, &batch_of_workers);
	EXPECT_DIES_IN_TIME(DEATH_EXIT, begin_batch, &batch_of_workers);
	EXPECT_EQ(0, trigger(self->fd, 1));
}

/*
 * Until another's command is under way: each of ours is to meet one. While the host
 * does not let our processor run, the other one goes on; what others do in that time
 * tells nothing, so a quarter of the turns is enough where we need not wait at all.
 */
static long see_an_interrupt(int fd)
{
	long interrupts = STAT(fd, interrupts);

	while (STAT(fd, interrupts) == interrupts)
		sched_yield();
	return STAT(fd, interrupts);
}

/*
 * Counted in interrupts, each of which makes BURST_MAX records. All on one processor:
 * of several, a busy host would let one go on while the other is to wake up.
 */
TEST_F_TIMEOUT(fairness, others_can_fire_and_configure_between_two_URING_TRIGGERs, LONG_TEST)
{
	struct victim v = { .death = DEATH_SIGKILL, .begin = begin_batch, .arg = &batch_beside };
	long waited[TURNS];
	int i;

	ASSERT_EQ(0, pin_to(0));
	ASSERT_EQ(0, victim_start(&v));
	for (i = 0; i < TURNS; i++) {
		waited[i] = see_an_interrupt(self->fd);
		ASSERT_EQ(0, trigger(self->fd, 1));
		ASSERT_EQ(0, set_config(self->fd, 0, IODEMO_BURST_MAX));
		waited[i] = STAT(self->fd, interrupts) - waited[i];
		EXPECT_LT(0, waited[i]);
	}
	/* Less than until one command is done; there are some before us. */
	EXPECT_GT(IODEMO_URING_TRIGGER_MAX, percentile(waited, TURNS, 50));
	EXPECT_LT(0, victim_dies(&v));
	victim_end(&v);
}

TEST_F_TIMEOUT(fairness, device_can_be_opened_while_it_is_fired, LONG_TEST)
{
	struct victim v = { .death = DEATH_SIGKILL, .begin = begin_batch, .arg = &batches };
	long waited[OPENS];
	int i, fd;

	ASSERT_EQ(0, victim_start(&v));
	for (i = 0; i < OPENS; i++) {
		waited[i] = see_an_interrupt(self->fd);
		fd = open_device(0, O_RDWR);
		waited[i] = STAT(self->fd, interrupts) - waited[i];
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, close(fd));
	}
	EXPECT_GT(FEW_INTERRUPTS, percentile(waited, OPENS, 25));
	EXPECT_LT(0, victim_dies(&v));
	victim_end(&v);
}

/* The kernel has one lock for the opening of all misc devices. */
TEST_F_TIMEOUT(fairness, another_device_can_be_opened_while_this_one_is_fired, LONG_TEST)
{
	struct victim v[] = {
		{ .death = DEATH_SIGKILL, .begin = begin_batch, .arg = &batches },
		{ .death = DEATH_SIGKILL, .begin = begin_to_fire },
		{ .death = DEATH_SIGKILL, .begin = begin_to_open_and_close },
		{ .death = DEATH_SIGKILL, .begin = begin_to_open_and_close },
	};
	const char *path = NULL;
	long waited[OPENS];
	int i, fd = open_another_misc_device(&path);

	if (fd < 0)
		SKIP(return, "no other misc device can be opened here");
	close(fd);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, victim_start(&v[i]));
	for (i = 0; i < OPENS; i++) {
		waited[i] = see_an_interrupt(self->fd);
		fd = open_another_misc_device(&path);
		waited[i] = STAT(self->fd, interrupts) - waited[i];
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, close(fd));
	}
	EXPECT_GT(FEW_INTERRUPTS, percentile(waited, OPENS, 25));
	for (i = 0; i < 4; i++) {
		EXPECT_LT(0, victim_dies(&v[i]));
		victim_end(&v[i]);
	}
}

/* Many who listen, on the other processor, while the timer runs */

#define LISTENERS	500
#define ROUNDS		300

static void *listen_for_ever(void *arg)
{
	struct epoll_event events[64];

	pin_to(processors_online() - 1);
	while (!*(atomic_bool *)arg)
		epoll_wait(*((int *)arg + 1), events, 64, 100);
	return NULL;
}

/* Is the echo of this data among what can be read now? */
static bool echo_is_there(int fd, const struct iodemo_record *written)
{
	struct iodemo_record records[64];
	bool found = false;
	long got, i;

	while ((got = read_nowait(fd, records, sizeof(records))) > 0) {
		for (i = 0; i < got / RECORD; i++) {
			found |= records[i].type == IODEMO_TYPE_ECHO &&
				 !memcmp(records[i].data, written->data, IODEMO_DATA_SIZE);
		}
	}
	return found;
}

TEST_F_TIMEOUT(fairness, URING_TRIGGER_completes_when_the_records_are_there, LONG_TEST)
{
	struct {
		atomic_bool stop;
		int epfd;
	} listeners = { .epfd = epoll_create1(EPOLL_CLOEXEC) };
	struct iodemo_record record;
	struct io_uring ring;
	pthread_t thread;
	char data[16];
	int i;

	ASSERT_EQ(0, allow_files(LISTENERS + 64));
	ASSERT_EQ(0, pin_to(processors_online() - 1));
	for (i = 0; i < LISTENERS; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLET };
		int fd = open_raw(0, O_RDONLY);

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, set_low_water(fd, DEPTH / 4));
		ASSERT_EQ(0, epoll_ctl(listeners.epfd, EPOLL_CTL_ADD, fd, &event));
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, listen_for_ever, &listeners));
	ASSERT_EQ(0, set_config(self->fd, 200, 1));
	ASSERT_EQ(0, pin_to(0));
	ASSERT_EQ(0, io_uring_queue_init(8, &ring, 0));
	for (i = 0; i < ROUNDS; i++) {
		snprintf(data, sizeof(data), "no %d", i);
		record = raw_record(data);
		echo_is_there(self->fd, &record);
		ASSERT_EQ(RECORD, write_nowait(self->fd, &record, RECORD));
		prepare_trigger(&ring, self->fd, 1, i);
		ASSERT_EQ(1, io_uring_submit(&ring));
		ASSERT_EQ(0, next_result(&ring));
		EXPECT_TRUE(echo_is_there(self->fd, &record));
	}
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	listeners.stop = true;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	io_uring_queue_exit(&ring);
}

#endif /* HAVE_LIBURING */

TEST_F_TIMEOUT(fairness, process_in_a_long_TRIGGER_dies, LONG_TEST)
{
	EXPECT_DIES_IN_TIME(DEATH_SIGKILL, begin_to_fire, NULL);
	EXPECT_DIES_IN_TIME(DEATH_EXIT, begin_to_fire, NULL);
	EXPECT_EQ(0, trigger(self->fd, 1));
}

/* Signals of many files to many processes: sent by a thread, soon after the interrupt */

#define SIGNAL_FILES	1000
#define SIGNAL_PROCESSES	100
#define GAP_LIMIT	100000000	/* ns in which a busy program must get to run */

/* The processes of the group, in memory that is shared with the test */
static pid_t *group;

/* Three of the files have a signal of their own: who has got them has got nearly all. */
static int signal_of_file(int i)
{
	switch (i) {
	case 0:
		return SIGRTMIN;
	case SIGNAL_FILES / 2:
		return SIGRTMIN + 1;
	case SIGNAL_FILES - 1:
		return SIGRTMIN + 2;
	default:
		return SIGIO;
	}
}

static sigset_t signals_of_files(void)
{
	sigset_t set;
	int i;

	sigemptyset(&set);
	for (i = 0; i < SIGNAL_FILES; i++)
		sigaddset(&set, signal_of_file(i));
	return set;
}

/*
 * Tells of the first SIGIO, if it is to; the other signals pend. A leader that is dead
 * when a member first runs, on a busy machine, kills it no more.
 */
static void be_member(pid_t leader, const int *told)
{
	sigset_t set;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != leader)
		_exit(1);
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	if (told && (sigwaitinfo(&set, NULL) != SIGIO || write(*told, "x", 1) != 1))
		_exit(1);
	for (;;)
		pause();
}

/* @told: where each process tells of its signal, or NULL */
static long begin_group(void *told)
{
	sigset_t set = signals_of_files();
	pid_t leader = getpid();
	long err;
	int i;

	sigprocmask(SIG_BLOCK, &set, NULL);
	err = allow_files(SIGNAL_FILES + 64);
	if (err)
		return err;
	if (setpgid(0, 0))
		return -errno;
	err = become_user();
	if (err)
		return err;
	for (i = 0; i < SIGNAL_PROCESSES; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (!pid)
			be_member(leader, told);
		group[i] = pid;
	}
	for (i = 0; i < SIGNAL_FILES; i++) {
		int fd = open_device(0, O_RDONLY);

		if (fd < 0)
			return fd;
		if (fcntl(fd, F_SETOWN, -getpgrp()) || fcntl(fd, F_SETSIG, signal_of_file(i)) ||
		    fcntl(fd, F_SETFL, O_ASYNC))
			return -errno;
	}
	return 0;
}

static bool make_group(void)
{
	group = mmap(NULL, SIGNAL_PROCESSES * sizeof(*group), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return group != MAP_FAILED;
}

/* One process has them all. Where it is among the others, it is the last file that counts. */
static bool storm_is_over(void)
{
	static const char name[] = "\nShdPnd:\t";
	sigset_t set = signals_of_files();
	char path[64], status[4096];
	unsigned long long pending;
	const char *p;
	int sig;

	snprintf(path, sizeof(path), "/proc/%d/status", group[0]);
	if (read_file(path, status, sizeof(status)) <= 0)
		return false;
	p = strstr(status, name);
	if (!p)
		return false;
	pending = strtoull(p + strlen(name), NULL, 16);
	for (sig = 1; sig <= SIGRTMAX; sig++) {
		if (sigismember(&set, sig) == 1 && !(pending & 1ULL << (sig - 1)))
			return false;
	}
	return true;
}

/* Who waits in vain tells what that process has got. */
static bool storm_passes(void)
{
	__u64 begin = clock_ns();
	char path[64], status[4096] = "";

	while (!storm_is_over()) {
		if (clock_ns() - begin > 2 * PATIENCE * 1000000000ULL) {
			snprintf(path, sizeof(path), "/proc/%d/status", group[0]);
			read_file(path, status, sizeof(status));
			printf("# process %d has not got each of the signals:\n%s\n", group[0],
			       status);
			return false;
		}
		sched_yield();
	}
	return true;
}

TEST_F_TIMEOUT(fairness, signals_of_1000_files_reach_each_of_100_processes, LONG_TEST)
{
	struct victim v = { .death = DEATH_SIGKILL, .begin = begin_group };
	int told[2], i;
	char byte;

	ASSERT_TRUE(make_group());
	ASSERT_EQ(0, pipe2(told, O_CLOEXEC));
	v.arg = &told[1];
	ASSERT_EQ(0, victim_start(&v));
	ASSERT_EQ(0, trigger(self->fd, 1));
	for (i = 0; i < SIGNAL_PROCESSES; i++)
		ASSERT_EQ(1, read(told[0], &byte, 1));
	EXPECT_EQ(SIGNAL_FILES, STAT(self->fd, signals));
	EXPECT_LT(0, victim_dies(&v));
	victim_end(&v);
}

static long call_read_and_look(struct sleeper *s)
{
	long ret = result(read(s->fd, s->records, RECORD));

	s->events = storm_is_over();
	return ret;
}

/*
 * TRIGGER returns, and who slept in read() is woken, while the signals are still
 * being sent: at least once in five times, for both can be late by themselves.
 * One reader is older than the files that want signals, the other is younger.
 */
TEST_F_TIMEOUT(fairness, storm_of_signals_holds_up_neither_TRIGGER_nor_a_reader, 600)
{
	bool held_up = true;
	int i, tries;

	ASSERT_TRUE(make_group());
	for (tries = 0; tries < 5 && held_up; tries++) {
		struct victim v = { .death = DEATH_SIGKILL, .begin = begin_group };
		struct sleeper readers[2] = {
			{ .call = call_read_and_look, .fd = open_raw(0, O_RDONLY) },
			{ .call = call_read_and_look },
		};

		ASSERT_EQ(0, victim_start(&v));
		readers[1].fd = open_raw(0, O_RDONLY);
		for (i = 0; i < 2; i++) {
			ASSERT_LE(0, readers[i].fd);
			ASSERT_TRUE(falls_asleep(&readers[i]));
		}
		ASSERT_EQ(0, trigger(self->fd, 1));
		held_up = storm_is_over();
		for (i = 0; i < 2; i++) {
			EXPECT_EQ(RECORD, sleeper_result(&readers[i]));
			held_up |= readers[i].events;
			EXPECT_EQ(0, close(readers[i].fd));
		}
		ASSERT_TRUE(storm_passes());
		EXPECT_LT(0, victim_dies(&v));
		victim_end(&v);
	}
	EXPECT_FALSE(held_up);
}

#define STORM_NS	400000000ULL	/* more than it takes */

/* The best of five, as in all that looks at the time; nobody else runs meanwhile. */
TEST_F_TIMEOUT(fairness, signals_of_1000_files_to_100_processes_keep_no_processor, 600)
{
	__u64 limit = death_limit_ns() == LONG_MAX ? LONG_MAX : GAP_LIMIT;
	__u64 best = LONG_MAX;
	int i, tries;

	ASSERT_TRUE(make_group());
	for (tries = 0; tries < 5 && best >= limit; tries++) {
		struct victim v = { .death = DEATH_SIGKILL, .begin = begin_group };
		struct meter meters[2] = {
			{ .cpu = 0, .duration = STORM_NS },
			{ .cpu = processors_online() - 1, .duration = STORM_NS },
		};
		__u64 worst = 0;

		ASSERT_EQ(0, victim_start(&v));
		for (i = 0; i < 2; i++)
			ASSERT_TRUE(meter_start(&meters[i]));
		EXPECT_EQ(0, trigger(self->fd, 1));
		for (i = 0; i < 2; i++) {
			meter_wait(&meters[i]);
			if (meters[i].gap > worst)
				worst = meters[i].gap;
		}
		ASSERT_TRUE(storm_passes());
		if (worst < best)
			best = worst;
		EXPECT_LT(0, victim_dies(&v));
		victim_end(&v);
	}
	EXPECT_LE(best, limit);
}

/* Signals to few processes: sent in the interrupt */

#define FEW_PROCESSES	4	/* the test itself is one */
#define FEW_FILES	50

struct member {
	pid_t pid;
	int ask;
	int answer;
};

/* Of those files, how many have signalled the calling process? All that pends is taken. */
static long count_signals(void)
{
	siginfo_t info;
	long count = 0;

	while (take_signal(&info) == SIGRTMIN)
		count++;
	return count;
}

static bool member_start(struct member *m)
{
	int ask[2], answer[2];
	char byte;

	if (pipe(ask) || pipe(answer))
		return false;
	m->ask = ask[1];
	m->answer = answer[0];
	m->pid = fork();
	if (m->pid)
		return m->pid > 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(ask[0], &byte, 1) == 1) {
		long count = count_signals();

		if (write(answer[1], &count, sizeof(count)) != sizeof(count))
			break;
	}
	_exit(0);
}

static long member_signals(struct member *m)
{
	long count;

	if (write(m->ask, "?", 1) != 1 || read(m->answer, &count, sizeof(count)) != sizeof(count))
		return -EPIPE;
	return count;
}

TEST_F_TIMEOUT(fairness, signals_to_few_processes_have_been_sent_when_TRIGGER_returns, LONG_TEST)
{
	struct member members[FEW_PROCESSES - 1];
	int i, round;

	/* As the harness has it already, or not */
	ASSERT_EQ(0, result(setpgid(0, 0)));
	for (i = 0; i < FEW_FILES; i++) {
		int fd = open_raw(0, O_RDONLY);

		ASSERT_LE(0, fd);
		ASSERT_EQ(0, signal_on(fd, SIGRTMIN));
		ASSERT_EQ(0, result(fcntl(fd, F_SETOWN, -getpgrp())));
	}
	for (i = 0; i < FEW_PROCESSES - 1; i++)
		ASSERT_TRUE(member_start(&members[i]));
	for (round = 0; round < TURNS; round++) {
		EXPECT_EQ(0, trigger(self->fd, 1));
		EXPECT_EQ(FEW_FILES, count_signals());
		for (i = 0; i < FEW_PROCESSES - 1; i++)
			EXPECT_EQ(FEW_FILES, member_signals(&members[i]));
	}
	for (i = 0; i < FEW_PROCESSES - 1; i++) {
		EXPECT_EQ(0, kill(members[i].pid, SIGKILL));
		EXPECT_EQ(members[i].pid, waitpid(members[i].pid, NULL, 0));
	}
}

/* The timer, faster than anybody could be */

#define MEASURE_NS	500000000ULL

TEST_F_TIMEOUT(fairness, timer_leaves_a_third_of_each_processor_and_counts_its_overruns, 600)
{
	long best = 0, overruns = 0;
	int tries;

	for (tries = 0; tries < 3 && best < 30; tries++) {
		long alone = measure_busy_loops(MEASURE_NS);
		struct iodemo_stats before, after;
		__u64 begin, end, expires;
		long percent, periods, made;

		ASSERT_LT(0, alone);
		before = get_stats(self->fd);
		begin = clock_ns();
		ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX));
		percent = measure_busy_loops(MEASURE_NS) * 100 / alone;
		after = get_stats(self->fd);
		/* For how long the wire rests is counted when the rest begins. */
		end = clock_ns();
		expires = STAT(self->fd, expires);
		if (end < expires)
			end = expires;
		ASSERT_EQ(0, set_config(self->fd, 0, 1));
		if (percent > best)
			best = percent;

		overruns = after.overruns - before.overruns;
		EXPECT_LT(0, overruns);
		EXPECT_LT(before.interrupts, after.interrupts);
		periods = (end - begin) / 1000 / IODEMO_PERIOD_US_MIN;
		made = after.interrupts - before.interrupts + overruns;
		EXPECT_GE(periods + 1, made);
		EXPECT_LE(periods * 8 / 10, made);
	}
	EXPECT_LE(30, best);
}

TEST_F(fairness, timer_that_is_slow_enough_has_no_overruns)
{
	/* No host takes the processors away for so long. */
	ASSERT_EQ(0, set_config(self->fd, 2000000, 1));
	while (STAT(self->fd, interrupts) < 2)
		sched_yield();
	EXPECT_EQ(0, STAT(self->fd, overruns));
}

TEST_F_TIMEOUT(fairness, timer_without_pause_leaves_TRIGGER_and_SET_CONFIG_to_others, LONG_TEST)
{
	struct iodemo_stats stats;
	int i;

	ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX));
	for (i = 0; i < TURNS; i++) {
		ASSERT_EQ(0, trigger(self->fd, 3));
		ASSERT_EQ(0, set_config(self->fd, IODEMO_PERIOD_US_MIN, IODEMO_BURST_MAX));
		ASSERT_EQ(0, close(open_device(0, O_RDWR)));
	}
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	stats = get_stats(self->fd);
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_EQ((long long)stats.interrupts + 5, STAT(self->fd, interrupts));
	EXPECT_EQ((long long)stats.records + 5, STAT(self->fd, records));
}

TEST_HARNESS_MAIN
