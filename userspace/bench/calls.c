// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's own system calls, and the mapped ring, which needs none
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"
#include "cli.h"

#define BLOCK		64			/* records that one call takes */
#define BLOCKS		8			/* in a batch, so that few rings are too small */
#define LINES		512			/* that a read of 64 KiB takes */

static struct iodemo_record records[BLOCK];
static char lines[65536];

static int device;
static struct iodemo_ring ring;
static int pipe_ends[2];
static int null;

/* What does one batch need, and does the ring hold it? */
static const char *open_device(unsigned int batch_records, size_t size, ssize_t result)
{
	static char reason[64];
	struct iodemo_info info;

	device = bench_open(0, O_RDWR);
	iodemo_ioctl(device, bench_options.device, IODEMO_GET_INFO, &info, "GET_INFO");
	bench_io = (struct bench_io){
		.fd = device,
		.data = records,
		.size = size,
		.result = result,
	};
	if (info.capacity >= batch_records)
		return NULL;
	close(device);
	snprintf(reason, sizeof(reason), "needs capacity=%u; this is %u", batch_records,
		 info.capacity);
	return reason;
}

static void prepare_records(unsigned int batch)
{
	bench_store(device, batch);
}

static void prepare_blocks(unsigned int batch)
{
	bench_store(device, batch * BLOCK);
}

static void end(void)
{
	close(device);
}

/* Reading ----------------------------------------------------------------- */

static const char *begin_read(void)
{
	return open_device(BENCH_BATCH, sizeof(records[0]), sizeof(records[0]));
}

/* From where no block is divided by the ring's end. */
static const char *begin_blocks(void)
{
	const char *reason = open_device(BLOCKS * BLOCK, sizeof(records), sizeof(records));
	struct iodemo_stats stats;

	if (reason)
		return reason;
	iodemo_ioctl(device, bench_options.device, IODEMO_GET_STATS, &stats, "GET_STATS");
	if (stats.records % BLOCK)
		bench_store(device, BLOCK - stats.records % BLOCK);
	bench_drain(device);
	return NULL;
}

/* A buffer that is too small for two lines. */
static const char *begin_text(void)
{
	struct iodemo_client_config client = { .format = IODEMO_FORMAT_TEXT, .low_water = 1 };
	const char *reason = open_device(BENCH_BATCH, 128, 0);

	if (!reason)
		iodemo_ioctl(device, bench_options.device, IODEMO_SET_CLIENT, &client,
			     "SET_CLIENT");
	return reason;
}

/* A buffer that holds more than there is. */
static const char *begin_lines(unsigned int count)
{
	const char *reason = begin_text();
	struct iodemo_info info;

	if (reason)
		return reason;
	bench_io.data = lines;
	bench_io.size = sizeof(lines);
	iodemo_ioctl(device, bench_options.device, IODEMO_GET_INFO, &info, "GET_INFO");
	if (info.capacity >= count)
		return NULL;
	close(device);
	return "needs capacity=512";
}

static const char *begin_cat(void)
{
	return begin_lines(1);
}

static const char *begin_text_512(void)
{
	return begin_lines(LINES);
}

static void prepare_lines(unsigned int batch)
{
	bench_store(device, batch * LINES);
}

/* Not all lines are of the same length. */
static void run_text(unsigned int batch)
{
	const char *text = bench_io.data;
	ssize_t length;

	while (batch--) {
		length = read(bench_io.fd, bench_io.data, bench_io.size);
		if (length <= 0 || text[length - 1] != '\n')
			bench_wrong();
	}
}

static const char *begin_eagain(void)
{
	return open_device(0, sizeof(records[0]), -1);
}

/* It is the call that doesn't want to sleep, not the file. */
static const char *begin_eagain_rwf(void)
{
	const char *reason = begin_eagain();

	if (fcntl(device, F_SETFL, 0))
		err(1, "F_SETFL");
	return reason;
}

static void run_eagain_rwf(unsigned int batch)
{
	struct iovec iovec = { .iov_base = records, .iov_len = sizeof(records[0]) };

	while (batch--)
		if (preadv2(device, &iovec, 1, -1, RWF_NOWAIT) != -1 || errno != EAGAIN)
			bench_wrong();
}

/* Asking ------------------------------------------------------------------ */

/* For reading alone, as the end of a pipe is; the one that is open for both stores. */
static int reader;

static const char *begin_poll(void)
{
	const char *reason = open_device(1, 0, 0);

	reader = bench_open(0, O_RDONLY);
	bench_io.fd = reader;
	return reason;
}

static const char *begin_poll_ready(void)
{
	const char *reason = begin_poll();

	bench_io.result = 1;
	bench_store(device, 1);
	return reason;
}

static void end_poll(void)
{
	close(reader);
	close(device);
}

static void run_stats(unsigned int batch)
{
	struct iodemo_stats stats;

	while (batch--)
		if (ioctl(device, IODEMO_GET_STATS, &stats))
			bench_wrong();
}

/* Writing ----------------------------------------------------------------- */

static void empty_queue(void)
{
	struct iodemo_info info;

	iodemo_ioctl(device, bench_options.device, IODEMO_GET_INFO, &info, "GET_INFO");
	bench_trigger(device, (info.tx_capacity + info.tx_drain - 1) / info.tx_drain);
	bench_drain(device);
}

static const char *begin_write(void)
{
	const char *reason = open_device(0, sizeof(records[0]), sizeof(records[0]));

	memset(records, 0, sizeof(records));
	records[0].len = IODEMO_DATA_SIZE;
	return reason;
}

static void prepare_write(unsigned int batch)
{
	(void)batch;
	empty_queue();
}

static const char *begin_write_eagain(void)
{
	const char *reason = begin_write();

	while (write(device, records, sizeof(records[0])) > 0)
		;
	bench_io.result = -1;
	return reason;
}

static void end_write(void)
{
	empty_queue();
	close(device);
}

/* Without a copy to the program ------------------------------------------- */

static const char *begin_mapped(void)
{
	const char *reason = open_device(BENCH_BATCH, 0, 0);

	if (!reason && iodemo_ring_map(&ring, device))
		err(1, "%s: can't map the ring", bench_options.device);
	return reason;
}

static void run_mapped(unsigned int batch)
{
	struct iodemo_ring inner = ring;	/* as a busy loop has it: in registers */
	const struct iodemo_record *record;
	__u64 next = 0;

	while (batch--) {
		record = iodemo_ring_peek(&inner);
		if (!record)
			bench_wrong();
		next = record->seq + 1;
		if (iodemo_ring_take(&inner) != 1)
			bench_wrong();
	}
	if (next != iodemo_ring_head(&inner))
		bench_wrong();
}

static void end_mapped(void)
{
	iodemo_ring_unmap(&ring);
	close(device);
}

static const char *begin_splice(void)
{
	const char *reason = begin_blocks();

	if (reason)
		return reason;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0 || pipe2(pipe_ends, O_CLOEXEC))
		err(1, "splice");
	return NULL;
}

static void run_splice(unsigned int batch)
{
	const ssize_t size = sizeof(records);

	while (batch--)
		if (splice(device, NULL, pipe_ends[1], NULL, size, 0) != size ||
		    splice(pipe_ends[0], NULL, null, NULL, size, 0) != size)
			bench_wrong();
}

static void end_splice(void)
{
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	close(null);
	close(device);
}

void bench_iodemo(void)
{
	static const struct bench_cost costs[] = {
		{
			.name = "read",
			.about = "read of a record",
			.begin = begin_read,
			.prepare = prepare_records,
			.run = bench_io_read,
			.end = end,
		}, {
			.name = "read-64",
			.about = "a record of a read of 64",
			.parts = BLOCK,
			.batch = BLOCKS,
			.begin = begin_blocks,
			.prepare = prepare_blocks,
			.run = bench_io_read,
			.end = end,
		}, {
			.name = "text",
			.about = "read of a line of text",
			.begin = begin_text,
			.prepare = prepare_records,
			.run = run_text,
			.end = end,
		}, {
			.name = "text-cat",
			.about = "read of a line of text by cat, which has room for more",
			.batch = 1,
			.begin = begin_cat,
			.prepare = prepare_records,
			.run = run_text,
			.end = end,
		}, {
			.name = "text-512",
			.about = "a line of text of a read of 512",
			.parts = LINES,
			.batch = 1,
			.begin = begin_text_512,
			.prepare = prepare_lines,
			.run = run_text,
			.end = end,
		}, {
			.name = "mapped",
			.about = "a record of the mapped ring, no system call",
			.begin = begin_mapped,
			.prepare = prepare_records,
			.run = run_mapped,
			.end = end_mapped,
		}, {
			.name = "splice",
			.about = "a record of 64 spliced by a pipe to /dev/null",
			.parts = BLOCK,
			.batch = BLOCKS,
			.begin = begin_splice,
			.prepare = prepare_blocks,
			.run = run_splice,
			.end = end_splice,
		}, {
			.name = "eagain",
			.about = "read, EAGAIN",
			.begin = begin_eagain,
			.run = bench_io_read,
			.end = end,
		}, {
			.name = "eagain-rwf",
			.about = "preadv2 with RWF_NOWAIT, EAGAIN",
			.begin = begin_eagain_rwf,
			.run = run_eagain_rwf,
			.end = end,
		}, {
			.name = "poll",
			.about = "poll, nothing there",
			.begin = begin_poll,
			.run = bench_io_poll,
			.end = end_poll,
		}, {
			.name = "poll-ready",
			.about = "poll, ready",
			.begin = begin_poll_ready,
			.run = bench_io_poll,
			.end = end_poll,
		}, {
			.name = "write",
			.about = "write of a record",
			.begin = begin_write,
			.prepare = prepare_write,
			.run = bench_io_write,
			.end = end_write,
		}, {
			.name = "write-eagain",
			.about = "write, EAGAIN",
			.begin = begin_write_eagain,
			.run = bench_io_write,
			.end = end_write,
		}, {
			.name = "stats",
			.about = "ioctl GET_STATS",
			.begin = begin_eagain,
			.run = run_stats,
			.end = end,
		},
		{ }
	};

	bench_title("iodemo: the device's system calls, and its ring", "eventfd", "pipe");
	bench_costs(costs);
}
