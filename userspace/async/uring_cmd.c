// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring's command of the device's own: to be told, and nothing copied
 *
 * IODEMO_URING_WAIT completes when there is something to read and takes none of
 * it. Which record came, and when, stands in the completion, which has 16 more
 * bytes for that (IORING_SETUP_CQE32). The records are used where the device
 * has put them, in its ring, which is mapped.
 *
 * Linux before 6.7 can't cancel such a command, so there the device doesn't let
 * one wait.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <liburing.h>
#include <string.h>

#include "async.h"

static void check_available(struct iodemo_run *run, struct iodemo_file *file)
{
	struct iodemo_info info;

	iodemo_ioctl(file->fd, file->path, IODEMO_GET_INFO, &info, "GET_INFO");
	if (!(info.flags & IODEMO_INFO_URING_WAIT))
		iodemo_unavailable(run, "commands that can wait came with Linux 6.7",
				   "--api io_uring is the next best");
}

static void prepare_wait(struct io_uring *ring, struct iodemo_file *file)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, file->fd, NULL, 0, 0);
	sqe->cmd_op = IODEMO_URING_WAIT;
}

/* The completion tells of the next record, unless that was overwritten since. */
static void check(struct iodemo_run *run, struct iodemo_ring *mapped,
		  const struct io_uring_cqe *cqe)
{
	const struct iodemo_record *next = iodemo_ring_peek(mapped);
	struct iodemo_record record;

	if (next && iodemo_ring_copy(mapped, mapped->peeked, &record) &&
	    (record.seq & INT_MAX) == (__u32)cqe->res && record.timestamp != cqe->big_cqe[0])
		run->corrupt++;
}

void async_uring_cmd(struct iodemo_run *run)
{
	struct iodemo_file *file = run->file;
	struct iodemo_ring mapped;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	bool waiting = false;

	check_available(run, file);
	if (iodemo_ring_map(&mapped, file->fd))
		err(1, "%s: can't map the ring", file->path);
	async_uring_init(run, &ring, IORING_SETUP_CQE32);

	iodemo_start(run);
	while (!iodemo_over(run)) {
		if (!waiting) {
			prepare_wait(&ring, file);
			async_uring_submit(run, &ring);
			waiting = true;
		}
		if (!io_uring_cq_ready(&ring)) {
			iodemo_work(run);
			continue;
		}
		io_uring_peek_cqe(&ring, &cqe);
		if (cqe->res >= 0) {
			check(run, &mapped, cqe);
			iodemo_take_mapped(run, file, &mapped);
		} else if (cqe->res == -ENODEV) {
			iodemo_take_unplugged(run, file);
		} else {
			errx(1, "%s: URING_WAIT: %s", file->path, strerror(-cqe->res));
		}
		io_uring_cqe_seen(&ring, cqe);
		waiting = false;
	}
	iodemo_stop(run);
	io_uring_queue_exit(&ring);
	iodemo_ring_unmap(&mapped);
}
