// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: chaos with kernel AIO and io_uring
 *
 * AIO contexts are the process's, so one thread destroys what another one
 * submits to. A ring is a thread's, since liburing is no more than that.
 */
#include "stress.h"

#include <linux/aio_abi.h>
#include <poll.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

/* Kernel AIO, by system calls: libaio would look into a context that is gone */

#define CONTEXTS	2
#define IOCBS		16

static atomic_ulong contexts[CONTEXTS];
static __thread struct iocb iocbs[IOCBS];
static __thread struct iovec vector[4];

static void put_context(struct actor *a, aio_context_t context)
{
	aio_context_t old = atomic_exchange(&contexts[pick(a, CONTEXTS)], context);

	if (old)
		gave(a, syscall(SYS_io_destroy, old));
}

void op_aio_setup(struct actor *a)
{
	aio_context_t context = 0;

	gave(a, syscall(SYS_io_setup, 1 + pick(a, one_in(a, 10) ? 5000 : 64), &context));
	if (context)
		put_context(a, context);
}

void op_aio_bad(struct actor *a)
{
	struct piece piece = some_memory(a);
	aio_context_t context = PICK(a, (aio_context_t)0, contexts[0], (aio_context_t)~0UL);
	struct iocb *some[] = { &iocbs[pick(a, IOCBS)], piece.start };

	gave(a, syscall(SYS_io_setup, pick(a, 2) ? 0U : ~0U, piece.start));
	gave(a, syscall(SYS_io_submit, context, 2, some));
	gave(a, syscall(SYS_io_submit, contexts[0], 3, piece.start));
	gave(a, syscall(SYS_io_getevents, contexts[0], 0L, 8L, piece.start, piece.start));
}

static void submit(struct actor *a, int opcode, int vector_opcode)
{
	int i, count = 1 + pick(a, 8), event = one_in(a, 8) ? eventfd(0, EFD_CLOEXEC) : -1;
	struct iocb *list[8];
	long submitted;

	for (i = 0; i < count; i++) {
		struct iocb *iocb = list[i] = &iocbs[pick(a, IOCBS)];
		struct piece piece = some_memory(a);

		*iocb = (struct iocb){
			.aio_data = a->op,
			.aio_fildes = some_file(a),
			.aio_lio_opcode = opcode,
			.aio_buf = (unsigned long)piece.start,
			.aio_nbytes = piece.size,
			.aio_rw_flags = one_in(a, 10) ? RWF_NOWAIT : 0,
			.aio_flags = event >= 0 ? IOCB_FLAG_RESFD : 0,
			.aio_resfd = event,
		};
		if (opcode == IOCB_CMD_POLL) {
			iocb->aio_buf = PICK(a, POLLIN, POLLOUT, POLLPRI, POLLIN | POLLOUT);
			iocb->aio_nbytes = 0;
			iocb->aio_rw_flags = 0;
		} else if (one_in(a, 4)) {
			vector[i % 4] = (struct iovec){ piece.start, piece.size };
			iocb->aio_lio_opcode = vector_opcode;
			iocb->aio_buf = (unsigned long)vector;
			iocb->aio_nbytes = 1 + pick(a, 4);
		}
	}
	submitted = syscall(SYS_io_submit, contexts[pick(a, CONTEXTS)], (long)count, list);
	if (submitted < 0)
		gave(a, submitted);
	if (event >= 0)
		close(event);
}

void op_aio_read(struct actor *a)
{
	submit(a, IOCB_CMD_PREAD, IOCB_CMD_PREADV);
}

void op_aio_write(struct actor *a)
{
	submit(a, IOCB_CMD_PWRITE, IOCB_CMD_PWRITEV);
}

void op_aio_poll(struct actor *a)
{
	submit(a, IOCB_CMD_POLL, IOCB_CMD_POLL);
}

void op_aio_events(struct actor *a)
{
	struct timespec timeout = { .tv_nsec = 1000000 * pick(a, 5) };
	struct io_event events[16];
	int i;

	i = gave(a, syscall(SYS_io_getevents, contexts[pick(a, CONTEXTS)], (long)pick(a, 4), 16L,
			    events, &timeout));
	while (i-- > 0)
		if (events[i].data < OPS)
			came(events[i].data, events[i].res);
}

/* What was submitted some time ago, or just for this, and waits if nothing is there */
void op_aio_cancel(struct actor *a)
{
	aio_context_t context = contexts[pick(a, CONTEXTS)];
	struct iocb *iocb = &iocbs[pick(a, IOCBS)];
	struct piece piece = some_memory(a);
	struct io_event event;
	long res;

	if (one_in(a, 2)) {
		*iocb = (struct iocb){
			.aio_data = OP_aio_read,
			.aio_fildes = some_file(a),
			.aio_lio_opcode = IOCB_CMD_PREAD,
			.aio_buf = (unsigned long)piece.start,
			.aio_nbytes = piece.size,
		};
		if (one_in(a, 2)) {
			iocb->aio_data = OP_aio_poll;
			iocb->aio_lio_opcode = IOCB_CMD_POLL;
			iocb->aio_buf = POLLPRI;
			iocb->aio_nbytes = 0;
		}
		syscall(SYS_io_submit, context, 1L, &iocb);
	}
	/* EINPROGRESS: cancelled, and the event is with the others */
	res = result(syscall(SYS_io_cancel, context, iocb, &event));
	came(a->op, res == -EINPROGRESS ? 0 : res);
}

void op_aio_destroy(struct actor *a)
{
	put_context(a, 0);
}

#ifdef HAVE_LIBURING

#include <liburing.h>

/* Newer than some liburing.h */
#define READ_MULTISHOT	49

#define ENTRIES		32
#define FIXED		8
#define NAMES		8	/* of one operation's submissions */
#define BUFFERS		32

static __thread struct io_uring ring;
static __thread bool made;
static __thread char buffers[BUFFERS][256];

/* A child has the file, but the memory behind it is its parent's thread's. */
void forget_ring(struct actor *a)
{
	made = false;
}

void op_uring_close(struct actor *a)
{
	if (!made)
		return;
	io_uring_queue_exit(&ring);
	made = false;
	if (a->op == OP_uring_close)
		gave(a, 0);
}

void op_uring_setup(struct actor *a)
{
	struct io_uring_params params = {
		.flags = PICK(a, 0U, 0U, 0U, IORING_SETUP_SQPOLL, IORING_SETUP_IOPOLL,
			      IORING_SETUP_IOPOLL | IORING_SETUP_SQPOLL, IORING_SETUP_COOP_TASKRUN,
			      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN),
		.sq_thread_idle = 1 + pick(a, 20),
	};
	int ret;

	params.flags |= PICK(a, 0U, 0U, 0U, IORING_SETUP_CQE32, IORING_SETUP_SQE128,
			     IORING_SETUP_CQE32 | IORING_SETUP_SQE128);
	op_uring_close(a);
	ret = io_uring_queue_init_params(ENTRIES, &ring, &params);
	made = !ret;
	if (a->op == OP_uring_setup)
		came(a->op, ret);
}

/* A submission of some file, with flags that no operation minds; NULL: no ring */
static struct io_uring_sqe *prepare(struct actor *a, int opcode, void *start, size_t size)
{
	struct io_uring_sqe *sqe;
	int fd = some_file(a);

	if (!made)
		op_uring_setup(a);
	if (!made)
		return NULL;
	sqe = io_uring_get_sqe(&ring);
	if (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	if (!sqe)
		return NULL;
	io_uring_prep_rw(opcode, sqe, fd, start, size, -1);
	io_uring_sqe_set_data64(sqe, a->op * NAMES + pick(a, NAMES));
	sqe->flags |= PICK(a, 0U, 0U, 0U, 0U, 0U, 0U, IOSQE_ASYNC, IOSQE_IO_LINK, IOSQE_IO_DRAIN,
			   IOSQE_FIXED_FILE, IOSQE_CQE_SKIP_SUCCESS);
	if (sqe->flags & IOSQE_FIXED_FILE)
		sqe->fd = pick(a, FIXED);
	return sqe;
}

/* Several at once, or only put beside those that others will submit */
static void submit_some(struct actor *a)
{
	if (made && !one_in(a, 3))
		io_uring_submit(&ring);
}

void op_uring_read(struct actor *a)
{
	struct piece piece = some_memory(a);
	struct io_uring_sqe *sqe = prepare(a, PICK(a, IORING_OP_READ, IORING_OP_READ,
						   IORING_OP_READ_FIXED), piece.start, piece.size);

	if (sqe && one_in(a, 20))
		sqe->rw_flags = RWF_NOWAIT;
	submit_some(a);
}

void op_uring_write(struct actor *a)
{
	struct piece piece = some_memory(a);

	prepare(a, PICK(a, IORING_OP_WRITE, IORING_OP_WRITE, IORING_OP_WRITE_FIXED), piece.start,
		piece.size);
	submit_some(a);
}

void op_uring_poll(struct actor *a)
{
	struct io_uring_sqe *sqe = prepare(a, IORING_OP_POLL_ADD, NULL, one_in(a, 2) ?
					   IORING_POLL_ADD_MULTI : 0);

	if (sqe) {
		sqe->off = 0;
		sqe->poll32_events = PICK(a, POLLIN, POLLOUT, POLLPRI, POLLIN | POLLOUT | POLLHUP);
	}
	submit_some(a);
}

void op_uring_multishot(struct actor *a)
{
	struct io_uring_sqe *sqe = prepare(a, IORING_OP_PROVIDE_BUFFERS, buffers,
					   PICK(a, 64, 256, 10));

	if (sqe) {
		sqe->fd = 1 + pick(a, BUFFERS);
		sqe->off = 0;
		sqe->buf_group = 1;
		sqe->flags = 0;
	}
	sqe = prepare(a, READ_MULTISHOT, NULL, 0);
	if (sqe) {
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = 1;
	}
	submit_some(a);
}

static void *payload(struct io_uring_sqe *sqe)
{
	return (char *)sqe + offsetof(struct io_uring_sqe, cmd);
}

static struct io_uring_sqe *prepare_command(struct actor *a, __u32 op, const void *data,
					    size_t size)
{
	struct io_uring_sqe *sqe = prepare(a, IORING_OP_URING_CMD, NULL, 0);

	if (!sqe)
		return NULL;
	sqe->off = 0;
	sqe->cmd_op = op;
	memset(payload(sqe), 0, ring.flags & IORING_SETUP_SQE128 ? 80 : 16);
	memcpy(payload(sqe), data, size);
	return sqe;
}

void op_uring_wait(struct actor *a)
{
	prepare_command(a, IODEMO_URING_WAIT, NULL, 0);
	submit_some(a);
}

void op_uring_trigger(struct actor *a)
{
	struct iodemo_uring_trigger trigger = {
		.count = PICK(a, 1U, 1U, 1U, 2U, 3U, 4U, 64U, 0U, IODEMO_URING_TRIGGER_MAX, ~0U),
	};

	prepare_command(a, IODEMO_URING_TRIGGER, &trigger, sizeof(trigger));
	submit_some(a);
}

void op_uring_bad(struct actor *a)
{
	__u64 noise[2] = { roll(&a->dice), one_in(a, 2) ? 0 : roll(&a->dice) };

	if (one_in(a, 2))
		prepare_command(a, pick(a, 4), noise, sizeof(noise));
	else
		prepare(a, pick(a, 64), (void *)noise[1], pick(a, 4096));
	submit_some(a);
}

void op_uring_cancel(struct actor *a)
{
	struct io_uring_sqe *sqe = prepare(a, IORING_OP_ASYNC_CANCEL, NULL, 0);

	if (sqe) {
		sqe->off = 0;
		sqe->addr = NAMES * PICK(a, OP_uring_read, OP_uring_write, OP_uring_poll,
					 OP_uring_multishot, OP_uring_wait) + pick(a, NAMES);
		sqe->flags = 0;
		sqe->cancel_flags = PICK(a, 0U, IORING_ASYNC_CANCEL_FD, IORING_ASYNC_CANCEL_ANY,
					 IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
					 IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL);
	}
	submit_some(a);
}

void op_uring_events(struct actor *a)
{
	struct __kernel_timespec timeout = { .tv_nsec = 1000000 * pick(a, 5) };
	struct io_uring_cqe *cqe;

	if (!made)
		return;
	io_uring_submit(&ring);
	/* In a polled ring this waits, whatever the time, for what is pending */
	if (one_in(a, ring.flags & IORING_SETUP_IOPOLL ? 10 : 2))
		io_uring_wait_cqe_timeout(&ring, &cqe, &timeout);
	else
		io_uring_get_events(&ring);
	while (!io_uring_peek_cqe(&ring, &cqe)) {
		if (cqe->user_data / NAMES < OPS)
			came(cqe->user_data / NAMES, cqe->res);
		gave(a, 0);
		io_uring_cqe_seen(&ring, cqe);
	}
}

void op_uring_register(struct actor *a)
{
	struct piece piece = some_memory(a);
	struct iovec iov = { piece.start, piece.size };
	int i, fds[FIXED];

	if (!made)
		return;
	for (i = 0; i < FIXED; i++)
		fds[i] = some_file(a);
	switch (pick(a, 4)) {
	case 0:
		gave(a, io_uring_register_files(&ring, fds, FIXED));
		break;
	case 1:
		gave(a, io_uring_unregister_files(&ring));
		break;
	case 2:
		gave(a, io_uring_register_buffers(&ring, &iov, 1));
		break;
	case 3:
		gave(a, io_uring_unregister_buffers(&ring));
		break;
	}
}

#else /* !HAVE_LIBURING: these are not there, and so not done */

void forget_ring(struct actor *a)
{
}

#endif /* HAVE_LIBURING */
