// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text format: one line a record, whatever the size of the reads.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <ctype.h>
#include <poll.h>

#define MAX_STREAM	65536
#define ALL		8192	/* more than any test leaves to read */

/* The line that a record should be; for data that needs no escape */
static int format_line(char *line, const struct iodemo_record *record)
{
	return sprintf(line, "%llu %llu.%09llu cpu%u %s %.*s\n", record->seq,
		       record->timestamp / 1000000000, record->timestamp % 1000000000,
		       record->cpu, record->type == IODEMO_TYPE_ECHO ? "echo" : "sample",
		       record->len, record->data);
}

/*
 * What the file in text should give, told by one in raw beside it; and room for
 * what it gives. Each test is a process, so each begins with none.
 */
static char expected[MAX_STREAM];
static long expected_size;
static char stream[MAX_STREAM];

/* Add to what is expected the records that the raw file has. */
static long expect_more(int raw)
{
	struct iodemo_record record;
	long before = expected_size;

	while (read_nowait(raw, &record, sizeof(record)) == RECORD)
		expected_size += format_line(expected + expected_size, &record);
	return expected_size - before;
}

/* The length of the first line that is expected */
static long first_line(void)
{
	return strchr(expected, '\n') + 1 - expected;
}

static int open_both(int *fd, int *raw)
{
	int err = load("capacity=16");

	if (err)
		return err;
	*fd = open_device(0, O_RDWR);
	*raw = open_raw(0, O_RDWR);
	return *fd < 0 ? *fd : *raw < 0 ? *raw : 0;
}

FIXTURE(text) {
	int fd;
	int raw;
};

FIXTURE_SETUP(text)
{
	ASSERT_EQ(0, open_both(&self->fd, &self->raw));
}

IODEMO_FIXTURE_TEARDOWN(text)

/* Read all there is, @size bytes at a time; the number of bytes. */
static long read_all(int fd, char *buf, size_t size)
{
	long got, len = 0;

	while ((got = read_nowait(fd, buf + len, size)) > 0)
		len += got;
	return got == -EAGAIN ? len : got;
}

TEST_F(text, line_has_seq_time_processor_type_and_data)
{
	unsigned long long seq, sec;
	char data[41], nsec[10], end;
	unsigned int cpu;
	int fields;

	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_LT(0, expect_more(self->raw));
	EXPECT_EQ(expected_size, result(read(self->fd, stream, LINE_MAX_BYTES)));
	EXPECT_STREQ(expected, stream);

	/* And the same without the help of the raw file */
	fields = sscanf(stream, "%llu %llu.%9[0-9] cpu%u sample %40s%c",
			&seq, &sec, nsec, &cpu, data, &end);
	ASSERT_EQ(6, fields);
	EXPECT_EQ(0U, seq);
	EXPECT_EQ(9U, strlen(nsec));
	EXPECT_EQ(0, memcmp(data, iodemo_sample(0), IODEMO_DATA_SIZE));
	EXPECT_EQ('\n', end);
}

TEST_F(text, echo_is_called_so)
{
	ASSERT_EQ(3, result(write(self->fd, "hi\n", 3)));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_LT(0, expect_more(self->raw));
	EXPECT_EQ(expected_size, read_all(self->fd, stream, LINE_MAX_BYTES));
	EXPECT_STREQ(expected, stream);
	EXPECT_STREQ(" echo hi\n", stream + expected_size - strlen(" echo hi\n"));
}

TEST_F(text, read_gives_as_many_whole_lines_as_fit)
{
	long line;

	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_LT(0, expect_more(self->raw));
	line = first_line();
	EXPECT_EQ(line, result(read(self->fd, stream, line)));
	EXPECT_EQ(expected_size - line, result(read(self->fd, stream + line, ALL)));
	EXPECT_STREQ(expected, stream);
}

TEST_F(text, small_buffer_gets_a_part_and_the_rest_comes_next)
{
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_LT(0, expect_more(self->raw));
	EXPECT_EQ(3, result(read(self->fd, stream, 3)));
	EXPECT_EQ(expected_size - 3, result(read(self->fd, stream + 3, ALL)));
	EXPECT_STREQ(expected, stream);
}

TEST_F(text, rest_of_a_line_is_readable_and_no_EAGAIN)
{
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(1, result(read(self->fd, stream, 1)));
	EXPECT_EQ(POLLIN, poll_now(self->fd, POLLIN));
	EXPECT_EQ(1, read_nowait(self->fd, stream, 1));
	EXPECT_LT(1, read_nowait(self->fd, stream, ALL));
	EXPECT_EQ(0, poll_now(self->fd, POLLIN));
	EXPECT_EQ(-EAGAIN, read_nowait(self->fd, stream, 1));
}

TEST_F(text, rest_of_a_line_is_readable_below_the_low_water_mark)
{
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 2));
	ASSERT_EQ(1, result(read(self->fd, stream, 1)));
	EXPECT_EQ(POLLIN, poll_now(self->fd, POLLIN));
	EXPECT_EQ(1, result(read(self->fd, stream, 1)));
}

TEST_F(text, line_counts_as_read_from_its_first_byte)
{
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_EQ(0, STAT(self->fd, read));
	EXPECT_EQ(2, STAT(self->fd, lag));
	ASSERT_EQ(1, result(read(self->fd, stream, 1)));
	EXPECT_EQ(1, STAT(self->fd, read));
	EXPECT_EQ(1, STAT(self->fd, lag));
}

TEST_F(text, rest_of_a_line_survives_lapping)
{
	long line, got;

	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_LT(0, expect_more(self->raw));
	line = first_line();
	ASSERT_EQ(3, result(read(self->fd, stream, 3)));

	ASSERT_EQ(0, trigger(self->fd, 40));
	ASSERT_LT(0, expect_more(self->raw));
	got = read_all(self->fd, stream + 3, ALL);
	EXPECT_EQ(expected_size, 3 + got);
	EXPECT_STREQ(expected, stream);
	EXPECT_EQ(0, strncmp(stream + line, "25 ", 3));
	EXPECT_EQ(24, STAT(self->fd, lost));
	EXPECT_EQ(17, STAT(self->fd, read));
}

TEST_F(text, read_of_0_bytes_is_0_and_does_not_sleep)
{
	EXPECT_EQ(0, result(read(self->fd, stream, 0)));
	EXPECT_EQ(0, read_nowait(self->fd, stream, 0));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(0, result(read(self->fd, stream, 0)));
	EXPECT_EQ(0, STAT(self->fd, read));
}

TEST_F(text, switch_to_raw_in_mid_line_drops_the_rest_of_the_line)
{
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(3, result(read(self->fd, stream, 3)));
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_RAW, 1));
	EXPECT_READ(self->fd, 1, 1);
	EXPECT_EQ(0, poll_now(self->fd, POLLIN));
	EXPECT_EQ(2, STAT(self->fd, read));
}

TEST_F(text, switch_to_raw_and_back_does_not_bring_the_rest_back)
{
	long line;

	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_LT(0, expect_more(self->raw));
	line = first_line();
	ASSERT_EQ(3, result(read(self->fd, stream, 3)));
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_RAW, 1));
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
	ASSERT_EQ(expected_size - line, read_all(self->fd, stream, ALL));
	stream[expected_size - line] = '\0';
	EXPECT_STREQ(expected + line, stream);
}

TEST_F(text, change_of_the_low_water_mark_keeps_the_rest_of_the_line)
{
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_LT(0, expect_more(self->raw));
	ASSERT_EQ(3, result(read(self->fd, stream, 3)));
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 2));
	EXPECT_EQ(expected_size - 3, read_nowait(self->fd, stream + 3, ALL));
	EXPECT_STREQ(expected, stream);
}

TEST_F(text, readv_over_many_small_buffers_gives_the_same_stream)
{
	struct iovec iov[100];
	long pos = 0;
	int i;

	for (i = 0; i < 100; i++) {
		iov[i].iov_base = stream + pos;
		iov[i].iov_len = i % 4;
		pos += i % 4;
	}
	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_LT(0, expect_more(self->raw));
	ASSERT_LT(pos, expected_size);
	pos = result(readv(self->fd, iov, 100));
	ASSERT_LT(0, pos);
	pos += read_all(self->fd, stream + pos, 1000);
	EXPECT_EQ(expected_size, pos);
	EXPECT_STREQ(expected, stream);
}

TEST_F(text, bad_pointer_is_EFAULT_and_takes_nothing)
{
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_LT(0, expect_more(self->raw));
	EXPECT_EQ(-EFAULT, result(read(self->fd, bad_pointer, LINE_MAX_BYTES)));
	EXPECT_EQ(0, STAT(self->fd, read));
	EXPECT_EQ(expected_size, read_all(self->fd, stream, ALL));
	EXPECT_STREQ(expected, stream);
}

TEST_F(text, bad_pointer_in_mid_line_loses_no_byte)
{
	struct iovec iov[] = { { stream, 7 }, { bad_pointer, 7 } };

	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_LT(0, expect_more(self->raw));
	ASSERT_EQ(7, result(readv(self->fd, iov, 2)));
	EXPECT_EQ(expected_size - 7, read_all(self->fd, stream + 7, ALL));
	EXPECT_STREQ(expected, stream);
}

TEST_F(text, bad_pointer_in_the_second_line_loses_no_byte)
{
	struct iovec iov[] = { { stream, 0 }, { bad_pointer, 500 } };
	long line;

	ASSERT_EQ(0, trigger(self->fd, 3));
	ASSERT_LT(0, expect_more(self->raw));
	line = first_line();
	iov[0].iov_len = line + 7;
	ASSERT_EQ(line + 7, result(readv(self->fd, iov, 2)));
	EXPECT_EQ(expected_size - line - 7,
		  read_all(self->fd, stream + line + 7, ALL));
	EXPECT_STREQ(expected, stream);
}

TEST_F(text, end_of_memory_in_mid_line_loses_no_byte)
{
	char *end = page_end();
	long got;

	ASSERT_TRUE(!!end);
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_LT(0, expect_more(self->raw));
	got = result(read(self->fd, end - 10, 200));
	ASSERT_LT(0, got);
	ASSERT_LE(got, 10);
	memcpy(stream, end - 10, got);
	EXPECT_EQ(expected_size - got, read_all(self->fd, stream + got, ALL));
	EXPECT_STREQ(expected, stream);
}

TEST_F(text, dup_continues_in_mid_line)
{
	int copy = dup(self->fd);

	ASSERT_LE(0, copy);
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_LT(0, expect_more(self->raw));
	ASSERT_EQ(3, result(read(self->fd, stream, 3)));
	EXPECT_EQ(expected_size - 3, result(read(copy, stream + 3, ALL)));
	EXPECT_STREQ(expected, stream);
}

/* One byte of a string as C writes it */
static unsigned char unescape(const char **text)
{
	static const char letters[] = "abefnrtv", bytes[] = "\a\b\033\f\n\r\t\v";
	const char *p = *text, *letter;
	unsigned char byte;

	if (*p != '\\') {
		*text = p + 1;
		return *p;
	}
	p++;
	if (*p >= '0' && *p <= '7') {
		byte = 0;
		for (int i = 0; i < 3 && *p >= '0' && *p <= '7'; i++)
			byte = byte * 8 + *p++ - '0';
		*text = p;
		return byte;
	}
	*text = p + 1;
	letter = strchr(letters, *p);
	return letter && *p ? bytes[letter - letters] : *p;
}

TEST_F(text, every_byte_can_be_read_back_from_its_escape)
{
	struct iodemo_record record = { .len = 1 };
	const char *p;
	long got, i;
	int byte;

	for (byte = 0; byte < 256; byte++) {
		record.data[0] = byte;
		ASSERT_EQ(RECORD, result(write(self->raw, &record, sizeof(record))));
		ASSERT_EQ(0, trigger(self->raw, 1));
		memset(stream, 0, MAX_STREAM);
		got = read_all(self->fd, stream, ALL);
		ASSERT_LT(0, got);
		ASSERT_EQ('\n', stream[--got]);
		for (i = 0; i < got; i++)
			ASSERT_TRUE(stream[i] == '\n' || isprint(stream[i]));
		p = strstr(stream, " echo ");
		ASSERT_TRUE(!!p);
		p += strlen(" echo ");
		EXPECT_EQ(byte, unescape(&p));
		EXPECT_EQ(stream + got - p, 0);
	}
}

TEST_F(text, backslash_and_what_is_not_printable_is_escaped_as_in_C_and_nothing_else)
{
	static const char end[] = " echo a\\nb\\\\c\"d e\\tf\\e\\001'\n";
	struct iodemo_record record = raw_record("a\nb\\c\"d e\tf\033\001'");
	long got;

	ASSERT_EQ(RECORD, result(write(self->raw, &record, sizeof(record))));
	ASSERT_EQ(0, trigger(self->raw, 1));
	got = read_all(self->fd, stream, ALL);
	ASSERT_LT((long)strlen(end), got);
	EXPECT_STREQ(end, stream + got - strlen(end));
}

TEST_F(text, longest_line_has_at_most_255_bytes)
{
	struct iodemo_record record = { .len = IODEMO_DATA_SIZE };
	long got;

	memset(record.data, 0xff, sizeof(record.data));
	ASSERT_EQ(RECORD, result(write(self->raw, &record, sizeof(record))));
	ASSERT_EQ(0, trigger(self->raw, 1));
	ASSERT_LT(0, result(read(self->fd, stream, 100)));
	got = result(read(self->fd, stream, LINE_MAX_BYTES));
	ASSERT_LT(0, got);
	EXPECT_EQ('\n', stream[got - 1]);
	EXPECT_EQ(-EAGAIN, read_nowait(self->fd, stream, 1));
}

/* FIONREAD says what a read without end then gives. */

#define EXPECT_TOLD(fd, expected_)					\
	do {								\
		int told_ = -1;						\
									\
		EXPECT_EQ(0, result(ioctl(fd, FIONREAD, &told_)));	\
		EXPECT_EQ(expected_, told_);				\
	} while (0)

TEST_F(text, FIONREAD_tells_the_bytes_of_the_lines_that_wait)
{
	EXPECT_TOLD(self->fd, 0);
	ASSERT_EQ(14, result(write(self->fd, "one\ntwo\nthree\n", 14)));
	ASSERT_EQ(0, trigger(self->fd, 10));
	ASSERT_LT(0, expect_more(self->raw));
	EXPECT_TOLD(self->fd, expected_size);
	EXPECT_EQ(expected_size, result(read(self->fd, stream, ALL)));
	EXPECT_TOLD(self->fd, 0);
}

TEST_F(text, FIONREAD_tells_the_bytes_of_escapes)
{
	struct iodemo_record record = { .len = IODEMO_DATA_SIZE, .data = "\n\\\1" };
	long got;
	int told;

	ASSERT_EQ(RECORD, result(write(self->raw, &record, sizeof(record))));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, result(ioctl(self->fd, FIONREAD, &told)));
	got = result(read(self->fd, stream, ALL));
	EXPECT_EQ(told, got);
	/* \n and \\, and the 38 others as \001 and \000 */
	EXPECT_EQ(2 + 2 + 38 * 4 + 1, stream + got - (strstr(stream, " echo ") + strlen(" echo ")));
}

TEST_F(text, FIONREAD_tells_the_rest_of_a_line_and_no_more_lines_than_a_read_gives)
{
	int i;

	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_LT(0, expect_more(self->raw));
	for (i = 1; i < 5; i++) {
		ASSERT_EQ(1, result(read(self->fd, stream, 1)));
		EXPECT_TOLD(self->fd, expected_size - i);
	}
	/* A lap more: with the rest, one line less than the ring holds */
	ASSERT_EQ(0, trigger(self->fd, 40));
	for (i = 0; i < 3; i++) {
		int told = -1;

		ASSERT_EQ(0, result(ioctl(self->fd, FIONREAD, &told)));
		EXPECT_EQ(told, i < 2 ? result(read(self->fd, stream, ALL)) : 0);
	}
}

TEST_F(text, FIONREAD_goes_by_the_format)
{
	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_LT(0, expect_more(self->raw));
	ASSERT_EQ(1, result(read(self->fd, stream, 1)));
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_RAW, 1));
	EXPECT_TOLD(self->fd, RECORD);
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
	EXPECT_TOLD(self->fd, expected_size - first_line());
}

/* The same bytes, whatever the size of the reads. */
FIXTURE(size) {
	int fd;
	int raw;
};

FIXTURE_VARIANT(size) {
	size_t size;
};

#define SIZE(n)						\
	FIXTURE_VARIANT_ADD(size, bytes_##n) {		\
		.size = n,				\
	}

SIZE(1);
SIZE(2);
SIZE(3);
SIZE(7);
SIZE(63);
SIZE(64);
SIZE(65);
SIZE(255);
SIZE(4096);

FIXTURE_SETUP(size)
{
	ASSERT_EQ(0, open_both(&self->fd, &self->raw));
}

IODEMO_FIXTURE_TEARDOWN(size)

TEST_F(size, reads_of_this_size_give_the_same_stream)
{
	long len = 0;
	int i;

	/* Also with an odd place to continue from in each round */
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, trigger(self->fd, 10));
		ASSERT_LT(0, expect_more(self->raw));
		len += read_all(self->fd, stream + len, variant->size);
		ASSERT_EQ(expected_size, len);
	}
	EXPECT_STREQ(expected, stream);
	EXPECT_EQ(0, STAT(self->fd, lost));
}

TEST_F(size, read_ends_with_a_line_if_one_fits)
{
	long got;

	ASSERT_EQ(0, trigger(self->fd, 16));
	ASSERT_LT(0, expect_more(self->raw));
	got = result(read(self->fd, stream, variant->size));
	if ((long)variant->size < first_line()) {
		EXPECT_EQ((long)variant->size, got);
	} else {
		ASSERT_LT(0, got);
		EXPECT_EQ('\n', stream[got - 1]);
	}
	EXPECT_EQ(0, memcmp(expected, stream, got));
}

TEST_HARNESS_MAIN
