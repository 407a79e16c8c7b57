// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 5, asynchronous I/O
 *
 *	wait	nobody sleeps: the reads are handed over, the program works
 *	copy	not the program: when it is told, the record is in its memory
 *
 * What to see: as much other work as with signals, for next to no system calls.
 *
 * io_uring: one call hands over a chain of reads, each of which begins when the
 * one before has ended; the completions appear in memory that the kernel shares
 * with the program, and looking there costs nothing.
 *
 * posix: glibc has a hidden thread do blocking reads. To its caller this is
 * asynchronous; the voluntary context switches show who sleeps.
 */
#include <aio.h>
#include <err.h>
#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

#include "libiodemo.h"

/* Not on the stack: a read that Ctrl-C leaves in flight may still arrive. */
static struct iodemo_record records[IODEMO_BATCH];

/*
 * What glibc does for one aio_read(), as `strace -f` shows: futex() to wake its
 * thread, which does pread(), gets ESPIPE, does read(), and waits in futex().
 */
#define HIDDEN_CALLS	4

static void submit_chain(struct io_uring *ring, struct iodemo_file *file, unsigned int count)
{
	struct io_uring_sqe *sqe;
	unsigned int i;
	int ret;

	for (i = 0; i < count; i++) {
		sqe = io_uring_get_sqe(ring);
		io_uring_prep_read(sqe, file->fd, &records[i], sizeof(records[i]), -1);
		io_uring_sqe_set_data(sqe, &records[i]);
		sqe->flags |= i < count - 1 ? IOSQE_IO_LINK : 0;
	}
	ret = io_uring_submit(ring);
	if (ret < 0)
		errx(1, "io_uring_submit: %s", strerror(-ret));
}

static void loop_io_uring(struct iodemo_run *run)
{
	struct iodemo_file *file = run->file;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	unsigned int pending = 0;
	int ret;

	ret = io_uring_queue_init(IODEMO_BATCH, &ring, 0);
	if (ret < 0)
		errx(1, "io_uring_queue_init: %s", strerror(-ret));

	iodemo_start(run);
	while (!iodemo_over(run)) {
		if (!pending) {
			pending = iodemo_room(run, sizeof(records)) / sizeof(records[0]);
			submit_chain(&ring, file, pending);
			run->calls++;
		}
		if (!io_uring_cq_ready(&ring)) {
			iodemo_work(run);
			continue;
		}
		io_uring_peek_cqe(&ring, &cqe);
		errno = cqe->res < 0 ? -cqe->res : 0;
		iodemo_take(run, file, io_uring_cqe_get_data(cqe), cqe->res);
		io_uring_cqe_seen(&ring, cqe);
		pending--;
	}
	iodemo_stop(run);
	io_uring_queue_exit(&ring);
}

static void loop_posix(struct iodemo_run *run)
{
	static struct aiocb request;
	struct iodemo_file *file = run->file;
	ssize_t bytes;

	iodemo_start(run);
	while (!iodemo_over(run)) {
		request = (struct aiocb){
			.aio_fildes = file->fd,
			.aio_buf = records,
			.aio_nbytes = iodemo_room(run, sizeof(records)),
			.aio_sigevent.sigev_notify = SIGEV_NONE,
		};
		if (aio_read(&request))
			err(1, "%s: aio_read", file->path);
		while (aio_error(&request) == EINPROGRESS && !iodemo_stopped)
			iodemo_work(run);
		if (iodemo_stopped)
			break;
		errno = aio_error(&request);
		bytes = aio_return(&request);
		run->calls += HIDDEN_CALLS;
		iodemo_take(run, file, records, bytes);
	}
	iodemo_stop(run);
}

static const struct iodemo_api apis[] = {
	{ "io_uring", loop_io_uring },
	{ "posix", loop_posix },
	{ }
};

int main(int argc, char **argv)
{
	struct iodemo_run run = {
		.model = "async",
		.about = "works until a record is in its memory; others have copied it there.",
		.apis = apis,
	};

	iodemo_options(&run, argc, argv);
	iodemo_open_files(&run, 0);
	run.api->loop(&run);
	return iodemo_end(&run);
}
