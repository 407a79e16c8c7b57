// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring: two rings that the program shares with the kernel
 *
 * One call hands over a chain of reads, each of which begins when the one
 * before has ended; the completions appear in memory, and taking them from
 * there costs nothing.
 */
#include <err.h>
#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "async.h"

/* Not on the stack: a read that Ctrl-C leaves in flight may still arrive. */
static struct iodemo_record records[IODEMO_BATCH];

void async_uring_init(struct iodemo_run *run, struct io_uring *ring, unsigned int flags)
{
	int ret = io_uring_queue_init(IODEMO_BATCH, ring, flags);

	if (ret < 0)
		iodemo_unavailable(run, strerror(-ret),
				   "See sysctl kernel.io_uring_disabled, or use --api libaio");
}

void async_uring_submit(struct iodemo_run *run, struct io_uring *ring)
{
	__u64 begin = iodemo_now();
	int ret = io_uring_submit(ring);

	if (ret < 0)
		errx(1, "io_uring_submit: %s", strerror(-ret));
	run->calls++;
	iodemo_submitted(run, begin);
}

static void prepare_chain(struct io_uring *ring, struct iodemo_file *file, unsigned int count)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < count; i++) {
		sqe = io_uring_get_sqe(ring);
		io_uring_prep_read(sqe, file->fd, &records[i], sizeof(records[i]), -1);
		io_uring_sqe_set_data(sqe, &records[i]);
		sqe->flags |= i < count - 1 ? IOSQE_IO_LINK : 0;
	}
}

void async_io_uring(struct iodemo_run *run)
{
	struct iodemo_file *file = run->file;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	unsigned int pending = 0;

	async_uring_init(run, &ring, 0);
	iodemo_start(run);
	while (!iodemo_over(run)) {
		if (!pending) {
			pending = iodemo_room(run, sizeof(records)) / sizeof(records[0]);
			prepare_chain(&ring, file, pending);
			async_uring_submit(run, &ring);
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
