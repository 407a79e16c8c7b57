// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor: system calls that do next to nothing, which no device can undercut
 */
#include <err.h>
#include <fcntl.h>
#include <libaio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench.h"

static __u8 bytes[64 * sizeof(struct iodemo_record)];

static void run_getpid(unsigned int batch)
{
	while (batch--)
		syscall(SYS_getpid);
}

static void open_file(const char *path, size_t size, ssize_t result)
{
	bench_io = (struct bench_io){
		.fd = open(path, O_RDONLY | O_CLOEXEC),
		.data = bytes,
		.size = size,
		.result = result,
	};
	if (bench_io.fd < 0)
		err(1, "%s", path);
}

static const char *begin_null(void)
{
	open_file("/dev/null", 64, 0);
	return NULL;
}

/* The call, not the file, says that it doesn't want to sleep. */
static void run_null_rwf(unsigned int batch)
{
	struct iovec iovec = { .iov_base = bytes, .iov_len = bench_io.size };

	while (batch--)
		if (preadv2(bench_io.fd, &iovec, 1, -1, RWF_NOWAIT))
			bench_wrong();
}

static const char *begin_zero(void)
{
	open_file("/dev/zero", 64, 64);
	return NULL;
}

static const char *begin_zero_64(void)
{
	open_file("/dev/zero", sizeof(bytes), sizeof(bytes));
	return NULL;
}

static void end(void)
{
	close(bench_io.fd);
}

/* What kernel AIO itself takes, for a file that does nothing */

#define REQUESTS	64
#define SUBMITS		16	/* in a batch */

static io_context_t context;

static const char *begin_null_libaio(void)
{
	int ret;

	context = NULL;
	ret = io_setup(REQUESTS, &context);
	if (ret < 0)
		return bench_cannot("io_setup", -ret);
	return begin_null();
}

static void run_null_libaio(unsigned int batch)
{
	struct iocb requests[REQUESTS], *list[REQUESTS];
	struct io_event events[REQUESTS];
	int i;

	for (i = 0; i < REQUESTS; i++) {
		list[i] = &requests[i];
		io_prep_pread(list[i], bench_io.fd, bytes, bench_io.size, 0);
	}
	while (batch--)
		if (io_submit(context, REQUESTS, list) != REQUESTS ||
		    io_getevents(context, REQUESTS, REQUESTS, events, NULL) != REQUESTS)
			bench_wrong();
}

static void end_null_libaio(void)
{
	io_destroy(context);
	end();
}

void bench_floor(void)
{
	static const struct bench_cost costs[] = {
		{
			.name = "getpid",
			.about = "getpid: a system call",
			.run = run_getpid,
		}, {
			.name = "null",
			.about = "/dev/null: read, which gives nothing",
			.begin = begin_null,
			.run = bench_io_read,
			.end = end,
		}, {
			.name = "null-rwf",
			.about = "/dev/null: preadv2 with RWF_NOWAIT",
			.begin = begin_null,
			.run = run_null_rwf,
			.end = end,
		}, {
			.name = "zero",
			.about = "/dev/zero: read of 64 bytes",
			.begin = begin_zero,
			.run = bench_io_read,
			.end = end,
		}, {
			.name = "zero-64",
			.about = "/dev/zero: 64 bytes of a read of 4096",
			.parts = 64,
			.begin = begin_zero_64,
			.run = bench_io_read,
			.end = end,
		}, {
			.name = "null-libaio-64",
			.about = "/dev/null: a read by libaio, 64 at a time",
			.parts = REQUESTS,
			.batch = SUBMITS,
			.begin = begin_null_libaio,
			.run = run_null_libaio,
			.end = end_null_libaio,
		},
		{ }
	};

	bench_title("floor: what nothing can go below", NULL, NULL);
	bench_costs(costs);
}
