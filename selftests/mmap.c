// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mapped ring and the mapped cursor: who may map what, that read(), poll()
 * and the mapping agree, that no record is torn however fast the device is, and
 * that what a hostile program writes into its cursor harms nobody else.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/syscall.h>

#define CAPACITY	64
#define RING_SIZE	(IODEMO_MMAP_RECORDS + CAPACITY * RECORD)
#define PAGE		4096

/* The ring, and where this file stands, as a program has them mapped */
struct mapping {
	const struct iodemo_ring_page *page;
	const struct iodemo_record *records;
	atomic_ullong *cursor;
	__u64 capacity;
};

static void *map(int fd, long long offset, size_t size, int protection, int flags)
{
	return mmap64(NULL, size, protection, flags, fd, offset);
}

/* 0, or what mmap() failed with */
static long map_result(int fd, long long offset, size_t size, int protection, int flags)
{
	void *p = map(fd, offset, size, protection, flags);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, size);
	return 0;
}

static bool map_both(struct mapping *m, int fd, __u64 capacity)
{
	void *page = map(fd, IODEMO_MMAP_RING, IODEMO_MMAP_RECORDS + capacity * RECORD,
			 PROT_READ, MAP_SHARED);
	void *cursor = map(fd, IODEMO_MMAP_CURSOR, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);

	m->page = page;
	m->records = (void *)((char *)page + IODEMO_MMAP_RECORDS);
	m->cursor = cursor;
	m->capacity = capacity;
	return page != MAP_FAILED && cursor != MAP_FAILED;
}

/* Positions are signed here, as all that is compared is. */

static long head_of(const struct mapping *m)
{
	return __atomic_load_n(&m->page->head, __ATOMIC_ACQUIRE);
}

static long begun_of(const struct mapping *m)
{
	return __atomic_load_n(&m->page->begun, __ATOMIC_RELAXED);
}

static long cursor_of(const struct mapping *m)
{
	return atomic_load(m->cursor);
}

/*
 * Take the next record as iodemo.h says it: 1 if it is ours, 0 if nothing is
 * there, -EAGAIN if it was overwritten or another was faster.
 */
static int take_record(struct mapping *m, struct iodemo_record *record)
{
	__u64 seq = atomic_load_explicit(m->cursor, memory_order_relaxed);

	if (__atomic_load_n(&m->page->head, __ATOMIC_ACQUIRE) <= seq)
		return 0;
	memcpy(record, &m->records[seq % m->capacity], sizeof(*record));
	atomic_thread_fence(memory_order_acquire);
	if (__atomic_load_n(&m->page->begun, __ATOMIC_RELAXED) > seq + m->capacity)
		return -EAGAIN;
	return atomic_compare_exchange_strong(m->cursor, &seq, seq + 1) ? 1 : -EAGAIN;
}

FIXTURE(mmap) {
	int fd;
	struct mapping m;
};

FIXTURE_SETUP(mmap)
{
	ASSERT_EQ(PAGE, sysconf(_SC_PAGESIZE));
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(map_both(&self->m, self->fd, CAPACITY));
}

/* A mapping keeps its file open. */
FIXTURE_TEARDOWN(mmap)
{
	munmap((void *)self->m.page, RING_SIZE);
	munmap(self->m.cursor, PAGE);
	close_all();
	EXPECT_EQ(0, unload());
}

/* What can be mapped */

TEST_F(mmap, ring_can_not_be_mapped_for_writing)
{
	EXPECT_EQ(-EACCES, map_result(self->fd, IODEMO_MMAP_RING, RING_SIZE,
				      PROT_READ | PROT_WRITE, MAP_SHARED));
	EXPECT_EQ(-EACCES, map_result(self->fd, IODEMO_MMAP_RING, RING_SIZE,
				      PROT_WRITE, MAP_SHARED));
}

TEST_F(mmap, ring_can_not_be_made_writable_later)
{
	EXPECT_EQ(-EACCES, result(mprotect((void *)self->m.page, RING_SIZE,
					   PROT_READ | PROT_WRITE)));
}

/* Of the mapping at @p, the kB that are this process's own; -1: there is none */
static long own_kb(const void *p)
{
	char line[256], begin[32];
	bool found = false;
	long kb = -1;
	FILE *smaps;

	snprintf(begin, sizeof(begin), "%lx-", (unsigned long)p);
	smaps = fopen("/proc/self/smaps", "re");
	while (smaps && kb < 0 && fgets(line, sizeof(line), smaps)) {
		if (!strncmp(line, begin, strlen(begin)))
			found = true;
		else if (found)
			sscanf(line, "Anonymous: %ld", &kb);
	}
	if (smaps)
		fclose(smaps);
	return kb;
}

TEST_F(mmap, private_mapping_is_copied_on_write_page_by_page)
{
	struct iodemo_ring_page *page = map(self->fd, IODEMO_MMAP_RING, RING_SIZE,
					    PROT_READ | PROT_WRITE, MAP_PRIVATE);
	struct iodemo_record *records = (void *)((char *)page + IODEMO_MMAP_RECORDS);

	ASSERT_NE(MAP_FAILED, (void *)page);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1ULL, atomic_load((atomic_ullong *)&page->head));
	EXPECT_SAMPLE(&records[0], 0);
	EXPECT_EQ(0, own_kb(page));
	memset(records[0].data, '!', IODEMO_DATA_SIZE);
	EXPECT_EQ(PAGE / 1024, own_kb(page));
	/* The device, its readers and the other pages know nothing of it. */
	EXPECT_READ(self->fd, 0, 1);
	ASSERT_EQ(0, trigger(self->fd, CAPACITY));
	EXPECT_EQ(1ULL + CAPACITY, atomic_load((atomic_ullong *)&page->head));
	EXPECT_EQ('!', records[0].data[0]);
	EXPECT_EQ(0ULL, records[0].seq);
	EXPECT_READ(self->fd, 1, CAPACITY);
	EXPECT_EQ(PAGE / 1024, own_kb(page));
	/* One that is made writable later is no different. */
	ASSERT_EQ(0, mprotect(page, RING_SIZE, PROT_READ));
	ASSERT_EQ(0, mprotect(page, RING_SIZE, PROT_READ | PROT_WRITE));
	page->head = 7;
	EXPECT_EQ(2 * PAGE / 1024, own_kb(page));
	EXPECT_EQ(1ULL + CAPACITY, atomic_load((atomic_ullong *)&self->m.page->head));
	EXPECT_EQ(0, munmap(page, RING_SIZE));
}

TEST_F(mmap, ring_can_be_mapped_in_part_and_no_further_than_its_end)
{
	EXPECT_EQ(0, map_result(self->fd, IODEMO_MMAP_RING, PAGE, PROT_READ, MAP_SHARED));
	EXPECT_EQ(0, map_result(self->fd, IODEMO_MMAP_RING, RING_SIZE, PROT_READ, MAP_SHARED));
	EXPECT_EQ(-EINVAL, map_result(self->fd, IODEMO_MMAP_RING, RING_SIZE + 1, PROT_READ,
				      MAP_SHARED));
	EXPECT_EQ(-EINVAL, map_result(self->fd, IODEMO_MMAP_RING, 1 << 24, PROT_READ,
				      MAP_SHARED));
}

TEST_F(mmap, ring_of_the_smallest_capacity_is_mapped_to_the_end_of_its_page)
{
	struct mapping m;
	int fd;

	munmap((void *)self->m.page, RING_SIZE);
	munmap(self->m.cursor, PAGE);
	close_all();
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load("capacity=16"));
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(map_both(&m, fd, 16));
	ASSERT_EQ(0, trigger(fd, 16));
	EXPECT_SAMPLE(&m.records[15], 15);
	EXPECT_EQ(-EINVAL, map_result(fd, IODEMO_MMAP_RING, 3 * PAGE, PROT_READ, MAP_SHARED));
	munmap((void *)m.page, IODEMO_MMAP_RECORDS + 16 * RECORD);
	munmap(m.cursor, PAGE);
}

TEST_F(mmap, ring_can_not_grow_by_mremap)
{
	EXPECT_EQ(MAP_FAILED, mremap((void *)self->m.page, RING_SIZE, RING_SIZE + PAGE,
				     MREMAP_MAYMOVE));
}

TEST_F(mmap, offset_of_nothing_is_EINVAL)
{
	static const long long offsets[] = {
		PAGE, IODEMO_MMAP_CURSOR - PAGE, IODEMO_MMAP_CURSOR + PAGE,
		2LL * IODEMO_MMAP_CURSOR, 1LL << 32, 1LL << 44, 0x7ffffffffffff000LL - PAGE,
	};
	unsigned int i;

	for (i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		EXPECT_EQ(-EINVAL, map_result(self->fd, offsets[i], PAGE, PROT_READ, MAP_SHARED));
}

TEST_F(mmap, cursor_is_one_page_and_shared)
{
	EXPECT_EQ(-EINVAL, map_result(self->fd, IODEMO_MMAP_CURSOR, PAGE, PROT_READ,
				      MAP_PRIVATE));
	EXPECT_EQ(-EINVAL, map_result(self->fd, IODEMO_MMAP_CURSOR, PAGE,
				      PROT_READ | PROT_WRITE, MAP_PRIVATE));
	EXPECT_EQ(-EINVAL, map_result(self->fd, IODEMO_MMAP_CURSOR, 2 * PAGE, PROT_READ,
				      MAP_SHARED));
	EXPECT_EQ(0, map_result(self->fd, IODEMO_MMAP_CURSOR, PAGE, PROT_READ, MAP_SHARED));
}

TEST_F(mmap, cursor_of_a_file_open_for_reading_can_not_be_written)
{
	int fd = open_raw(0, O_RDONLY);
	void *p;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, map_result(fd, IODEMO_MMAP_CURSOR, PAGE, PROT_READ | PROT_WRITE,
				      MAP_SHARED));
	p = map(fd, IODEMO_MMAP_CURSOR, PAGE, PROT_READ, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-EACCES, result(mprotect(p, PAGE, PROT_READ | PROT_WRITE)));
	munmap(p, PAGE);
}

TEST_F(mmap, file_open_for_writing_alone_maps_nothing)
{
	int fd = open_raw(0, O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, map_result(fd, IODEMO_MMAP_RING, PAGE, PROT_READ, MAP_SHARED));
	EXPECT_EQ(-EACCES, map_result(fd, IODEMO_MMAP_CURSOR, PAGE, PROT_READ | PROT_WRITE,
				      MAP_SHARED));
}

/* What the pages tell */

TEST_F(mmap, ring_page_tells_begun_head_and_capacity)
{
	static const __u32 zero[11];

	EXPECT_EQ(CAPACITY, (long)self->m.page->capacity);
	EXPECT_EQ(0, begun_of(&self->m));
	EXPECT_EQ(0, head_of(&self->m));
	ASSERT_EQ(0, trigger(self->fd, CAPACITY + 5));
	EXPECT_EQ(CAPACITY + 5, begun_of(&self->m));
	EXPECT_EQ(CAPACITY + 5, head_of(&self->m));
	EXPECT_EQ(0, memcmp(zero, self->m.page->reserved, sizeof(zero)));
}

TEST_F(mmap, records_are_those_that_read_gives)
{
	struct iodemo_record records[CAPACITY];
	long i;

	ASSERT_EQ(0, trigger(self->fd, CAPACITY + 5));
	ASSERT_EQ(CAPACITY * RECORD, result(read(self->fd, records, sizeof(records))));
	for (i = 5; i < CAPACITY + 5; i++) {
		EXPECT_SAMPLE(&self->m.records[i % CAPACITY], i);
		EXPECT_EQ(0, memcmp(&records[i - 5], &self->m.records[i % CAPACITY], RECORD));
	}
}

TEST_F(mmap, cursor_of_a_new_file_is_at_head)
{
	struct mapping m;
	int fd;

	ASSERT_EQ(0, trigger(self->fd, 7));
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(map_both(&m, fd, CAPACITY));
	EXPECT_EQ(7, cursor_of(&m));
	EXPECT_EQ(0, cursor_of(&self->m));
	munmap((void *)m.page, RING_SIZE);
	munmap(m.cursor, PAGE);
}

TEST_F(mmap, cursor_is_moved_by_read)
{
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_EQ(0, cursor_of(&self->m));
	EXPECT_READ(self->fd, 0, 3);
	EXPECT_EQ(3, cursor_of(&self->m));
}

/* The value in the line of this name of the file's fdinfo, or -1 */
static long fdinfo(int fd, const char *name)
{
	char path[64], buf[1024], *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (read_file(path, buf, sizeof(buf)) <= 0)
		return -1;
	line = strstr(buf, name);
	return line ? strtol(line + strlen(name), NULL, 10) : -1;
}

TEST_F(mmap, record_taken_from_the_mapping_is_gone_for_read_poll_stats_and_fdinfo)
{
	struct iodemo_record record;

	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(1, take_record(&self->m, &record));
	EXPECT_SAMPLE(&record, 0);
	EXPECT_EQ(1, STAT(self->fd, read));
	EXPECT_EQ(2, STAT(self->fd, lag));
	EXPECT_EQ(0, STAT(self->fd, lost));
	EXPECT_EQ(1, fdinfo(self->fd, "iodemo-cursor:\t"));
	EXPECT_EQ(2, fdinfo(self->fd, "iodemo-lag:\t"));
	EXPECT_READ(self->fd, 1, 1);
	EXPECT_EQ(POLLIN, poll_now(self->fd, POLLIN));
	EXPECT_EQ(1, take_record(&self->m, &record));
	EXPECT_SAMPLE(&record, 2);
	EXPECT_EQ(0, poll_now(self->fd, POLLIN));
	EXPECT_EQ(0, take_record(&self->m, &record));
	EXPECT_EQ(-EAGAIN, read_nowait(self->fd, &record, RECORD));
	EXPECT_EQ(3, STAT(self->fd, read));
}

TEST_F(mmap, poll_counts_from_the_mapped_cursor_to_the_low_water_mark)
{
	struct iodemo_record record;

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(POLLIN, poll_now(self->fd, POLLIN));
	EXPECT_EQ(1, take_record(&self->m, &record));
	EXPECT_EQ(0, poll_now(self->fd, POLLIN));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(POLLIN, poll_now(self->fd, POLLIN));
}

TEST_F(mmap, reader_asleep_stays_asleep_when_the_records_are_taken_from_the_mapping)
{
	struct sleeper s = reader(self->fd, 8);
	struct iodemo_record record;

	ASSERT_EQ(0, set_low_water(self->fd, 3));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(1, take_record(&self->m, &record));
	EXPECT_EQ(1, take_record(&self->m, &record));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(3 * RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[0], 2);
}

TEST_F(mmap, line_is_shown_from_the_mapped_cursor_on)
{
	struct iodemo_record record;
	char line[LINE_MAX_BYTES];

	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
	ASSERT_EQ(0, trigger(self->fd, 4));
	EXPECT_EQ(1, take_record(&self->m, &record));
	EXPECT_EQ(1, take_record(&self->m, &record));
	EXPECT_LT(0, read_nowait(self->fd, line, 2));
	EXPECT_EQ('2', line[0]);
	EXPECT_EQ(3, cursor_of(&self->m));
}

TEST_F(mmap, lapped_reader_is_told_its_loss_and_set_to_the_oldest)
{
	struct iodemo_record record;

	ASSERT_EQ(0, trigger(self->fd, CAPACITY + 10));
	EXPECT_EQ(-EAGAIN, take_record(&self->m, &record));
	EXPECT_EQ(0, cursor_of(&self->m));
	EXPECT_EQ(POLLPRI, poll_now(self->fd, POLLPRI));
	EXPECT_EQ(10, STAT(self->fd, lost));
	EXPECT_EQ(10, cursor_of(&self->m));
	EXPECT_EQ(1, take_record(&self->m, &record));
	EXPECT_SAMPLE(&record, 10);
	EXPECT_EQ(1, STAT(self->fd, read));
}

/* A reader against the device */

#define TOTAL	1000000

/* Fire until so many records are there, in bursts as they are configured. */
static long call_produce(struct sleeper *s)
{
	while (STAT(s->fd, records) < s->size) {
		long err = trigger(s->fd, 10);

		if (err)
			return err;
	}
	return 0;
}

TEST_F_TIMEOUT(mmap, million_records_are_whole_and_read_or_counted_lost, 300)
{
	int other = open_raw(0, O_RDWR);
	struct sleeper producer = { .call = call_produce, .fd = other, .size = TOTAL };
	struct iodemo_record record;
	long taken_all = 0, next = 0;

	if (other_source())
		SKIP(return, "that source is not so fast");
	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_config(self->fd, 0, 20));
	ASSERT_TRUE(sleeper_start(&producer));
	while (!producer.done || cursor_of(&self->m) != head_of(&self->m)) {
		int taken = take_record(&self->m, &record);

		if (taken == -EAGAIN)
			get_stats(self->fd);
		if (taken != 1)
			continue;
		ASSERT_LE(next, (long)record.seq);
		ASSERT_STREQ("", sample_fault(&record, record.seq));
		next = record.seq + 1;
		taken_all++;
	}
	ASSERT_EQ(0, sleeper_result(&producer));
	EXPECT_EQ(TOTAL, STAT(self->fd, records));
	EXPECT_EQ(TOTAL, STAT(self->fd, read) + STAT(self->fd, lost));
	EXPECT_EQ(taken_all, STAT(self->fd, read));
	EXPECT_LE(CAPACITY, taken_all);
	EXPECT_LT(0, STAT(self->fd, lost));
}

struct taker {
	struct sleeper s;	/* first: its call finds the rest */
	struct mapping *m;
	atomic_bool *produced;
	atomic_uchar *seen;
};

static long call_take_all(struct sleeper *s)
{
	struct taker *t = (struct taker *)s;
	struct iodemo_record record;

	for (;;) {
		bool last = *t->produced;
		int taken = take_record(t->m, &record);

		if (taken == 1) {
			if (*sample_fault(&record, record.seq))
				return -EBADMSG;
			t->seen[record.seq]++;
		} else if (!taken) {
			if (last)
				return 0;
			sched_yield();
		}
	}
}

TEST_F_TIMEOUT(mmap, two_threads_that_share_a_cursor_get_each_record_once, 120)
{
	const long total = 20000;
	atomic_uchar *seen = calloc(total, 1);
	atomic_bool produced = false;
	struct taker takers[2];
	long i;

	for (i = 0; i < 2; i++) {
		takers[i] = (struct taker){
			.s.call = call_take_all,
			.m = &self->m,
			.produced = &produced,
			.seen = seen,
		};
		ASSERT_TRUE(sleeper_start(&takers[i].s));
	}
	for (i = 0; i < total; i += CAPACITY / 2) {
		long count = total - i < CAPACITY / 2 ? total - i : CAPACITY / 2;

		/* Never overwrite what they have not taken. */
		while (cursor_of(&self->m) + CAPACITY / 2 < head_of(&self->m))
			sched_yield();
		ASSERT_EQ(0, trigger(self->fd, count));
	}
	produced = true;
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, sleeper_result(&takers[i].s));
	for (i = 0; i < total; i++)
		ASSERT_EQ(1, (int)seen[i]);
	EXPECT_EQ(0, STAT(self->fd, lost));
	EXPECT_EQ(total, STAT(self->fd, read));
}

TEST_F_TIMEOUT(mmap, reader_of_the_mapping_and_read_get_each_record_once, 120)
{
	const long total = 10000;
	atomic_uchar *seen = calloc(total, 1);
	atomic_bool produced = false;
	struct taker taker = {
		.s.call = call_take_all,
		.m = &self->m,
		.produced = &produced,
		.seen = seen,
	};
	struct iodemo_record records[4];
	long i, k, got;

	ASSERT_TRUE(sleeper_start(&taker.s));
	for (i = 0; i < total; i += 8) {
		ASSERT_EQ(0, trigger(self->fd, 8));
		got = read_nowait(self->fd, records, sizeof(records));
		for (k = 0; k < got / RECORD; k++) {
			ASSERT_STREQ("", sample_fault(&records[k], records[k].seq));
			seen[records[k].seq]++;
		}
		while (cursor_of(&self->m) != head_of(&self->m))
			sched_yield();
	}
	produced = true;
	EXPECT_EQ(0, sleeper_result(&taker.s));
	for (i = 0; i < total; i++)
		ASSERT_EQ(1, (int)seen[i]);
}

/* Hostile cursors */

FIXTURE(hostile) {
	int fd;		/* whose cursor is written */
	int other;	/* to which nothing must happen */
	struct mapping m;
	__u64 next;	/* for the other */
};

FIXTURE_SETUP(hostile)
{
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->other = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->other);
	ASSERT_TRUE(map_both(&self->m, self->fd, CAPACITY));
}

FIXTURE_TEARDOWN(hostile)
{
	munmap((void *)self->m.page, RING_SIZE);
	munmap(self->m.cursor, PAGE);
	close_all();
	EXPECT_EQ(0, unload());
}

/* The other file gets what it should, and knows of no loss. */
#define EXPECT_OTHER_UNHARMED()							\
	do {									\
		ASSERT_EQ(0, trigger(self->other, 3));				\
		EXPECT_READ(self->other, self->next, 3);			\
		self->next += 3;						\
		EXPECT_EQ(0, STAT(self->other, lost));				\
		EXPECT_EQ(0, poll_now(self->other, POLLIN | POLLPRI));		\
	} while (0)

TEST_F(hostile, cursor_beyond_head_has_nothing_to_read)
{
	static const __u64 beyond[] = {
		1, 2, CAPACITY, 1ULL << 31, 1ULL << 32, 1ULL << 63, ~0ULL - CAPACITY,
		~0ULL - 1, ~0ULL,
	};
	struct iodemo_record record;
	char line[LINE_MAX_BYTES];
	unsigned int i;

	EXPECT_OTHER_UNHARMED();
	for (i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		__u64 head = head_of(&self->m);
		__u64 cursor = beyond[i] > ~0ULL - head ? beyond[i] : head + beyond[i];

		*self->m.cursor = cursor;
		EXPECT_EQ(-EAGAIN, read_nowait(self->fd, &record, RECORD));
		EXPECT_EQ(0, poll_now(self->fd, POLLIN | POLLPRI));
		EXPECT_EQ(0, STAT(self->fd, lag));
		EXPECT_EQ(0, fdinfo(self->fd, "iodemo-lag:\t"));
		EXPECT_EQ((long)cursor, cursor_of(&self->m));
		ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
		EXPECT_EQ(-EAGAIN, read_nowait(self->fd, line, sizeof(line)));
		ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_RAW, 1));
		*self->m.cursor = ~0ULL;
		EXPECT_OTHER_UNHARMED();
	}
	*self->m.cursor = head_of(&self->m) - 2;
	EXPECT_READ(self->fd, self->next - 2, 2);
}

TEST_F(hostile, cursor_beyond_head_is_reached_by_the_device)
{
	struct sleeper s = reader(self->fd, 4);

	*self->m.cursor = 2;
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_SAMPLE(&s.records[0], 2);
}

TEST_F(hostile, cursor_beyond_head_leaves_a_reader_that_a_signal_ends)
{
	struct sleeper s = reader(self->fd, 4);

	*self->m.cursor = ~0ULL;
	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(falls_asleep(&s));
	EXPECT_OTHER_UNHARMED();
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
}

TEST_F(hostile, cursor_put_back_by_many_laps_is_lapped)
{
	struct iodemo_record record;

	ASSERT_EQ(0, trigger(self->fd, 10 * CAPACITY));
	EXPECT_EQ(9 * CAPACITY, STAT(self->fd, lost));
	EXPECT_READ(self->fd, 9 * CAPACITY, CAPACITY);
	*self->m.cursor = 0;
	EXPECT_EQ(POLLIN | POLLPRI, poll_now(self->fd, POLLIN | POLLPRI));
	EXPECT_EQ(RECORD, read_nowait(self->fd, &record, RECORD));
	EXPECT_SAMPLE(&record, 9 * CAPACITY);
	EXPECT_EQ(18 * CAPACITY, STAT(self->fd, lost));
	EXPECT_EQ(0, poll_now(self->fd, POLLPRI));
	EXPECT_EQ(9 * CAPACITY + 1, cursor_of(&self->m));
}

TEST_F(hostile, cursor_put_back_within_the_ring_reads_again)
{
	ASSERT_EQ(0, trigger(self->fd, 5));
	EXPECT_READ(self->fd, 0, 5);
	*self->m.cursor = 2;
	EXPECT_EQ(POLLIN, poll_now(self->fd, POLLIN | POLLPRI));
	EXPECT_READ(self->fd, 2, 3);
}

TEST_F(hostile, rest_of_the_page_means_nothing)
{
	memset((char *)self->m.cursor + 8, 0xff, PAGE - 8);
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_READ(self->fd, 0, 3);
	EXPECT_READ(self->other, 0, 3);
}

/* A thread that writes into the cursor what a program never would, all the time */

struct flipper {
	struct sleeper s;	/* first: its call finds the rest */
	struct mapping *m;
	atomic_bool stop;
};

static long call_flip(struct sleeper *s)
{
	struct flipper *f = (struct flipper *)s;
	__u64 x = 88172645463325252ULL;

	while (!f->stop) {
		__u64 head = head_of(f->m);
		const __u64 values[] = {
			0, ~0ULL, head, head - 1, head + 1, head - CAPACITY,
			head - CAPACITY - 1, head - CAPACITY / 2, x, 1ULL << 63,
		};

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		*f->m->cursor = values[x % (sizeof(values) / sizeof(values[0]))];
	}
	return 0;
}

static struct flipper flipper_of(struct mapping *m)
{
	return (struct flipper){ .s.call = call_flip, .m = m };
}

static long flipper_stop(struct flipper *f)
{
	f->stop = true;
	return sleeper_result(&f->s);
}

TEST_F_TIMEOUT(hostile, flipping_cursor_beside_nonblocking_calls, 120)
{
	struct flipper f = flipper_of(&self->m);
	struct iodemo_record records[8];
	int round;
	long got, i;

	ASSERT_TRUE(sleeper_start(&f.s));
	for (round = 0; round < 2000; round++) {
		EXPECT_OTHER_UNHARMED();
		got = read_nowait(self->fd, records, sizeof(records));
		for (i = 0; i < got / RECORD; i++)
			ASSERT_STREQ("", sample_fault(&records[i], records[i].seq));
		ASSERT_TRUE(got > 0 || got == -EAGAIN);
		poll_now(self->fd, POLLIN | POLLPRI);
		get_stats(self->fd);
		fdinfo(self->fd, "iodemo-lag:\t");
	}
	EXPECT_EQ(0, flipper_stop(&f));
	*self->m.cursor = head_of(&self->m);
	EXPECT_OTHER_UNHARMED();
	EXPECT_READ(self->fd, self->next - 3, 3);
}

TEST_F_TIMEOUT(hostile, flipping_cursor_beside_reading_in_text, 120)
{
	struct flipper f = flipper_of(&self->m);
	char text[LINE_MAX_BYTES];
	int round;

	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
	ASSERT_TRUE(sleeper_start(&f.s));
	for (round = 0; round < 2000; round++) {
		long got;

		EXPECT_OTHER_UNHARMED();
		got = read_nowait(self->fd, text, round % LINE_MAX_BYTES + 1);
		ASSERT_TRUE(got > 0 || got == -EAGAIN);
	}
	EXPECT_EQ(0, flipper_stop(&f));
}

static long call_read_until_signal(struct sleeper *s)
{
	long got;

	do {
		got = result(read(s->fd, s->records, 8 * RECORD));
	} while (got > 0);
	return got;
}

TEST_F_TIMEOUT(hostile, flipping_cursor_beside_blocking_read_that_a_signal_ends, 120)
{
	struct flipper f = flipper_of(&self->m);
	struct sleeper s = { .call = call_read_until_signal, .fd = self->fd };
	int round;

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(sleeper_start(&s));
	ASSERT_TRUE(sleeper_start(&f.s));
	for (round = 0; round < 500; round++)
		EXPECT_OTHER_UNHARMED();
	/* It may be just between two reads: as often as it takes. */
	while (!s.done) {
		pthread_kill(s.thread, SIGUSR1);
		sched_yield();
	}
	EXPECT_EQ(-EINTR, sleeper_result(&s));
	EXPECT_EQ(0, flipper_stop(&f));
	EXPECT_OTHER_UNHARMED();
}

TEST_F_TIMEOUT(hostile, flipping_cursor_beside_kernel_AIO, 120)
{
	struct flipper f = flipper_of(&self->m);
	struct iodemo_record records[8];
	struct io_event events[8];
	struct iocb iocbs[8];
	int round, i;
	long got;

	ASSERT_TRUE(sleeper_start(&f.s));
	for (round = 0; round < 100; round++) {
		aio_context_t context = 0;

		ASSERT_EQ(0, result(syscall(SYS_io_setup, 8, &context)));
		for (i = 0; i < 8; i++) {
			struct iocb *iocb = &iocbs[i];

			memset(iocb, 0, sizeof(*iocb));
			iocb->aio_lio_opcode = IOCB_CMD_PREAD;
			iocb->aio_fildes = self->fd;
			iocb->aio_buf = (unsigned long)&records[i];
			iocb->aio_nbytes = RECORD;
			iocb->aio_data = i;
			ASSERT_EQ(1, result(syscall(SYS_io_submit, context, 1, &iocb)));
		}
		EXPECT_OTHER_UNHARMED();
		got = result(syscall(SYS_io_getevents, context, 0, 8, events,
				     &(struct timespec){ 0 }));
		ASSERT_LE(0, got);
		for (i = 0; i < got; i++) {
			struct iodemo_record *record = &records[events[i].data];

			ASSERT_EQ(RECORD, events[i].res);
			ASSERT_STREQ("", sample_fault(record, record->seq));
		}
		ASSERT_EQ(0, result(syscall(SYS_io_destroy, context)));
	}
	EXPECT_EQ(0, flipper_stop(&f));
}

TEST_F_TIMEOUT(hostile, flipping_cursor_beside_a_fast_device, 120)
{
	struct flipper f = flipper_of(&self->m);
	struct sleeper producer = { .call = call_produce, .fd = self->other, .size = 50000 };
	struct iodemo_record record;

	ASSERT_EQ(0, set_config(self->fd, 0, 100));
	ASSERT_TRUE(sleeper_start(&f.s));
	ASSERT_TRUE(sleeper_start(&producer));
	while (!producer.done) {
		if (read_nowait(self->fd, &record, RECORD) == RECORD)
			ASSERT_STREQ("", sample_fault(&record, record.seq));
		poll_now(self->fd, POLLIN);
	}
	EXPECT_EQ(0, sleeper_result(&producer));
	EXPECT_EQ(0, flipper_stop(&f));
}

/* How long a mapping lasts */

TEST_F(mmap, mapping_outlives_its_descriptor)
{
	int fd = open_raw(0, O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, trigger(fd, 3));
	EXPECT_EQ(3, head_of(&self->m));
	EXPECT_SAMPLE(&self->m.records[2], 2);
	EXPECT_EQ(0, cursor_of(&self->m));
}

TEST_F(mmap, module_stays_while_a_page_is_mapped)
{
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	ASSERT_EQ(0, munmap((void *)self->m.page, RING_SIZE));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	ASSERT_EQ(0, munmap(self->m.cursor, PAGE));
	EXPECT_EQ(0, unload());
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	self->m.page = MAP_FAILED;
	self->m.cursor = MAP_FAILED;
}

TEST_F(mmap, mapping_outlives_the_device)
{
	struct iodemo_record record;

	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(0, unbind_device(0));
	EXPECT_EQ(1, take_record(&self->m, &record));
	EXPECT_SAMPLE(&record, 0);
	EXPECT_READ(self->fd, 1, 1);
	EXPECT_EQ(1, take_record(&self->m, &record));
	EXPECT_SAMPLE(&record, 2);
	EXPECT_EQ(0, take_record(&self->m, &record));
	EXPECT_EQ(0, result(read(self->fd, &record, RECORD)));

	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_SAMPLE(&self->m.records[2], 2);
}

TEST_F(mmap, ring_of_an_unplugged_device_can_still_be_mapped)
{
	struct mapping m;

	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(0, unbind_device(0));
	ASSERT_TRUE(map_both(&m, self->fd, CAPACITY));
	EXPECT_EQ(3, head_of(&m));
	EXPECT_SAMPLE(&m.records[2], 2);
	munmap((void *)m.page, RING_SIZE);
	munmap(m.cursor, PAGE);
}

TEST_F(mmap, ring_of_a_device_that_is_back_is_another_one)
{
	int fd;

	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_EQ(0, unbind_device(0));
	ASSERT_EQ(0, bind_device(0));
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, trigger(fd, 5));
	EXPECT_EQ(3, head_of(&self->m));
	EXPECT_EQ(0, cursor_of(&self->m));
}

TEST_F(mmap, fork_shares_ring_and_cursor)
{
	struct iodemo_record record;
	int status;
	pid_t pid;

	ASSERT_EQ(0, trigger(self->fd, 3));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(take_record(&self->m, &record) != 1 || *sample_fault(&record, 0) ||
		      trigger(self->fd, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_EQ(1, cursor_of(&self->m));
	EXPECT_EQ(4, head_of(&self->m));
	EXPECT_READ(self->fd, 1, 3);
}

static long begin_mapping(void *unused)
{
	struct mapping m;
	int fd = open_raw(0, O_RDWR);

	if (fd < 0)
		return fd;
	return map_both(&m, fd, CAPACITY) ? 0 : -errno;
}

IODEMO_FIXTURE_DYING(dying, "capacity=64")

TEST_F(dying, with_a_mapping_frees_the_module)
{
	struct victim v = { .death = variant->death, .begin = begin_mapping };

	ASSERT_EQ(0, victim_start(&v));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_LT(0, victim_dies(&v));
	EXPECT_EQ(0, unload_after(variant->death));
	victim_end(&v);
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
}

TEST_HARNESS_MAIN
