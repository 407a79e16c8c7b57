// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of io_uring share; see iodemo_uring.h.
 */
#include "iodemo_uring.h"

#include <stddef.h>

/* Submissions */

struct io_uring_sqe *prepare_read(struct io_uring *ring, int fd, struct iodemo_record *record,
				  __u64 name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_read(sqe, fd, record, RECORD, -1);
	io_uring_sqe_set_data64(sqe, name);
	return sqe;
}

void *payload(struct io_uring_sqe *sqe)
{
	return (char *)sqe + offsetof(struct io_uring_sqe, cmd);
}

struct io_uring_sqe *prepare_command(struct io_uring *ring, int fd, __u32 op, __u64 name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = op;
	io_uring_sqe_set_data64(sqe, name);
	return sqe;
}

struct io_uring_sqe *prepare_wait(struct io_uring *ring, int fd, __u64 name)
{
	return prepare_command(ring, fd, IODEMO_URING_WAIT, name);
}

struct io_uring_sqe *prepare_trigger(struct io_uring *ring, int fd, __u32 count, __u64 name)
{
	struct io_uring_sqe *sqe = prepare_command(ring, fd, IODEMO_URING_TRIGGER, name);
	struct iodemo_uring_trigger trigger = { .count = count };

	memcpy(payload(sqe), &trigger, sizeof(trigger));
	return sqe;
}

static void prepare_buffers(struct io_uring *ring, struct iodemo_record *records, int count,
			    __u64 name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_provide_buffers(sqe, records, RECORD, count, 1, 0);
	io_uring_sqe_set_data64(sqe, name);
}

static void prepare_multishot(struct io_uring *ring, int fd, __u64 name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_rw(READ_MULTISHOT, sqe, fd, NULL, 0, -1);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = 1;
	io_uring_sqe_set_data64(sqe, name);
}

long begin_multishot(struct io_uring *ring, int fd, struct iodemo_record *records, int count)
{
	long ret;

	prepare_buffers(ring, records, count, 1);
	if (io_uring_submit(ring) != 1)
		return -EIO;
	ret = next_result(ring);
	if (ret < 0)
		return ret;
	prepare_multishot(ring, fd, 2);
	return io_uring_submit(ring) == 1 ? 0 : -EIO;
}

void submit_to_thread(struct io_uring *ring)
{
	do {
		io_uring_submit(ring);
		sched_yield();
	} while (io_uring_sq_ready(ring));
}

/* Completions */

struct completion take(struct io_uring *ring, struct io_uring_cqe *cqe)
{
	struct completion c = {
		.name = io_uring_cqe_get_data64(cqe),
		.res = cqe->res,
		.flags = cqe->flags,
	};

	if (ring->flags & IORING_SETUP_CQE32)
		c.timestamp = cqe->big_cqe[0];
	io_uring_cqe_seen(ring, cqe);
	return c;
}

struct completion wait_for(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	long ret = io_uring_wait_cqe(ring, &cqe);

	if (ret)
		return (struct completion){ .ret = ret, .res = ret };
	return take(ring, cqe);
}

long next_result(struct io_uring *ring)
{
	return wait_for(ring).res;
}

bool nothing_complete(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	io_uring_get_events(ring);
	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

void wait_for_two(struct io_uring *ring, long res[2])
{
	int i;

	res[0] = -EBADMSG;
	res[1] = -EBADMSG;
	for (i = 0; i < 2; i++) {
		struct completion c = wait_for(ring);

		if (!c.ret)
			res[c.name & 1] = c.res;
	}
}

/* Dying */

struct io_uring dying_ring;
struct iodemo_record *dying_records;

int begin_ring(unsigned int entries, unsigned int flags)
{
	long err = io_uring_queue_init(entries, &dying_ring, flags);

	dying_records = calloc(entries, RECORD);
	return err ? err : open_raw(0, O_RDWR);
}

long submit_all(long count)
{
	long ret = io_uring_submit(&dying_ring);

	return ret == count ? 0 : ret < 0 ? ret : -EAGAIN;
}
