// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one would use instead of a device to be told of events, or to get records
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bench.h"

#define RECORD		64			/* bytes */
#define BLOCK		(64 * RECORD)
#define BLOCKS		16			/* as many fit into a pipe */

static char bytes[BLOCK];

/* The end that fills what bench_io.fd reads. */
static int filler;

/* For what can be read only once. */
static int files[BENCH_BATCH];

/* What is read, and how much of it at once. */
static void set_reader(int fd, size_t size, ssize_t result)
{
	bench_io = (struct bench_io){
		.fd = fd,
		.data = bytes,
		.size = size,
		.result = result,
	};
}

static void fill(unsigned int count, size_t size)
{
	while (count--)
		if (write(filler, bytes, size) != (ssize_t)size)
			bench_wrong();
}

static void prepare_records(unsigned int batch)
{
	fill(batch, RECORD);
}

static void prepare_blocks(unsigned int batch)
{
	fill(batch, BLOCK);
}

static void end_pair(void)
{
	close(bench_io.fd);
	close(filler);
}

/* eventfd ----------------------------------------------------------------- */

static const char *begin_eventfd(void)
{
	filler = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
	if (filler < 0)
		return bench_cannot("eventfd", errno);
	set_reader(filler, sizeof(__u64), sizeof(__u64));
	return NULL;
}

static const char *begin_eventfd_eagain(void)
{
	const char *reason = begin_eventfd();

	bench_io.result = -1;
	return reason;
}

static void prepare_eventfd(unsigned int batch)
{
	if (eventfd_write(filler, batch))
		bench_wrong();
}

static void end_eventfd(void)
{
	close(filler);
}

/* Pipes and sockets ------------------------------------------------------- */

static const char *begin_pipe(void)
{
	int ends[2];

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC))
		return bench_cannot("pipe", errno);
	filler = ends[1];
	set_reader(ends[0], RECORD, RECORD);
	return NULL;
}

static const char *begin_pipe_blocks(void)
{
	const char *reason = begin_pipe();

	if (reason)
		return reason;
	set_reader(bench_io.fd, BLOCK, BLOCK);
	if (fcntl(filler, F_SETPIPE_SZ, BLOCKS * BLOCK) >= 0)
		return NULL;
	reason = bench_cannot("F_SETPIPE_SZ", errno);
	end_pair();
	return reason;
}

static const char *begin_pipe_eagain(void)
{
	const char *reason = begin_pipe();

	bench_io.result = -1;
	return reason;
}

/* Here it is the reader who is at the other end. */
static const char *begin_pipe_write(void)
{
	const char *reason = begin_pipe();
	int reader = bench_io.fd;

	bench_io.fd = filler;
	filler = reader;
	return reason;
}

static void prepare_pipe_write(unsigned int batch)
{
	(void)batch;
	while (read(filler, bytes, sizeof(bytes)) > 0)
		;
}

static const char *begin_pipe_poll(void)
{
	const char *reason = begin_pipe();

	bench_io.result = 0;
	return reason;
}

static const char *begin_pipe_poll_ready(void)
{
	const char *reason = begin_pipe();

	bench_io.result = 1;
	if (!reason)
		fill(1, RECORD);
	return reason;
}

/* One descriptor for both ends. */
static int open_fifo(void)
{
	const char *folder = getenv("TMPDIR") ?: "/tmp";
	char path[4096];
	int fd = -1;

	snprintf(path, sizeof(path) - 8, "%s/iodemo-bench.XXXXXX", folder);
	if (!mkdtemp(path))
		return -1;
	strcat(path, "/fifo");
	if (!mkfifo(path, 0600)) {
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		unlink(path);
	}
	*strrchr(path, '/') = '\0';
	rmdir(path);
	return fd;
}

static const char *begin_fifo(void)
{
	int fd = open_fifo();

	if (fd < 0)
		return bench_cannot("a fifo in $TMPDIR or /tmp", errno);
	set_reader(fd, RECORD, RECORD);
	filler = dup(fd);
	return NULL;
}

static const char *begin_socketpair(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends))
		return bench_cannot("socketpair", errno);
	filler = ends[1];
	set_reader(ends[0], RECORD, RECORD);
	return NULL;
}

/* Each read from another descriptor --------------------------------------- */

static void end_files(void)
{
	unsigned int i;

	for (i = 0; i < BENCH_BATCH; i++)
		close(files[i]);
}

static const char *begin_timerfd(void)
{
	unsigned int i;

	for (i = 0; i < BENCH_BATCH; i++) {
		files[i] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
		if (files[i] < 0)
			err(1, "timerfd");
	}
	return NULL;
}

/* Due long ago; still it takes an interrupt until that can be read. */
static void prepare_timerfd(unsigned int batch)
{
	const struct itimerspec past = { .it_value.tv_nsec = 1 };
	struct pollfd pollfd = { .events = POLLIN };
	unsigned int i;

	for (i = 0; i < batch; i++) {
		if (timerfd_settime(files[i], TFD_TIMER_ABSTIME, &past, NULL))
			bench_wrong();
		pollfd.fd = files[i];
		if (poll(&pollfd, 1, -1) != 1)
			bench_wrong();
	}
}

static void run_timerfd(unsigned int batch)
{
	__u64 expirations;
	unsigned int i;

	for (i = 0; i < batch; i++)
		if (read(files[i], &expirations, sizeof(expirations)) != sizeof(expirations))
			bench_wrong();
}

static const char *begin_timerfd_eagain(void)
{
	filler = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (filler < 0)
		return bench_cannot("timerfd", errno);
	set_reader(filler, sizeof(__u64), -1);
	return NULL;
}

static const char *begin_kmsg(void)
{
	const char *reason;
	unsigned int i;

	for (i = 0; i < BENCH_BATCH; i++) {
		files[i] = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (files[i] >= 0)
			continue;
		reason = bench_cannot("/dev/kmsg", errno);
		while (i--)
			close(files[i]);
		return reason;
	}
	return NULL;
}

/* One line for all. How many a file may write in a while is limited, so each has its own. */
static void prepare_kmsg(unsigned int batch)
{
	static const char line[] = "<7>iodemo-bench: a line to read\n";
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	unsigned int i;

	for (i = 0; i < batch; i++)
		if (lseek(files[i], 0, SEEK_END))
			bench_wrong();
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		bench_wrong();
	close(fd);
}

static void run_kmsg(unsigned int batch)
{
	unsigned int i;

	for (i = 0; i < batch; i++)
		if (read(files[i], bytes, sizeof(bytes)) <= 0)
			bench_wrong();
}

void bench_others(void)
{
	static const struct bench_cost costs[] = {
		{
			.name = "eventfd",
			.about = "eventfd: read",
			.begin = begin_eventfd,
			.prepare = prepare_eventfd,
			.run = bench_io_read,
			.end = end_eventfd,
		}, {
			.name = "pipe",
			.about = "pipe: read of 64 bytes",
			.begin = begin_pipe,
			.prepare = prepare_records,
			.run = bench_io_read,
			.end = end_pair,
		}, {
			.name = "pipe-64",
			.about = "pipe: 64 bytes of a read of 4096",
			.parts = 64,
			.batch = BLOCKS,
			.begin = begin_pipe_blocks,
			.prepare = prepare_blocks,
			.run = bench_io_read,
			.end = end_pair,
		}, {
			.name = "fifo",
			.about = "fifo: read of 64 bytes",
			.begin = begin_fifo,
			.prepare = prepare_records,
			.run = bench_io_read,
			.end = end_pair,
		}, {
			.name = "socketpair",
			.about = "socketpair: read of 64 bytes",
			.begin = begin_socketpair,
			.prepare = prepare_records,
			.run = bench_io_read,
			.end = end_pair,
		}, {
			.name = "timerfd",
			.about = "timerfd: read",
			.begin = begin_timerfd,
			.prepare = prepare_timerfd,
			.run = run_timerfd,
			.end = end_files,
		}, {
			.name = "kmsg",
			.about = "/dev/kmsg: read of a short line",
			.begin = begin_kmsg,
			.prepare = prepare_kmsg,
			.run = run_kmsg,
			.end = end_files,
		}, {
			.name = "eventfd-eagain",
			.about = "eventfd: read, EAGAIN",
			.begin = begin_eventfd_eagain,
			.run = bench_io_read,
			.end = end_eventfd,
		}, {
			.name = "pipe-eagain",
			.about = "pipe: read, EAGAIN",
			.begin = begin_pipe_eagain,
			.run = bench_io_read,
			.end = end_pair,
		}, {
			.name = "timerfd-eagain",
			.about = "timerfd: read, EAGAIN",
			.begin = begin_timerfd_eagain,
			.run = bench_io_read,
			.end = end_eventfd,
		}, {
			.name = "pipe-poll",
			.about = "pipe: poll, nothing there",
			.begin = begin_pipe_poll,
			.run = bench_io_poll,
			.end = end_pair,
		}, {
			.name = "pipe-poll-ready",
			.about = "pipe: poll, ready",
			.begin = begin_pipe_poll_ready,
			.run = bench_io_poll,
			.end = end_pair,
		}, {
			.name = "pipe-write",
			.about = "pipe: write of 64 bytes",
			.begin = begin_pipe_write,
			.prepare = prepare_pipe_write,
			.run = bench_io_write,
			.end = end_pair,
		},
		{ }
	};

	bench_title("others: what one would use instead", "eventfd", "pipe");
	bench_costs(costs);
}
