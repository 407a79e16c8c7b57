// SPDX-License-Identifier: GPL-2.0-only
/*
 * The write side: what is written comes back as echoes, the queue fills and is
 * drained, and writers sleep, are polled and woken as readers are.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <poll.h>

#include "iodemo_hostile.h"
#include "iodemo_rawaio.h"

/* The ring holds all that the queue does. */
IODEMO_FIXTURE_BOTH(writing, "capacity=256")

static int open_text(int flags)
{
	return open_device(0, flags);
}

TEST_F(writing, what_is_written_comes_back_after_the_sample_of_the_interrupt)
{
	struct iodemo_record record = raw_record("hello");

	ASSERT_EQ(RECORD, result(write(self->fd, &record, sizeof(record))));
	EXPECT_EQ(0, STAT(self->fd, records));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(2, STAT(self->fd, lag));
	EXPECT_EQ(1, STAT(self->fd, echoes));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "hello", 5);
}

TEST_F(writing, every_file_gets_the_echo)
{
	struct iodemo_record record = raw_record("to all");
	int other = open_raw(0, O_RDONLY);

	ASSERT_LE(0, other);
	ASSERT_EQ(RECORD, result(write(self->fd, &record, sizeof(record))));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(other, 0, 1);
	EXPECT_ECHO(other, "to all", 6);
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "to all", 6);
}

TEST_F(writing, echo_carries_seq_time_and_processor_of_its_interrupt)
{
	struct iodemo_record records[2];

	ASSERT_EQ(RECORD, write_records(self->fd, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(2 * RECORD, result(read(self->fd, records, sizeof(records))));
	EXPECT_EQ(1U, records[1].seq);
	EXPECT_LE(records[0].timestamp, records[1].timestamp);
	EXPECT_EQ(records[0].cpu, records[1].cpu);
}

TEST_F(writing, text_is_cut_at_newlines)
{
	int fd = open_text(O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(8, result(write(fd, "ab\ncde\nf", 8)));
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(3, STAT(fd, echoes));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "ab", 2);
	EXPECT_ECHO(self->fd, "cde", 3);
	EXPECT_ECHO(self->fd, "f", 1);
}

TEST_F(writing, newline_at_the_end_adds_no_empty_record)
{
	int fd = open_text(O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(3, result(write(fd, "ab\n", 3)));
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(1, STAT(fd, echoes));
}

TEST_F(writing, empty_line_is_an_empty_record)
{
	int fd = open_text(O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(4, result(write(fd, "a\n\nb", 4)));
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(3, STAT(fd, echoes));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "a", 1);
	EXPECT_ECHO(self->fd, "", 0);
	EXPECT_ECHO(self->fd, "b", 1);
}

TEST_F(writing, text_is_cut_at_40_bytes)
{
	static const char digits[] =
		"0123456789012345678901234567890123456789"
		"abcdefghijabcdefghijabcdefghijabcdefghij"
		"0123456789";
	int fd = open_text(O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(90, result(write(fd, digits, 90)));
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(3, STAT(fd, echoes));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, digits, 40);
	EXPECT_ECHO(self->fd, digits + 40, 40);
	EXPECT_ECHO(self->fd, digits + 80, 10);
}

TEST_F(writing, newline_after_40_bytes_adds_no_empty_record)
{
	char line[41];
	int fd = open_text(O_WRONLY);

	ASSERT_LE(0, fd);
	memset(line, 'x', 40);
	line[40] = '\n';
	EXPECT_EQ(41, result(write(fd, line, 41)));
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(1, STAT(fd, echoes));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, line, 40);
}

TEST_F(writing, writev_is_one_write)
{
	struct iovec iov[] = { { "ab", 2 }, { "c\nd", 3 }, { "ef", 2 } };
	int fd = open_text(O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(7, result(writev(fd, iov, 3)));
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(2, STAT(fd, echoes));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "abc", 3);
	EXPECT_ECHO(self->fd, "def", 3);
}

TEST_F(writing, write_of_no_text_is_0_and_sends_nothing)
{
	int fd = open_text(O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, result(write(fd, "", 0)));
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(0, STAT(fd, echoes));
}

TEST_F(writing, raw_record_with_a_field_that_is_the_devices_is_EINVAL)
{
	struct iodemo_record good = raw_record("good"), bad;

	bad = good;
	bad.seq = 1ULL << 63;
	EXPECT_EQ(-EINVAL, result(write(self->fd, &bad, sizeof(bad))));
	bad = good;
	bad.timestamp = 1;
	EXPECT_EQ(-EINVAL, result(write(self->fd, &bad, sizeof(bad))));
	bad = good;
	bad.cpu = 1U << 31;
	EXPECT_EQ(-EINVAL, result(write(self->fd, &bad, sizeof(bad))));
	bad = good;
	bad.type = IODEMO_TYPE_ECHO;
	EXPECT_EQ(-EINVAL, result(write(self->fd, &bad, sizeof(bad))));

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, STAT(self->fd, echoes));
}

TEST_F(writing, raw_record_of_40_bytes_is_sent_and_of_41_is_EINVAL)
{
	struct iodemo_record record = raw_record("0123456789012345678901234567890123456789");

	EXPECT_EQ(40, record.len);
	EXPECT_EQ(RECORD, result(write(self->fd, &record, sizeof(record))));
	record.len = 41;
	EXPECT_EQ(-EINVAL, result(write(self->fd, &record, sizeof(record))));
	record.len = 65535;
	EXPECT_EQ(-EINVAL, result(write(self->fd, &record, sizeof(record))));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, STAT(self->fd, echoes));
}

TEST_F(writing, raw_record_of_0_bytes_is_sent)
{
	struct iodemo_record record = { .len = 0 };

	EXPECT_EQ(RECORD, result(write(self->fd, &record, sizeof(record))));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "", 0);
}

TEST_F(writing, bytes_past_len_are_not_sent)
{
	struct iodemo_record record = { .len = 3 };

	memset(record.data, 'x', sizeof(record.data));
	ASSERT_EQ(RECORD, result(write(self->fd, &record, sizeof(record))));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "xxx", 3);
}

TEST_F(writing, less_than_one_raw_record_is_EINVAL)
{
	struct iodemo_record record = raw_record("short");

	EXPECT_EQ(-EINVAL, result(write(self->fd, &record, 0)));
	EXPECT_EQ(-EINVAL, result(write(self->fd, &record, 1)));
	EXPECT_EQ(-EINVAL, result(write(self->fd, &record, RECORD - 1)));
}

TEST_F(writing, rest_of_less_than_one_raw_record_is_not_taken)
{
	struct iodemo_record records[2] = { raw_record("one"), raw_record("two") };

	EXPECT_EQ(RECORD, result(write(self->fd, records, 2 * RECORD - 1)));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, STAT(self->fd, echoes));
}

TEST_F(writing, bad_record_after_a_good_one_is_a_short_count)
{
	struct iodemo_record records[2] = { raw_record("good"), raw_record("bad") };

	records[1].cpu = 1;
	EXPECT_EQ(RECORD, result(write(self->fd, records, sizeof(records))));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, STAT(self->fd, echoes));
}

TEST_F(writing, bad_pointer_is_EFAULT_and_sends_nothing)
{
	int fd = open_text(O_WRONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EFAULT, result(write(self->fd, bad_pointer, RECORD)));
	EXPECT_EQ(-EFAULT, result(write(fd, bad_pointer, 10)));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, STAT(self->fd, echoes));
}

TEST_F(writing, bad_pointer_after_a_good_record_is_a_short_count)
{
	struct iodemo_record record = raw_record("good");
	struct iovec iov[] = { { &record, RECORD }, { bad_pointer, RECORD } };

	EXPECT_EQ(RECORD, result(writev(self->fd, iov, 2)));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1, STAT(self->fd, echoes));
}

TEST_F(writing, record_across_the_end_of_memory_is_EFAULT_and_sends_nothing)
{
	char *end = page_end();

	ASSERT_TRUE(!!end);
	EXPECT_EQ(-EFAULT, result(write(self->fd, end - 40, RECORD)));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, STAT(self->fd, echoes));
}

TEST_F(writing, file_open_for_reading_only_can_not_write)
{
	int fd = open_raw(0, O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, write_records(fd, 1));
}

TEST_F(writing, queue_takes_64_records_then_EAGAIN)
{
	int fd = open_raw(0, O_WRONLY | O_NONBLOCK);

	ASSERT_LE(0, fd);
	EXPECT_EQ(TX_CAPACITY * RECORD, write_records(fd, TX_CAPACITY + 1));
	EXPECT_EQ(-EAGAIN, write_records(fd, 1));
	EXPECT_EQ(0, poll_now(fd, POLLOUT));
}

TEST_F(writing, interrupt_drains_4_records_in_the_order_they_were_written)
{
	char name[8];
	int i;

	for (i = 0; i < 10; i++) {
		struct iodemo_record record;

		snprintf(name, sizeof(name), "no %d", i);
		record = raw_record(name);
		ASSERT_EQ(RECORD, result(write(self->fd, &record, sizeof(record))));
	}
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(4, STAT(self->fd, echoes));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(8, STAT(self->fd, echoes));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(10, STAT(self->fd, echoes));

	/* Between them stands the sample of each interrupt. */
	for (i = 0; i < 10; i++) {
		ASSERT_TRUE(i % TX_DRAIN || !*read_fault(self->fd, i + i / TX_DRAIN, 1));
		snprintf(name, sizeof(name), "no %d", i);
		EXPECT_ECHO(self->fd, name, strlen(name));
	}
}

TEST_F(writing, nonblocking_write_takes_as_much_as_was_drained)
{
	int fd = open_raw(0, O_WRONLY | O_NONBLOCK);

	ASSERT_LE(0, fd);
	ASSERT_EQ(TX_CAPACITY, fill_queue(fd));
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(POLLOUT, poll_now(fd, POLLOUT));
	EXPECT_EQ(TX_DRAIN * RECORD, write_records(fd, 10));
	EXPECT_EQ(-EAGAIN, write_records(fd, 1));
	EXPECT_EQ(0, poll_now(fd, POLLOUT));
}

TEST_F(writing, nonblocking_text_that_does_not_fit_is_a_short_count_of_whole_pieces)
{
	int fd = open_text(O_WRONLY | O_NONBLOCK);

	ASSERT_LE(0, fd);
	ASSERT_EQ((TX_CAPACITY - 2) * RECORD, write_records(self->fd, TX_CAPACITY - 2));
	EXPECT_EQ(7, result(write(fd, "abc\nde\nfgh\n", 11)));
	EXPECT_EQ(-EAGAIN, result(write(fd, "fgh\n", 4)));
	ASSERT_EQ(0, trigger(fd, TX_CAPACITY / TX_DRAIN));
	EXPECT_EQ(TX_CAPACITY, STAT(fd, echoes));
}

TEST_F(writing, writer_sleeps_while_the_queue_is_full)
{
	struct sleeper s = writer(self->fd, 1);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	EXPECT_EQ(1, STAT(self->fd, wakeups));
}

TEST_F(writing, writer_sleeps_until_all_is_queued)
{
	struct sleeper s = writer(self->fd, TX_CAPACITY + 6);

	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_TRUE(sleeper_sleeps(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ((TX_CAPACITY + 6) * RECORD, sleeper_result(&s));
	ASSERT_EQ(0, trigger(self->fd, TX_CAPACITY / TX_DRAIN));
	EXPECT_EQ(TX_CAPACITY + 6, STAT(self->fd, echoes));
}

TEST_F(writing, signal_ends_the_sleep_of_a_writer_with_EINTR)
{
	struct sleeper s = writer(self->fd, 1);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&s));
	ASSERT_EQ(0, trigger(self->fd, 2 * TX_CAPACITY / TX_DRAIN));
	EXPECT_EQ(TX_CAPACITY, STAT(self->fd, echoes));
}

TEST_F(writing, write_is_restarted_after_a_signal_with_SA_RESTART)
{
	struct sleeper s = writer(self->fd, 1);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_EQ(0, catch_signal(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	ASSERT_TRUE(sleeper_sleeps(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
}

TEST_F(writing, signal_after_a_part_is_a_short_count_even_with_SA_RESTART)
{
	struct sleeper s = writer(self->fd, TX_CAPACITY + 6);

	ASSERT_EQ(0, catch_signal(SIGUSR1, SA_RESTART));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, interrupt_sleeper(&s, SIGUSR1));
	EXPECT_EQ(TX_CAPACITY * RECORD, sleeper_result(&s));
	ASSERT_EQ(0, trigger(self->fd, 2 * TX_CAPACITY / TX_DRAIN));
	EXPECT_EQ(TX_CAPACITY, STAT(self->fd, echoes));
}

TEST_F(writing, room_for_one_writer_wakes_one_of_three_the_longest_asleep)
{
	struct sleeper s[3];
	int i, k;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	for (i = 0; i < 3; i++) {
		s[i] = writer(self->fd, TX_DRAIN);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_EQ(TX_DRAIN * RECORD, sleeper_result(&s[i]));
		for (k = i + 1; k < 3; k++)
			EXPECT_TRUE(undisturbed(&s[k]));
		EXPECT_EQ(i + 1, STAT(self->fd, wakeups));
	}
}

TEST_F(writing, writer_that_leaves_room_hands_on_to_the_next_and_no_further)
{
	struct sleeper s[5];
	int i;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	for (i = 0; i < 5; i++) {
		s[i] = writer(self->fd, 1);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	ASSERT_EQ(0, trigger(self->fd, 1));
	for (i = 0; i < TX_DRAIN; i++)
		EXPECT_EQ(RECORD, sleeper_result(&s[i]));
	EXPECT_TRUE(undisturbed(&s[4]));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s[4]));
}

TEST_F(writing, writers_of_different_files_sleep_in_one_queue)
{
	int other = open_raw(0, O_WRONLY);
	struct sleeper a = writer(self->fd, TX_DRAIN), b = writer(other, TX_DRAIN);

	ASSERT_LE(0, other);
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(TX_DRAIN * RECORD, sleeper_result(&a));
	EXPECT_TRUE(undisturbed(&b));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(TX_DRAIN * RECORD, sleeper_result(&b));
}

/* The order of those who sleep */

/* To write so many records, each with this name */
static struct sleeper named(int fd, const char *name, long count)
{
	struct sleeper s = writer(fd, count);
	long i;

	for (i = 0; i < count; i++)
		s.records[i] = raw_record(name);
	return s;
}

/* What came behind that which filled the queue, when all is sent: its names in a row */
static const char *order(int fd)
{
	static char names[512];
	struct iodemo_record record;
	int echoes = 0;

	names[0] = '\0';
	trigger(fd, 2 * TX_CAPACITY / TX_DRAIN);
	while (read_nowait(fd, &record, RECORD) == RECORD) {
		if (record.type != IODEMO_TYPE_ECHO || ++echoes <= TX_CAPACITY)
			continue;
		strncat(names, (const char *)record.data, record.len);
	}
	return names;
}

TEST_F(writing, sleepers_are_served_in_the_order_in_which_they_came)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
	struct sleeper s[10];
	int i;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	for (i = 0; i < 10; i++) {
		s[i] = named(i % 2 ? self->fd : open_raw(0, O_WRONLY), names[i], 1);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	EXPECT_STREQ("abcdefghij", order(self->fd));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(RECORD, sleeper_result(&s[i]));
}

TEST_F(writing, each_sleeper_sends_all_that_it_brought_before_the_next)
{
	struct sleeper s[] = {
		named(self->fd, "a", 3), named(self->fd, "b", 6), named(self->fd, "c", 1),
		named(self->fd, "d", IODEMO_WRITE_TURN), named(self->fd, "e", 2),
	};
	int i;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	for (i = 0; i < 5; i++)
		ASSERT_TRUE(falls_asleep(&s[i]));
	EXPECT_STREQ("aaabbbbbbcddddddddddddddddee", order(self->fd));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(s[i].size, sleeper_result(&s[i]));
}

TEST_F(writing, longer_write_lets_others_have_their_turn_in_between)
{
	struct sleeper a = named(self->fd, "a", IODEMO_WRITE_TURN + 1);
	struct sleeper b = named(self->fd, "b", 2);
	int i;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	/* The last one sends all that a has brought, and no more: a comes again behind b. */
	for (i = 0; i < IODEMO_WRITE_TURN / TX_DRAIN; i++) {
		EXPECT_TRUE(undisturbed(&a));
		ASSERT_EQ(0, trigger(self->fd, 1));
	}
	ASSERT_TRUE(sleeper_sleeps(&a));
	EXPECT_TRUE(undisturbed(&b));
	EXPECT_STREQ("aaaaaaaaaaaaaaaabba", order(self->fd));
	EXPECT_EQ(a.size, sleeper_result(&a));
	EXPECT_EQ(b.size, sleeper_result(&b));
}

TEST_F(writing, text_and_records_are_in_one_line)
{
	int text = open_text(O_WRONLY);
	struct sleeper a = named(self->fd, "a", 1), c = named(self->fd, "c", 1);
	struct sleeper b = named(text, "", 0);

	ASSERT_LE(0, text);
	b.buf = "b\nB\n";
	b.size = 4;
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_TRUE(falls_asleep(&c));
	EXPECT_STREQ("abBc", order(self->fd));
	EXPECT_EQ(RECORD, sleeper_result(&a));
	EXPECT_EQ(4, sleeper_result(&b));
	EXPECT_EQ(RECORD, sleeper_result(&c));
}

TEST_F(writing, requests_of_kernel_aio_are_in_the_same_line)
{
	struct iodemo_record records[3] = { raw_record("b"), raw_record("b"), raw_record("b") };
	struct sleeper a = named(self->fd, "a", 2), c = named(self->fd, "c", 2);
	aio_context_t context;
	struct iocb iocb;

	ASSERT_EQ(0, aio_setup(1, &context));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_EQ(1, aio_submit_write(context, &iocb, self->fd, records, sizeof(records)));
	ASSERT_TRUE(falls_asleep(&c));
	EXPECT_STREQ("aabbbcc", order(self->fd));
	EXPECT_EQ(2 * RECORD, sleeper_result(&a));
	EXPECT_EQ(3 * RECORD, aio_event(context));
	EXPECT_EQ(2 * RECORD, sleeper_result(&c));
	EXPECT_EQ(0, aio_destroy(context));
}

TEST_F(writing, sleeper_that_gives_up_sends_nothing_and_holds_up_nobody)
{
	struct sleeper a = named(self->fd, "a", 1), b = named(self->fd, "b", 1);
	struct sleeper c = named(self->fd, "c", 1);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_TRUE(falls_asleep(&c));
	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	ASSERT_EQ(0, interrupt_sleeper(&b, SIGUSR1));
	EXPECT_EQ(-EINTR, sleeper_result(&b));
	EXPECT_STREQ("ac", order(self->fd));
	EXPECT_EQ(RECORD, sleeper_result(&a));
	EXPECT_EQ(RECORD, sleeper_result(&c));
}

TEST_F(writing, signal_after_a_part_of_what_was_brought_is_a_short_count)
{
	struct sleeper a = named(self->fd, "a", TX_DRAIN + 3), b = named(self->fd, "b", 1);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRUE(undisturbed(&a));
	ASSERT_EQ(0, catch_signal(SIGUSR1, SA_RESTART));
	ASSERT_EQ(0, interrupt_sleeper(&a, SIGUSR1));
	EXPECT_EQ(TX_DRAIN * RECORD, sleeper_result(&a));
	EXPECT_TRUE(undisturbed(&b));
	EXPECT_STREQ("aaaab", order(self->fd));
	EXPECT_EQ(RECORD, sleeper_result(&b));
}

TEST_F(writing, bad_record_behind_good_ones_is_found_when_these_are_sent)
{
	struct sleeper a = named(self->fd, "a", 3), b = named(self->fd, "b", 1);

	a.records[2].type = IODEMO_TYPE_ECHO;
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&a));
	ASSERT_TRUE(falls_asleep(&b));
	EXPECT_STREQ("aab", order(self->fd));
	EXPECT_EQ(2 * RECORD, sleeper_result(&a));
	EXPECT_EQ(RECORD, sleeper_result(&b));
}

/* Those who don't wait, and try all the time: none finds the room that was made for others. */

static atomic_bool stop_pushing;

static long call_push(struct sleeper *s)
{
	struct iodemo_record record = raw_record("-");
	long pushed = 0;

	while (!stop_pushing) {
		if (write_nowait(s->fd, &record, RECORD) == RECORD)
			pushed++;
	}
	return pushed;
}

TEST_F_TIMEOUT(writing, who_comes_later_does_not_overtake_who_sleeps, 120)
{
	struct sleeper a, push = { .call = call_push, .fd = self->fd };
	long seen = 0, before, place;
	struct iodemo_record record;
	int i;

	stop_pushing = false;
	ASSERT_TRUE(sleeper_start(&push));
	for (i = 0; i < 100; i++) {
		fill_queue(self->fd);
		before = STAT(self->fd, echoes);
		a = named(self->fd, "a", 1);
		ASSERT_TRUE(falls_asleep(&a));
		/* The queue is full; what becomes free is for the sleeper first. */
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_EQ(RECORD, sleeper_result(&a));
		ASSERT_EQ(0, trigger(self->fd, TX_CAPACITY / TX_DRAIN));
		for (place = -1; read_nowait(self->fd, &record, RECORD) == RECORD;) {
			if (record.type == IODEMO_TYPE_ECHO && record.data[0] == 'a')
				place = seen;
			seen += record.type == IODEMO_TYPE_ECHO;
		}
		EXPECT_EQ(before + TX_CAPACITY, place);
	}
	stop_pushing = true;
	EXPECT_LT(0, sleeper_result(&push));
}

TEST_F(writing, RWF_NOWAIT_does_not_sleep_beside_a_sleeping_writer)
{
	struct sleeper s = writer(self->fd, 1);
	struct iodemo_record record = raw_record("now");
	long switches;
	int i;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&s));
	switches = own_switches();
	for (i = 0; i < 1000 && write_nowait(self->fd, &record, RECORD) == -EAGAIN; i++)
		;
	EXPECT_EQ(1000, i);
	EXPECT_EQ(switches, own_switches());
	EXPECT_TRUE(undisturbed(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&s));
}

TEST_F(writing, sleeping_writer_keeps_no_reader_of_its_file_waiting)
{
	struct sleeper s = writer(self->fd, 2 * TX_DRAIN);

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_TRUE(sleeper_sleeps(&s));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "full", 4);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(2 * TX_DRAIN * RECORD, sleeper_result(&s));
}

TEST_F(writing, writer_stuck_in_its_copy_holds_up_neither_the_device_nor_other_writers)
{
	struct iodemo_record record = raw_record("quick"), slow = raw_record("slow");
	struct sleeper s = writer(self->fd, 1);
	struct stuck_page page;
	long switches;

	if (!stuck_page_make(&page))
		SKIP(return, "no userfaultfd");
	s.buf = page.page;
	ASSERT_TRUE(sleeper_start(&s));
	ASSERT_EQ(0, stuck_page_wait(&page));
	ASSERT_TRUE(sleeper_sleeps(&s));

	switches = own_switches();
	EXPECT_EQ(RECORD, write_nowait(self->fd, &record, sizeof(record)));
	EXPECT_EQ(POLLOUT, poll_now(self->fd, POLLOUT));
	EXPECT_EQ(switches, own_switches());
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_ECHO(self->fd, "quick", 5);

	ASSERT_EQ(0, stuck_page_free(&page, &slow, sizeof(slow)));
	EXPECT_EQ(RECORD, sleeper_result(&s));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 2, 1);
	EXPECT_ECHO(self->fd, "slow", 4);
}

TEST_F(writing, killed_writer_leaves_nothing_behind)
{
	long switches;
	int status;
	pid_t pid;

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(write_records(self->fd, 1));
	while (!task_sleeps(pid, &switches) && !waitpid(pid, &status, WNOHANG))
		sched_yield();
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	ASSERT_EQ(0, trigger(self->fd, 2 * TX_CAPACITY / TX_DRAIN));
	EXPECT_EQ(TX_CAPACITY, STAT(self->fd, echoes));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
}

TEST_F(writing, records_of_a_writer_that_closed_are_still_sent)
{
	int fd = open_raw(0, O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(3 * RECORD, write_records(fd, 3));
	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(3, STAT(self->fd, echoes));
}

/* FLUSH */

static long flush(int fd)
{
	return result(ioctl(fd, IODEMO_FLUSH));
}

TEST_F(writing, flush_sends_nothing_of_what_is_queued_and_leaves_what_is_in_the_ring)
{
	int other = open_raw(0, O_WRONLY);

	ASSERT_LE(0, other);
	ASSERT_EQ(5 * RECORD, write_records(self->fd, 5));
	ASSERT_EQ(5 * RECORD, write_records(other, 5));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, flush(other));
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(TX_DRAIN, STAT(self->fd, echoes));
	EXPECT_EQ(1 + TX_DRAIN + 3, STAT(self->fd, lag));
	EXPECT_EQ(0, flush(self->fd));
	EXPECT_EQ(1 + TX_DRAIN + 3, STAT(self->fd, lag));
}

TEST_F(writing, flushed_queue_takes_all_that_an_empty_one_does_and_in_order)
{
	struct iodemo_record record = raw_record("first");

	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	EXPECT_EQ(0, flush(self->fd));
	ASSERT_EQ(RECORD, result(write(self->fd, &record, sizeof(record))));
	EXPECT_EQ(TX_CAPACITY - 1, fill_queue(self->fd));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 1, 1);
	EXPECT_ECHO(self->fd, "first", 5);
	EXPECT_ECHO(self->fd, "full", 4);
}

TEST_F(writing, flush_of_a_queue_with_room_wakes_nobody)
{
	struct sleeper r = reader(self->fd, 1), p = poller(self->fd, POLLIN);

	ASSERT_EQ((TX_CAPACITY - 1) * RECORD, write_records(self->fd, TX_CAPACITY - 1));
	ASSERT_TRUE(falls_asleep(&r));
	ASSERT_TRUE(falls_asleep(&p));
	EXPECT_EQ(0, flush(self->fd));
	EXPECT_EQ(0, STAT(self->fd, wakeups));
	EXPECT_TRUE(undisturbed(&r));
	EXPECT_TRUE(undisturbed(&p));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(RECORD, sleeper_result(&r));
	EXPECT_EQ(POLLIN, sleeper_result(&p));
}

TEST_F(writing, flush_of_a_full_queue_wakes_all_who_wait_for_room_before_it_returns)
{
	struct sleeper s[3], p = poller(self->fd, POLLOUT), r = reader(self->fd, 1);
	siginfo_t info;
	int i;

	ASSERT_EQ(0, signal_on(self->fd, SIGRTMIN));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	for (i = 0; i < 3; i++) {
		s[i] = writer(self->fd, 2);
		ASSERT_TRUE(falls_asleep(&s[i]));
	}
	ASSERT_TRUE(falls_asleep(&p));
	ASSERT_TRUE(falls_asleep(&r));

	EXPECT_EQ(0, flush(self->fd));
	EXPECT_EQ(SIGRTMIN, take_signal(&info));
	EXPECT_EQ(POLLOUT, info.si_band & POLLOUT);
	EXPECT_EQ(-EAGAIN, take_signal(&info));
	EXPECT_EQ(POLLOUT, sleeper_result(&p));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(2 * RECORD, sleeper_result(&s[i]));
	EXPECT_TRUE(undisturbed(&r));
	EXPECT_EQ(0, STAT(self->fd, interrupts));

	/* What they wrote then is sent. */
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(6, STAT(self->fd, echoes));
	EXPECT_EQ(RECORD, sleeper_result(&r));
}

/* Writes that are longer than the queue, one after the other */
#define LONG_WRITES	50

static long call_long_writes(struct sleeper *s)
{
	long written = 0, ret;
	int i;

	for (i = 0; i < LONG_WRITES; i++) {
		ret = write_records(s->fd, SLEEPER_RECORDS);
		if (ret < 0)
			return ret;
		written += ret;
	}
	return written;
}

/* Only of a full queue it wakes; so a writer that it missed would sleep for ever. */
TEST_F_TIMEOUT(writing, flush_against_writers_misses_none, 60)
{
	struct sleeper s[4];
	int i, done;

	for (i = 0; i < 4; i++) {
		s[i] = (struct sleeper){ .call = call_long_writes, .fd = self->fd };
		ASSERT_TRUE(sleeper_start(&s[i]));
	}
	do {
		ASSERT_EQ(0, flush(self->fd));
		sched_yield();
		for (i = 0, done = 0; i < 4; i++)
			done += s[i].done;
	} while (done < 4);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(LONG_WRITES * SLEEPER_RECORDS * RECORD, sleeper_result(&s[i]));
	EXPECT_EQ(0, STAT(self->fd, interrupts));
}

TEST_HARNESS_MAIN
