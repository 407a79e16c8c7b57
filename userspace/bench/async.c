// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous reading, of what is there already: handing over requests and
 * fetching their completions, one at a time or 64, of one record or a block
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "cli.h"

#define DEPTH		64	/* requests that one call hands over at most */
#define CALLS		8	/* such calls in a batch */
#define BLOCK		64	/* records that one request takes at most */
#define BUFFERS		(2 * DEPTH)
#define GROUP		0	/* of buffers */

/* IORING_OP_READ_MULTISHOT: since Linux 6.7, and liburing 2.6 */
#define READ_MULTISHOT	49

static struct iodemo_record records[BUFFERS][BLOCK];
static int device;

/* Requests that one operation hands over and fetches, and records of each. */
static unsigned int depth, block;

static int request_size(void)
{
	return block * sizeof(struct iodemo_record);
}

static void prepare(unsigned int batch)
{
	bench_store(device, batch * depth * block);
}

/* libaio ------------------------------------------------------------------ */

static io_context_t context;
static struct iocb requests[DEPTH], *list[DEPTH];

static const char *begin_libaio(void)
{
	unsigned int i;
	int ret;

	context = NULL;
	ret = io_setup(DEPTH, &context);
	if (ret < 0)
		return bench_cannot("io_setup", -ret);
	device = bench_open(0, O_RDWR);
	for (i = 0; i < DEPTH; i++) {
		list[i] = &requests[i];
		io_prep_pread(list[i], device, records[i], request_size(), 0);
	}
	return NULL;
}

static void run_libaio(unsigned int batch)
{
	struct io_event events[DEPTH];
	const int count = depth;
	int i;

	while (batch--) {
		if (io_submit(context, count, list) != count ||
		    io_getevents(context, count, count, events, NULL) != count)
			bench_wrong();
		for (i = 0; i < count; i++)
			if (events[i].res != (unsigned int)request_size())
				bench_wrong();
	}
}

static void end_libaio(void)
{
	io_destroy(context);
	close(device);
}

/* io_uring ---------------------------------------------------------------- */

static struct io_uring uring;

/* As a program does it that cares: one thread, its descriptors registered. */
static const char *begin_uring_with(unsigned int flags)
{
	int ret;

	ret = io_uring_queue_init(DEPTH, &uring, flags | IORING_SETUP_SINGLE_ISSUER |
				  IORING_SETUP_DEFER_TASKRUN);
	if (ret == -EINVAL)		/* before Linux 6.1 */
		ret = io_uring_queue_init(DEPTH, &uring, flags);
	if (ret < 0)
		return bench_cannot("io_uring (see sysctl kernel.io_uring_disabled)", -ret);

	device = bench_open(0, O_RDWR);
	ret = io_uring_register_files(&uring, &device, 1);
	if (ret < 0)
		errx(1, "io_uring_register_files: %s", strerror(-ret));
	ret = io_uring_register_ring_fd(&uring);
	if (ret < 0)
		errx(1, "io_uring_register_ring_fd: %s", strerror(-ret));
	return NULL;
}

static const char *begin_uring(void)
{
	return begin_uring_with(0);
}

/* The ring's own end would give the file back only some time later. */
static void end_uring(void)
{
	int ret = io_uring_unregister_files(&uring);

	if (ret < 0)
		errx(1, "io_uring_unregister_files: %s", strerror(-ret));
	io_uring_queue_exit(&uring);
	close(device);
}

static struct io_uring_sqe *get_sqe(int op, void *buffer, unsigned int size)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);

	io_uring_prep_rw(op, sqe, 0, buffer, size, -1);
	sqe->flags |= IOSQE_FIXED_FILE;
	return sqe;
}

/* Submits what there is, and takes the completions; each result must be @least or more. */
static void complete(int least)
{
	struct io_uring_cqe *cqe;
	unsigned int head, count = 0;

	if (io_uring_submit_and_wait(&uring, depth) < 0)
		bench_wrong();
	io_uring_for_each_cqe(&uring, head, cqe) {
		if (cqe->res < least)
			bench_wrong();
		count++;
	}
	if (count != depth)
		bench_wrong();
	io_uring_cq_advance(&uring, count);
}

static void run_uring(unsigned int batch)
{
	unsigned int i;

	while (batch--) {
		for (i = 0; i < depth; i++)
			get_sqe(IORING_OP_READ, records[i], request_size());
		complete(request_size());
	}
}

/* What io_uring itself takes. */
static void run_nop(unsigned int batch)
{
	unsigned int i;

	while (batch--) {
		for (i = 0; i < depth; i++)
			io_uring_prep_nop(io_uring_get_sqe(&uring));
		complete(0);
	}
}

/* Multishot --------------------------------------------------------------- */

static struct io_uring_buf_ring *buffers;

/* The kernel takes them in the order in which they were given. */
static void give_buffers(unsigned int count)
{
	static unsigned int next;
	unsigned int i;

	for (i = 0; i < count; i++, next++)
		io_uring_buf_ring_add(buffers, records[next % BUFFERS], request_size(),
				      next % BUFFERS, io_uring_buf_ring_mask(BUFFERS), i);
	io_uring_buf_ring_advance(buffers, count);
}

static void register_buffers(void)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS, .bgid = GROUP };
	int ret;

	buffers = mmap(NULL, BUFFERS * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffers == MAP_FAILED)
		err(1, "mmap");
	reg.ring_addr = (unsigned long)buffers;
	ret = io_uring_register_buf_ring(&uring, &reg, 0);
	if (ret < 0)
		errx(1, "io_uring_register_buf_ring: %s", strerror(-ret));
	io_uring_buf_ring_init(buffers);
	give_buffers(DEPTH);		/* without any it would end at once */
}

static bool has_multishot(void)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(&uring);
	bool has = probe && io_uring_opcode_supported(probe, READ_MULTISHOT);

	io_uring_free_probe(probe);
	return has;
}

/* Handed over once, for all batches. */
static const char *begin_multishot(void)
{
	const char *reason = begin_uring();
	struct io_uring_sqe *sqe;

	if (reason)
		return reason;
	if (!has_multishot()) {
		end_uring();
		return "multishot reads came with Linux 6.7";
	}
	register_buffers();
	sqe = get_sqe(READ_MULTISHOT, NULL, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	if (io_uring_submit(&uring) != 1)
		bench_wrong();
	return NULL;
}

/* The interrupt tells io_uring that there is something: that is not measured. */
static void prepare_multishot(unsigned int batch)
{
	give_buffers(batch * depth);
	prepare(batch);
}

static void run_multishot(unsigned int batch)
{
	while (batch--)
		complete(request_size());
}

static void end_multishot(void)
{
	struct io_uring_sync_cancel_reg all = {
		.flags = IORING_ASYNC_CANCEL_ANY,
		.timeout = { -1, -1 },
	};
	int ret = io_uring_register_sync_cancel(&uring, &all);

	if (ret < 0)
		errx(1, "io_uring_register_sync_cancel: %s", strerror(-ret));
	end_uring();
	munmap(buffers, BUFFERS * sizeof(struct io_uring_buf));
}

/* The device's own command ------------------------------------------------ */

/* It tells of one record, and takes none. */
static const char *begin_uring_cmd(void)
{
	const char *reason = begin_uring_with(IORING_SETUP_CQE32);

	if (!reason)
		bench_store(device, 1);
	return reason;
}

static void run_uring_cmd(unsigned int batch)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	while (batch--) {
		for (i = 0; i < depth; i++) {
			sqe = get_sqe(IORING_OP_URING_CMD, NULL, 0);
			sqe->off = 0;
			sqe->cmd_op = IODEMO_URING_WAIT;
		}
		complete(0);
	}
}

static void measure(const struct bench_cost *api, unsigned int requests, unsigned int of_each)
{
	struct bench_cost cost = *api;
	char name[32], about[80];

	depth = requests;
	block = of_each;
	if (block == 1) {
		snprintf(name, sizeof(name), "%s-%u", api->name, depth);
		snprintf(about, sizeof(about), "%s, %u at a time", api->about, depth);
	} else {
		snprintf(name, sizeof(name), "%s-%ux%u", api->name, depth, block);
		snprintf(about, sizeof(about), "%s, %u at a time, of %u each", api->about, depth,
			 block);
	}
	cost.name = name;
	cost.about = about;
	cost.parts = depth * block;
	if (!cost.batch && cost.parts > 1)
		cost.batch = CALLS;
	bench_cost(&cost);
}

void bench_async(void)
{
	static const struct bench_cost libaio = {
		.name = "libaio",
		.about = "libaio: a record",
		.begin = begin_libaio,
		.prepare = prepare,
		.run = run_libaio,
		.end = end_libaio,
	};
	static const struct bench_cost nop = {
		.name = "uring-nop",
		.about = "io_uring: a request that does nothing",
		.begin = begin_uring,
		.run = run_nop,
		.end = end_uring,
	};
	static const struct bench_cost read = {
		.name = "uring",
		.about = "io_uring: a record",
		.begin = begin_uring,
		.prepare = prepare,
		.run = run_uring,
		.end = end_uring,
	};
	static const struct bench_cost multishot = {
		.name = "multishot",
		.about = "io_uring, multishot: a record",
		.batch = 1,		/* one wake-up gives all that is there */
		.begin = begin_multishot,
		.prepare = prepare_multishot,
		.run = run_multishot,
		.end = end_multishot,
	};
	static const struct bench_cost command = {
		.name = "uring-cmd",
		.about = "io_uring, URING_WAIT: a command",
		.begin = begin_uring_cmd,
		.run = run_uring_cmd,
		.end = end_uring,
	};

	bench_title("async: records that are there, by libaio and io_uring", "eventfd", "pipe");
	measure(&libaio, 1, 1);
	measure(&libaio, DEPTH, 1);
	measure(&nop, 1, 1);
	measure(&nop, DEPTH, 1);
	measure(&command, 1, 1);
	measure(&command, DEPTH, 1);
	measure(&read, 1, 1);
	measure(&read, DEPTH, 1);
	measure(&read, 1, BLOCK);
	measure(&multishot, 1, 1);
	measure(&multishot, DEPTH, 1);
	measure(&multishot, 1, BLOCK);
	measure(&multishot, 8, BLOCK);
}
