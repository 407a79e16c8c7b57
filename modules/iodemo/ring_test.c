// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring at its edges, by KUnit: where it is full, where a reader was lapped, by
 * one record and by many, and where the stream's position wraps
 *
 * A module of its own, with a ring of its own: see Kbuild.
 */

#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/limits.h>
#include <linux/module.h>

#include "ring.c"
#include "tally.c"

#define CAPACITY	IODEMO_CAPACITY_MIN
#define PUSHES		100000

static int ring_init(struct kunit *test)
{
	struct iodemo_ring *ring = kunit_kzalloc(test, sizeof(*ring), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ring);
	KUNIT_ASSERT_EQ(test, 0, iodemo_ring_init(ring, CAPACITY));
	test->priv = ring;
	return 0;
}

static void ring_exit(struct kunit *test)
{
	iodemo_ring_free(test->priv);
}

static const struct iodemo_record *push_sample(struct iodemo_ring *ring)
{
	u64 seq = ring->page->head;

	return iodemo_ring_push(ring, seq + 1000, IODEMO_TYPE_SAMPLE, iodemo_sample(seq),
				IODEMO_DATA_SIZE);
}

static void push_samples(struct iodemo_ring *ring, unsigned int count)
{
	while (count--)
		push_sample(ring);
}

/* As if so many records had been stored before */
static void go_to(struct iodemo_ring *ring, u64 seq)
{
	ring->page->head = seq;
	ring->page->begun = seq;
}

static bool is_sample(const struct iodemo_record *record, u64 seq)
{
	return record->seq == seq && record->timestamp == seq + 1000 &&
	       record->type == IODEMO_TYPE_SAMPLE && record->len == IODEMO_DATA_SIZE &&
	       !memcmp(record->data, iodemo_sample(seq), IODEMO_DATA_SIZE);
}

/* All from @seq to head are there, whole, and nothing before them is. */
static void expect_from(struct kunit *test, const struct iodemo_ring *ring, u64 seq)
{
	KUNIT_EXPECT_EQ(test, seq, iodemo_ring_oldest(ring));
	KUNIT_EXPECT_TRUE(test, iodemo_ring_intact(ring, seq));
	if (seq)
		KUNIT_EXPECT_FALSE(test, iodemo_ring_intact(ring, seq - 1));
	for (; seq != iodemo_ring_head(ring); seq++)
		KUNIT_EXPECT_TRUE(test, is_sample(iodemo_ring_slot(ring, seq), seq));
}

static void is_empty_at_first(struct kunit *test)
{
	struct iodemo_ring *ring = test->priv;

	KUNIT_EXPECT_EQ(test, CAPACITY, iodemo_ring_capacity(ring));
	KUNIT_EXPECT_EQ(test, CAPACITY, ring->page->capacity);
	KUNIT_EXPECT_EQ(test, 0, iodemo_ring_head(ring));
	expect_from(test, ring, 0);
}

static void stores_what_it_is_given(struct kunit *test)
{
	static const u8 data[IODEMO_DATA_SIZE] = "echo";
	struct iodemo_ring *ring = test->priv;
	const struct iodemo_record *record = iodemo_ring_push(ring, 7, IODEMO_TYPE_ECHO, data, 4);

	KUNIT_EXPECT_PTR_EQ(test, iodemo_ring_slot(ring, 0), (struct iodemo_record *)record);
	KUNIT_EXPECT_EQ(test, 0, record->seq);
	KUNIT_EXPECT_EQ(test, 7, record->timestamp);
	KUNIT_EXPECT_EQ(test, IODEMO_TYPE_ECHO, record->type);
	KUNIT_EXPECT_EQ(test, 4, record->len);
	KUNIT_EXPECT_LT(test, record->cpu, nr_cpu_ids);
	KUNIT_EXPECT_EQ(test, 0, memcmp(record->data, data, sizeof(data)));
}

static void holds_as_many_as_its_capacity(struct kunit *test)
{
	struct iodemo_ring *ring = test->priv;

	push_samples(ring, CAPACITY);
	expect_from(test, ring, 0);
}

/* The 17th takes the place of the first. */
static void laps_by_one(struct kunit *test)
{
	struct iodemo_ring *ring = test->priv;

	push_samples(ring, CAPACITY);
	KUNIT_EXPECT_PTR_EQ(test, iodemo_ring_slot(ring, 0),
			    (struct iodemo_record *)push_sample(ring));
	expect_from(test, ring, 1);
}

static void laps_exactly_once(struct kunit *test)
{
	struct iodemo_ring *ring = test->priv;

	push_samples(ring, 2 * CAPACITY);
	expect_from(test, ring, CAPACITY);
}

static void laps_by_far(struct kunit *test)
{
	struct iodemo_ring *ring = test->priv;

	push_samples(ring, 1000 * CAPACITY + 5);
	expect_from(test, ring, 999 * CAPACITY + 5);
	KUNIT_EXPECT_FALSE(test, iodemo_ring_intact(ring, 0));
}

/* A reader that comes in the middle of storing: the oldest is void, and head is where it was. */
static void oldest_is_void_as_soon_as_storing_begins(struct kunit *test)
{
	struct iodemo_ring *ring = test->priv;

	push_samples(ring, CAPACITY);
	ring->page->begun++;
	KUNIT_EXPECT_EQ(test, CAPACITY, iodemo_ring_head(ring));
	expect_from(test, ring, 1);
}

static void is_exact_up_to_the_last_position(struct kunit *test)
{
	struct iodemo_ring *ring = test->priv;

	go_to(ring, U64_MAX - 2 * CAPACITY);
	push_samples(ring, 2 * CAPACITY);
	KUNIT_EXPECT_EQ(test, U64_MAX, iodemo_ring_head(ring));
	expect_from(test, ring, U64_MAX - CAPACITY);
}

/*
 * After the last one comes the first again, in the next slot, so nothing is out of place
 * or torn. It would take 584 years of a record each nanosecond, so a reader from before
 * need not find its way: it finds nothing.
 */
static void goes_on_after_the_last_position(struct kunit *test)
{
	struct iodemo_ring *ring = test->priv;
	u64 before = U64_MAX - 3;

	go_to(ring, before);
	push_samples(ring, CAPACITY);
	KUNIT_EXPECT_EQ(test, CAPACITY - 4, iodemo_ring_head(ring));
	for (u64 seq = before; seq != iodemo_ring_head(ring); seq++)
		KUNIT_EXPECT_TRUE(test, is_sample(iodemo_ring_slot(ring, seq), seq));
	KUNIT_EXPECT_LE(test, iodemo_ring_head(ring), before);

	/* And from there on all is as after the beginning. */
	push_samples(ring, CAPACITY);
	expect_from(test, ring, CAPACITY - 4);
}

static void largest_has_all_its_slots(struct kunit *test)
{
	struct iodemo_ring ring;

	KUNIT_ASSERT_EQ(test, 0, iodemo_ring_init(&ring, IODEMO_CAPACITY_MAX));
	push_samples(&ring, IODEMO_CAPACITY_MAX + 1);
	expect_from(test, &ring, 1);
	iodemo_ring_free(&ring);
}

static int produce(void *ring)
{
	push_samples(ring, PUSHES);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* What a reader takes for whole is whole, however fast it is lapped. */
static void whole_records_are_whole_while_others_are_stored(struct kunit *test)
{
	struct iodemo_ring *ring = test->priv;
	unsigned int torn = 0;
	u64 head, whole = 0;
	struct task_struct *producer = kthread_run(produce, ring, "ring-test");

	KUNIT_ASSERT_FALSE(test, IS_ERR(producer));
	do {
		struct iodemo_record record;
		u64 seq;

		cond_resched();
		head = iodemo_ring_head(ring);
		if (!head)
			continue;
		seq = max(iodemo_ring_oldest(ring), head - 1);
		data_race(record = *iodemo_ring_slot(ring, seq));	/* looked at below */
		if (!iodemo_ring_intact(ring, seq))
			continue;
		whole++;
		torn += !is_sample(&record, seq);
	} while (head < PUSHES);
	kthread_stop(producer);
	KUNIT_EXPECT_EQ(test, 0, torn);
	KUNIT_EXPECT_LT(test, 0, whole);
	expect_from(test, ring, PUSHES - CAPACITY);
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE(is_empty_at_first),
	KUNIT_CASE(stores_what_it_is_given),
	KUNIT_CASE(holds_as_many_as_its_capacity),
	KUNIT_CASE(laps_by_one),
	KUNIT_CASE(laps_exactly_once),
	KUNIT_CASE(laps_by_far),
	KUNIT_CASE(oldest_is_void_as_soon_as_storing_begins),
	KUNIT_CASE(is_exact_up_to_the_last_position),
	KUNIT_CASE(goes_on_after_the_last_position),
	KUNIT_CASE(largest_has_all_its_slots),
	KUNIT_CASE(whole_records_are_whole_while_others_are_stored),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "iodemo-ring",
	.init = ring_init,
	.exit = ring_exit,
	.test_cases = ring_cases,
};

kunit_test_suite(ring_suite);

MODULE_DESCRIPTION("KUnit tests of iodemo's ring");
MODULE_LICENSE("GPL");
