// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 1, blocking: who sleeps, who is woken, in which order and how many.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

IODEMO_FIXTURE_BOTH(blocking, "capacity=16")

TEST_F(blocking, reader_sleeps_until_the_interrupt)
{
	struct sleeper s = reader(self->fd, 1);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[0], 0);
	EXPECT_EQ(1, STAT(self->fd, wakeups));
}

TEST_F(blocking, reader_does_not_sleep_while_records_wait)
{
	struct iodemo_record record = { .seq = 1 };
	long switches;

	ASSERT_EQ(0, trigger(self->fd, 1));
	switches = own_switches();
	EXPECT_EQ(RECORD, result(read(self->fd, &record, sizeof(record))));
	EXPECT_EQ(switches, own_switches());
	EXPECT_SAMPLE(&record, 0);
}

TEST_F(blocking, read_gives_what_fits_and_keeps_the_rest)
{
	struct iodemo_record records[8];

	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_READ(self->fd, 0, 3);
	EXPECT_EQ(2 * RECORD, result(read(self->fd, records, sizeof(records))));
	EXPECT_SAMPLE(&records[0], 3);
	EXPECT_SAMPLE(&records[1], 4);
}

TEST_F(blocking, sleeping_reader_gets_the_whole_burst)
{
	struct sleeper s = reader(self->fd, 8);
	int i;

	ASSERT_EQ(0, set_config(self->fd, 0, 5));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(5 * RECORD, sleeper_result(&s));
	for (i = 0; i < 5; i++)
		EXPECT_SAMPLE(&s.records[i], i);
	EXPECT_EQ(1, STAT(self->fd, wakeups));
}

TEST_F(blocking, record_without_a_sleeper_wakes_nobody)
{
	ASSERT_EQ(0, trigger(self->fd, 4));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
}

TEST_F(blocking, one_record_wakes_one_of_three_the_longest_asleep)
{
	struct sleeper s[3];
	int i, k;

	for (i = 0; i < 3; i++) {
		s[i] = reader(self->fd, 1);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_EQ(RECORD, sleeper_result(&s[i]));
		EXPECT_SAMPLE(&s[i].records[0], i);
		for (k = i + 1; k < 3; k++)
			EXPECT_TRUE(undisturbed(&s[k]));
		EXPECT_EQ(i + 1, STAT(self->fd, wakeups));
	}
}

TEST_F(blocking, reader_that_leaves_records_hands_on_to_the_next_and_no_further)
{
	struct sleeper s[4];
	bool seen[3] = { false };
	int i;

	for (i = 0; i < 4; i++) {
		s[i] = reader(self->fd, 1);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	ASSERT_EQ(0, set_config(self->fd, 0, 3));
	ASSERT_EQ(0, trigger(self->fd, 1));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(RECORD, sleeper_result(&s[i]));
		ASSERT_LT(s[i].records[0].seq, 3U);
		EXPECT_SAMPLE(&s[i].records[0], s[i].records[0].seq);
		EXPECT_FALSE(seen[s[i].records[0].seq]);
		seen[s[i].records[0].seq] = true;
	}
	EXPECT_TRUE(undisturbed(&s[3]));
	EXPECT_EQ(1, STAT(self->fd, wakeups));

	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s[3]));
	EXPECT_SAMPLE(&s[3].records[0], 3);
}

TEST_F(blocking, reader_hands_on_only_what_reaches_the_low_water_mark)
{
	struct sleeper s[3];
	int i;

	ASSERT_EQ(0, set_low_water(self->fd, 2));
	ASSERT_EQ(0, set_config(self->fd, 0, 3));
	for (i = 0; i < 3; i++) {
		s[i] = reader(self->fd, 1);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s[0]));
	EXPECT_EQ(RECORD, sleeper_result(&s[1]));
	EXPECT_TRUE(undisturbed(&s[2]));
	EXPECT_EQ(1, STAT(self->fd, lag));

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s[2]));
	EXPECT_SAMPLE(&s[2].records[0], 2);
}

TEST_F(blocking, every_file_gets_every_record_and_a_wakeup_of_its_own)
{
	int other = open_raw(0, O_RDONLY);
	struct sleeper a = reader(self->fd, 1), b = reader(other, 1);

	ASSERT_LE(0, other);
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&a));
	EXPECT_EQ(RECORD, sleeper_result(&b));
	EXPECT_SAMPLE(&a.records[0], 0);
	EXPECT_SAMPLE(&b.records[0], 0);
	EXPECT_EQ(2, STAT(self->fd, wakeups));
}

TEST_F(blocking, reader_sleeps_below_the_low_water_mark_and_wakes_at_it)
{
	struct sleeper s = reader(self->fd, 8);

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(undisturbed(&s));
	EXPECT_EQ(0, STAT(self->fd, wakeups));

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(3 * RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[0], 0);
	EXPECT_SAMPLE(&s.records[2], 2);
	EXPECT_EQ(1, STAT(self->fd, wakeups));
}

TEST_F(blocking, reader_falls_asleep_on_records_below_the_low_water_mark)
{
	struct sleeper s = reader(self->fd, 8);

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(3 * RECORD, sleeper_result(&s));
}

TEST_F(blocking, low_water_mark_of_the_whole_ring_can_be_reached)
{
	struct sleeper s = reader(self->fd, 16);

	ASSERT_EQ(0, set_low_water(self->fd, 16));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 15));
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(16 * RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[15], 15);
	EXPECT_EQ(0, STAT(self->fd, lost));
}

TEST_F(blocking, lowering_the_low_water_mark_wakes_the_reader_it_was_too_high_for)
{
	struct sleeper s = reader(self->fd, 8);

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, set_low_water(self->fd, 2));
	EXPECT_EQ(2 * RECORD, sleeper_result(&s));
}

TEST_F(blocking, signal_ends_the_sleep_with_EINTR_and_takes_no_record)
{
	struct sleeper s = reader(self->fd, 1);

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(blocking, read_is_restarted_after_a_signal_with_SA_RESTART)
{
	struct sleeper s = reader(self->fd, 1);

	ASSERT_EQ(0, catch_signal(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	ASSERT_TRUE(sleeper_sleeps(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[0], 0);
}

TEST_F(blocking, reader_that_a_signal_takes_leaves_the_queue_of_the_others_whole)
{
	struct sleeper s[3];
	int i;

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	for (i = 0; i < 3; i++) {
		s[i] = reader(self->fd, 1);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	ASSERT_EQ(0, interrupt_sleeper(&s[0], SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s[0]));
	for (i = 1; i < 3; i++) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_EQ(RECORD, sleeper_result(&s[i]));
		EXPECT_SAMPLE(&s[i].records[0], i - 1);
	}
}

/* Keep this thread and the sleeper on one processor, this one always first. */
static int run_before(struct sleeper *s)
{
	struct sched_param first = { .sched_priority = 1 };
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	return sched_setaffinity(0, sizeof(cpu), &cpu) ||
	       sched_setaffinity(s->tid, sizeof(cpu), &cpu) ||
	       sched_setscheduler(0, SCHED_FIFO, &first);
}

TEST_F(blocking, signal_that_meets_the_wakeup_loses_no_record)
{
	struct sleeper a = reader(self->fd, 1), b = reader(self->fd, 1);
	int first;

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_EQ(0, run_before(&a));

	/* Both reach the first sleeper before it can run. */
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, pthread_kill(a.thread, SIGUSR1));

	if (sleeper_result(&a) == -EINTR) {
		EXPECT_EQ(RECORD, sleeper_result(&b));
		EXPECT_SAMPLE(&b.records[0], 0);
		return;
	}
	first = a.result;
	EXPECT_EQ(RECORD, first);
	EXPECT_SAMPLE(&a.records[0], 0);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&b));
	EXPECT_SAMPLE(&b.records[0], 1);
}

TEST_F(blocking, dup_shares_the_cursor)
{
	int copy = dup(self->fd);

	ASSERT_LE(0, copy);
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_READ(copy, 0, 1);
	EXPECT_READ(self->fd, 1, 1);
}

TEST_F(blocking, fork_shares_the_cursor)
{
	int status;
	pid_t pid;

	ASSERT_EQ(0, trigger(self->fd, 2));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(*read_fault(self->fd, 0, 1) ? 1 : 0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_READ(self->fd, 1, 1);
}

TEST_F(blocking, close_by_another_thread_leaves_the_reader_asleep_on_its_file)
{
	int fd = open_raw(0, O_RDONLY);
	struct sleeper s = reader(fd, 1);

	ASSERT_LE(0, fd);
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, close(fd));
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[0], 0);
}

TEST_F(blocking, killed_reader_leaves_nothing_behind)
{
	long switches;
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		struct iodemo_record record;
		int fd = open_raw(0, O_RDONLY);

		_exit(read(fd, &record, sizeof(record)));
	}
	while (!task_sleeps(pid, &switches) && !waitpid(pid, &status, WNOHANG))
		sched_yield();
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
	EXPECT_READ(self->fd, 0, 1);
}

/* Reads single records, from two threads, until the @last or one after it. */
struct sharer {
	int fd;
	__u64 last;
	atomic_char *seen;	/* how often, by seq */
	pthread_t thread;
};

static void *share(void *arg)
{
	struct sharer *s = arg;
	struct iodemo_record record;

	do {
		if (read(s->fd, &record, sizeof(record)) != RECORD ||
		    *sample_fault(&record, record.seq))
			return "a bad record";
		s->seen[record.seq]++;
	} while (record.seq < s->last);
	return NULL;
}

TEST_F(blocking, two_threads_on_one_file_share_the_records)
{
	enum { TOTAL = 1600, STEP = 8 };
	static atomic_char seen[TOTAL + 2];
	struct sharer s[2];
	void *fault;
	int i;

	for (i = 0; i < 2; i++) {
		s[i] = (struct sharer){ .fd = self->fd, .last = TOTAL, .seen = seen };
		ASSERT_EQ(0, pthread_create(&s[i].thread, NULL, share, &s[i]));
	}
	for (i = 0; i < TOTAL; i += STEP) {
		ASSERT_EQ(0, trigger(self->fd, STEP));
		while (STAT(self->fd, lag))
			sched_yield();
	}
	/* One for each thread, to end it */
	ASSERT_EQ(0, trigger(self->fd, 2));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(s[i].thread, &fault));
		EXPECT_EQ(0, (long)fault);
	}
	for (i = 0; i < TOTAL + 2; i++)
		EXPECT_EQ(1, (int)seen[i]);
	EXPECT_EQ(TOTAL + 2, STAT(self->fd, read));
	EXPECT_EQ(0, STAT(self->fd, lost));
}

TEST_F(blocking, readv_scatters_a_record_over_many_small_buffers)
{
	struct iodemo_record record;
	struct iovec iov[sizeof(record)];
	size_t i;

	for (i = 0; i < sizeof(record); i++)
		iov[i] = (struct iovec){ (char *)&record + i, 1 };
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(RECORD, result(readv(self->fd, iov, sizeof(record))));
	EXPECT_SAMPLE(&record, 0);
	EXPECT_READ(self->fd, 1, 1);
}

TEST_F(blocking, file_open_for_writing_only_can_not_read)
{
	struct iodemo_record record;
	int fd = open_raw(0, O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(-EBADF, result(read(fd, &record, sizeof(record))));
}

TEST_HARNESS_MAIN
