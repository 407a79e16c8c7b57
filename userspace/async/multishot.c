// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring's multishot read: handed over once, completed with each record
 *
 * The program gives a heap of buffers instead of one; the kernel takes the next
 * when a record comes, and the completion says which. A buffer is given back
 * through memory too, so from the second record on there is no system call.
 */
#include <err.h>
#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/mman.h>

#include "async.h"

#define GROUP	0

/* IORING_OP_READ_MULTISHOT: since Linux 6.7, and liburing 2.6 */
#define READ_MULTISHOT	49

/* Not on the stack: a read that Ctrl-C leaves in flight may still arrive. */
static struct iodemo_record records[IODEMO_BATCH];

static void check_available(struct iodemo_run *run, struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);

	if (!probe || !io_uring_opcode_supported(probe, READ_MULTISHOT))
		iodemo_unavailable(run, "multishot reads came with Linux 6.7",
				   "--api io_uring is the next best");
	io_uring_free_probe(probe);
}

static void give(struct io_uring_buf_ring *buffers, unsigned int i)
{
	io_uring_buf_ring_add(buffers, &records[i], sizeof(records[i]), i,
			      io_uring_buf_ring_mask(IODEMO_BATCH), 0);
	io_uring_buf_ring_advance(buffers, 1);
}

static struct io_uring_buf_ring *give_all(struct io_uring *ring)
{
	struct io_uring_buf_ring *buffers;
	struct io_uring_buf_reg reg = { .ring_entries = IODEMO_BATCH, .bgid = GROUP };
	unsigned int i;
	int ret;

	buffers = mmap(NULL, IODEMO_BATCH * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffers == MAP_FAILED)
		err(1, "mmap");
	reg.ring_addr = (unsigned long)buffers;
	ret = io_uring_register_buf_ring(ring, &reg, 0);
	if (ret < 0)
		errx(1, "io_uring_register_buf_ring: %s", strerror(-ret));
	io_uring_buf_ring_init(buffers);
	for (i = 0; i < IODEMO_BATCH; i++)
		give(buffers, i);
	return buffers;
}

static void prepare(struct io_uring *ring, struct iodemo_file *file)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_rw(READ_MULTISHOT, sqe, file->fd, NULL, 0, -1);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
}

void async_multishot(struct iodemo_run *run)
{
	struct iodemo_file *file = run->file;
	struct io_uring_buf_ring *buffers;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	bool armed = false;

	async_uring_init(run, &ring, 0);
	check_available(run, &ring);
	buffers = give_all(&ring);

	iodemo_start(run);
	while (!iodemo_over(run)) {
		unsigned int i;

		if (!armed) {
			prepare(&ring, file);
			async_uring_submit(run, &ring);
			armed = true;
		}
		if (!io_uring_cq_ready(&ring)) {
			iodemo_work(run);
			continue;
		}
		io_uring_peek_cqe(&ring, &cqe);
		i = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
		errno = cqe->res < 0 ? -cqe->res : 0;
		/* A burst can be of more records than there are buffers. */
		if (cqe->res != -ENOBUFS)
			iodemo_take(run, file, &records[i], cqe->res);
		if (cqe->flags & IORING_CQE_F_BUFFER)
			give(buffers, i);
		armed = cqe->flags & IORING_CQE_F_MORE;
		io_uring_cqe_seen(&ring, cqe);
	}
	iodemo_stop(run);
	io_uring_queue_exit(&ring);
}
