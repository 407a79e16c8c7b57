// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor: system calls that do next to nothing, which no device can undercut
 */
#include <err.h>
#include <fcntl.h>
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
		},
		{ }
	};

	bench_title("floor: what nothing can go below", NULL, NULL);
	bench_costs(costs);
}
