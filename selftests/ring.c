// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring: what a lapped reader loses and learns, that a fault in the middle
 * of a copy loses nothing, and a million records at full speed.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <semaphore.h>
#include <time.h>

FIXTURE(ring) {
	int fd;
};

FIXTURE_VARIANT(ring) {
	long capacity;
};

FIXTURE_VARIANT_ADD(ring, smallest) {
	.capacity = IODEMO_CAPACITY_MIN,
};

FIXTURE_VARIANT_ADD(ring, largest) {
	.capacity = IODEMO_CAPACITY_MAX,
};

FIXTURE_SETUP(ring)
{
	ASSERT_EQ(0, load("capacity=%ld", variant->capacity));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
}

IODEMO_FIXTURE_TEARDOWN(ring)

/* So many records, without as many interrupts */
static long produce(int fd, long count)
{
	long err = set_config(fd, 0, IODEMO_BURST_MAX);

	if (!err && count >= IODEMO_BURST_MAX)
		err = trigger(fd, count / IODEMO_BURST_MAX);
	if (!err)
		err = set_config(fd, 0, 1);
	if (!err && count % IODEMO_BURST_MAX)
		err = trigger(fd, count % IODEMO_BURST_MAX);
	return err;
}

TEST_F(ring, full_ring_has_lost_nothing)
{
	ASSERT_EQ(0, produce(self->fd, variant->capacity));
	EXPECT_EQ(variant->capacity, STAT(self->fd, lag));
	EXPECT_EQ(0, STAT(self->fd, lost));
	EXPECT_READ(self->fd, 0, variant->capacity);
	EXPECT_EQ(variant->capacity, STAT(self->fd, read));
	EXPECT_EQ(0, STAT(self->fd, lag));
}

TEST_F(ring, lapped_reader_resumes_at_the_oldest_and_counts_what_it_lost)
{
	ASSERT_EQ(0, produce(self->fd, variant->capacity + 5));
	EXPECT_EQ(5, STAT(self->fd, lost));
	EXPECT_EQ(variant->capacity, STAT(self->fd, lag));
	EXPECT_READ(self->fd, 5, variant->capacity);
	EXPECT_EQ(5, STAT(self->fd, lost));
	EXPECT_EQ(variant->capacity, STAT(self->fd, read));
}

TEST_F(ring, reader_lapped_in_the_middle_loses_what_it_had_not_read)
{
	ASSERT_EQ(0, produce(self->fd, 10));
	EXPECT_READ(self->fd, 0, 4);
	ASSERT_EQ(0, produce(self->fd, variant->capacity));
	EXPECT_READ(self->fd, 10, variant->capacity);
	EXPECT_EQ(6, STAT(self->fd, lost));
	EXPECT_EQ(variant->capacity + 4, STAT(self->fd, read));
}

TEST_F(ring, loss_of_one_file_is_not_that_of_another)
{
	int other = open_raw(0, O_RDONLY);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, produce(self->fd, variant->capacity));
	EXPECT_READ(other, 0, 3);
	ASSERT_EQ(0, produce(self->fd, 5));
	EXPECT_EQ(5, STAT(self->fd, lost));
	EXPECT_EQ(2, STAT(other, lost));
}

TEST_F(ring, losses_add_up_whatever_is_read_in_between)
{
	struct iodemo_record records[40];
	unsigned int random = 1;
	long produced = 0, next = 0, lost = 0;

	for (int round = 0; round < 200; round++) {
		struct iodemo_stats stats;
		long count, got, i;

		random = random * 1103515245 + 12345;
		count = 1 + (random >> 16 & 31);
		ASSERT_EQ(0, trigger(self->fd, count));
		produced += count;

		random = random * 1103515245 + 12345;
		count = 1 + (random >> 16) % 24;
		got = read_nowait(self->fd, records, count * RECORD);
		if (got == -EAGAIN)
			got = 0;
		ASSERT_EQ(0, got % RECORD);
		for (i = 0; i < got / RECORD; i++) {
			if (!i)
				lost += records[0].seq - next;
			ASSERT_TRUE(!i || records[i].seq == (__u64)next);
			next = records[i].seq + 1;
			ASSERT_STREQ("", sample_fault(&records[i], records[i].seq));
		}
		stats = get_stats(self->fd);
		ASSERT_EQ((__u64)produced, stats.records);
		ASSERT_EQ((__u64)produced, stats.read + stats.lost + stats.lag);
		ASSERT_EQ((__u64)lost, stats.lost - (stats.records - stats.lag - next));
	}
	/* The smallest ring was lapped, the largest wasn't. */
	EXPECT_EQ(variant->capacity == IODEMO_CAPACITY_MIN, lost > 0);
}

TEST_F(ring, file_sees_only_what_comes_after_its_open)
{
	int fd;

	ASSERT_EQ(0, produce(self->fd, 20));
	fd = open_raw(0, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, STAT(fd, lag));
	EXPECT_EQ(0, STAT(fd, lost));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(fd, 20, 1);
	EXPECT_EQ(1, STAT(fd, read));
}

TEST_F(ring, stream_goes_on_while_no_file_is_open)
{
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(0, close(self->fd));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 3, 1);
}

IODEMO_FIXTURE(copy, "capacity=16")

TEST_F(copy, burst_larger_than_the_ring_leaves_its_end)
{
	ASSERT_EQ(0, set_config(self->fd, 0, IODEMO_BURST_MAX));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(IODEMO_BURST_MAX - 16, STAT(self->fd, lost));
	EXPECT_READ(self->fd, IODEMO_BURST_MAX - 16, 16);
}

TEST_F(copy, timestamp_is_of_the_interrupt)
{
	struct iodemo_record records[2];
	__u64 before, after;

	before = clock_ns();
	ASSERT_EQ(0, trigger(self->fd, 2));
	after = clock_ns();
	ASSERT_EQ(2 * RECORD, result(read(self->fd, records, sizeof(records))));
	EXPECT_LE(before, records[0].timestamp);
	EXPECT_LE(records[0].timestamp, records[1].timestamp);
	EXPECT_LE(records[1].timestamp, after);
}

TEST_F(copy, one_record_fits_anywhere)
{
	unsigned char buf[sizeof(struct iodemo_record) + 8];
	struct iodemo_record record;
	int offset;

	ASSERT_EQ(0, trigger(self->fd, 8));
	for (offset = 0; offset < 8; offset++) {
		memset(buf, 0xa5, sizeof(buf));
		ASSERT_EQ(RECORD, result(read(self->fd, buf + offset, RECORD)));
		memcpy(&record, buf + offset, RECORD);
		EXPECT_SAMPLE(&record, offset);
		EXPECT_EQ(0xa5, buf[RECORD + offset]);
		if (offset)
			EXPECT_EQ(0xa5, buf[offset - 1]);
	}
}

TEST_F(copy, one_record_that_can_not_be_copied_is_EFAULT_and_stays)
{
	char start[30], *end = page_end();
	struct iovec iov[] = { { start, sizeof(start) }, { bad_pointer, RECORD } };

	ASSERT_TRUE(!!end);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EFAULT, result(read(self->fd, bad_pointer, RECORD)));
	EXPECT_EQ(-EFAULT, result(read(self->fd, end - 32, RECORD)));
	EXPECT_EQ(-EFAULT, result(read(self->fd, end - 31, RECORD)));
	EXPECT_EQ(-EFAULT, result(readv(self->fd, iov, 2)));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(copy, bad_pointer_is_EFAULT_and_takes_nothing)
{
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(-EFAULT, result(read(self->fd, bad_pointer, 2 * RECORD)));
	EXPECT_EQ(0, STAT(self->fd, read));
	EXPECT_READ(self->fd, 0, 2);
}

TEST_F(copy, bad_second_buffer_is_a_short_count_and_loses_nothing)
{
	struct iodemo_record records[2];
	struct iovec iov[] = { { records, sizeof(records) }, { bad_pointer, RECORD } };

	ASSERT_EQ(0, trigger(self->fd, 4));
	EXPECT_EQ(2 * RECORD, result(readv(self->fd, iov, 2)));
	EXPECT_SAMPLE(&records[0], 0);
	EXPECT_SAMPLE(&records[1], 1);
	EXPECT_READ(self->fd, 2, 2);
	EXPECT_EQ(4, STAT(self->fd, read));
}

TEST_F(copy, bad_pointer_in_the_middle_of_a_record_takes_only_those_before_it)
{
	struct iodemo_record records[2];
	struct iovec iov[] = { { records, RECORD + 30 }, { bad_pointer, 2 * RECORD } };

	ASSERT_EQ(0, trigger(self->fd, 4));
	EXPECT_EQ(RECORD, result(readv(self->fd, iov, 2)));
	EXPECT_SAMPLE(&records[0], 0);
	EXPECT_READ(self->fd, 1, 3);
}

TEST_F(copy, end_of_memory_in_the_second_record_is_a_short_count)
{
	char *end = page_end();

	ASSERT_TRUE(!!end);
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(RECORD, result(read(self->fd, end - RECORD - 30, 3 * RECORD)));
	EXPECT_SAMPLE((struct iodemo_record *)(end - RECORD - 30), 0);
	EXPECT_READ(self->fd, 1, 2);
}

TEST_F(copy, end_of_memory_in_the_first_record_is_EFAULT)
{
	char *end = page_end();

	ASSERT_TRUE(!!end);
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(-EFAULT, result(read(self->fd, end - 30, 3 * RECORD)));
	EXPECT_READ(self->fd, 0, 3);
}

TEST_F(copy, rest_of_the_buffer_of_less_than_a_record_stays_untouched)
{
	unsigned char buf[2 * sizeof(struct iodemo_record)];
	size_t i;

	memset(buf, 0xa5, sizeof(buf));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(RECORD, result(read(self->fd, buf, sizeof(buf) - 1)));
	for (i = RECORD; i < sizeof(buf); i++)
		EXPECT_EQ(0xa5, buf[i]);
	EXPECT_READ(self->fd, 1, 1);
}

TEST_F(copy, buffer_under_one_record_is_EINVAL)
{
	struct iodemo_record record;

	EXPECT_EQ(-EINVAL, result(read(self->fd, &record, 0)));
	EXPECT_EQ(-EINVAL, result(read(self->fd, &record, RECORD - 1)));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-EINVAL, result(read(self->fd, &record, 0)));
	EXPECT_EQ(-EINVAL, result(read(self->fd, &record, RECORD - 1)));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(copy, lseek_pread_and_pwrite_are_ESPIPE)
{
	struct iodemo_record record = raw_record("no");

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(-ESPIPE, result(lseek(self->fd, 0, SEEK_SET)));
	EXPECT_EQ(-ESPIPE, result(lseek(self->fd, 0, SEEK_CUR)));
	EXPECT_EQ(-ESPIPE, result(pread(self->fd, &record, sizeof(record), 0)));
	EXPECT_EQ(-ESPIPE, result(pwrite(self->fd, &record, sizeof(record), 0)));
	EXPECT_READ(self->fd, 0, 1);
}

/*
 * At full speed: four readers, a thread and a file each, check every record.
 */
#define READERS		4
#define MILLION		1048576L
#define BATCH		1024

struct racer {
	int fd;
	bool lossless;
	sem_t *progress;	/* posted after each step of the producer */
	long step;
	long records, gaps;
	const char *fault;
	pthread_t thread;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct iodemo_record *records = calloc(BATCH, RECORD);
	long next = 0, reported = 0;

	r->fault = "";
	while (next < MILLION && !*r->fault) {
		long got = result(read(r->fd, records, BATCH * RECORD));
		long i;

		if (got <= 0 || got % RECORD) {
			r->fault = "a read failed";
			break;
		}
		for (i = 0; i < got / RECORD; i++) {
			const struct iodemo_record *record = &records[i];

			if ((long)record->seq < next ||
			    (r->lossless && (long)record->seq != next) ||
			    record->type != IODEMO_TYPE_SAMPLE ||
			    record->len != IODEMO_DATA_SIZE ||
			    memcmp(record->data, iodemo_sample(record->seq), IODEMO_DATA_SIZE)) {
				r->fault = "a record is wrong";
				break;
			}
			r->gaps += record->seq - next;
			next = record->seq + 1;
		}
		r->records += got / RECORD;
		for (; r->lossless && reported + r->step <= next; reported += r->step)
			sem_post(r->progress);
	}
	free(records);
	/* However it ends, nobody waits for it for ever. */
	for (; r->lossless && reported < MILLION; reported += r->step)
		sem_post(r->progress);
	return NULL;
}

FIXTURE(full_speed) {
	int fd;
	sem_t progress;
	struct racer r[READERS];
};

IODEMO_VARIANTS_THREADED(full_speed);

FIXTURE_SETUP(full_speed)
{
	int i;

	ASSERT_EQ(0, load("capacity=4096 burst=1024 threaded=%d", variant->threaded));
	ASSERT_EQ(0, sem_init(&self->progress, 0, 0));
	for (i = 0; i < READERS; i++) {
		self->r[i].fd = open_raw(0, O_RDONLY);
		ASSERT_LE(0, self->r[i].fd);
		self->r[i].progress = &self->progress;
	}
	self->fd = open_raw(0, O_WRONLY);
	ASSERT_LE(0, self->fd);
}

IODEMO_FIXTURE_TEARDOWN(full_speed)

static int start_race(struct racer *racers, long step)
{
	struct racer *r;
	int err = 0;

	for (r = racers; r < racers + READERS && !err; r++) {
		r->lossless = step;
		r->step = step;
		err = pthread_create(&r->thread, NULL, race, r);
	}
	return err;
}

TEST_F_TIMEOUT(full_speed, million_records_through_4_readers_none_lost, 120)
{
	const long step = 4096;
	int i;

	ASSERT_EQ(0, start_race(self->r, step));
	for (long done = 0; done < MILLION; done += step) {
		ASSERT_EQ(0, trigger(self->fd, step / IODEMO_BURST_MAX));
		for (i = 0; i < READERS; i++)
			ASSERT_EQ(0, sem_wait(&self->progress));
	}
	for (i = 0; i < READERS; i++) {
		ASSERT_EQ(0, pthread_join(self->r[i].thread, NULL));
		EXPECT_STREQ("", self->r[i].fault);
		EXPECT_EQ(MILLION, self->r[i].records);
		EXPECT_EQ(MILLION, STAT(self->r[i].fd, read));
		EXPECT_EQ(0, STAT(self->r[i].fd, lost));
	}
}

TEST_F_TIMEOUT(full_speed, million_records_through_4_readers_read_and_lost_add_up, 120)
{
	int i;

	ASSERT_EQ(0, start_race(self->r, 0));
	ASSERT_EQ(0, trigger(self->fd, MILLION / IODEMO_BURST_MAX));
	for (i = 0; i < READERS; i++) {
		struct racer *r = &self->r[i];

		ASSERT_EQ(0, pthread_join(r->thread, NULL));
		EXPECT_STREQ("", r->fault);
		EXPECT_EQ(MILLION, r->records + r->gaps);
		EXPECT_EQ(r->records, STAT(r->fd, read));
		EXPECT_EQ(r->gaps, STAT(r->fd, lost));
	}
}

TEST_F(full_speed, triggers_of_four_threads_are_all_taken)
{
	struct sleeper s[4];
	int i;

	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	for (i = 0; i < 4; i++) {
		s[i] = triggerer(i % 2 ? self->fd : open_raw(0, O_WRONLY), 500);
		ASSERT_LE(0, s[i].fd);
		ASSERT_TRUE(sleeper_start(&s[i]));
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, sleeper_result(&s[i]));
	EXPECT_EQ(2000, STAT(self->fd, interrupts));
	EXPECT_EQ(2000, STAT(self->fd, records));
	EXPECT_READ(self->r[0].fd, 0, 2000);
}

/* Threads that share one file while it is lapped */
struct rival {
	int fd;
	atomic_bool *done;	/* no more records will come */
	atomic_char *seen;	/* how often, by seq */
	const char *fault;
	pthread_t thread;
};

static void *compete(void *arg)
{
	struct rival *r = arg;
	struct iodemo_record records[16];
	bool last;
	long got;

	r->fault = "";
	do {
		last = *r->done;
		while ((got = read_nowait(r->fd, records, sizeof(records))) > 0) {
			for (long i = 0; i < got / RECORD; i++) {
				if (*sample_fault(&records[i], records[i].seq))
					r->fault = "a record is wrong";
				r->seen[records[i].seq]++;
			}
		}
	} while (!last);
	return NULL;
}

TEST_F_TIMEOUT(full_speed, threads_that_share_a_lapped_file_get_no_record_twice, 60)
{
	enum { TOTAL = 128 * IODEMO_BURST_MAX };
	static atomic_char seen[TOTAL];
	atomic_bool done = false;
	struct rival r[READERS];
	long unseen = 0;
	int i;

	for (i = 0; i < READERS; i++) {
		r[i] = (struct rival){ .fd = self->r[0].fd, .done = &done, .seen = seen };
		ASSERT_EQ(0, pthread_create(&r[i].thread, NULL, compete, &r[i]));
	}
	ASSERT_EQ(0, trigger(self->fd, TOTAL / IODEMO_BURST_MAX));
	done = true;
	for (i = 0; i < READERS; i++) {
		ASSERT_EQ(0, pthread_join(r[i].thread, NULL));
		EXPECT_STREQ("", r[i].fault);
	}
	for (i = 0; i < TOTAL; i++) {
		ASSERT_LE((int)seen[i], 1);
		unseen += !seen[i];
	}
	EXPECT_EQ(unseen, STAT(self->r[0].fd, lost));
	EXPECT_EQ(TOTAL - unseen, STAT(self->r[0].fd, read));
}

TEST_HARNESS_MAIN
