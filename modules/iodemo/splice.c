// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the device into a pipe, and from a pipe into the device
 *
 * Who sleeps with a pipe's lock holds up all who use the pipe, uninterruptibly. So
 * to wait for the device is to unlock the pipe; and then a reader of the pipe may
 * have gone, its room been taken, or what was in it. What the kernel has for any
 * file to read (copy_splice_read()) and to write (iter_file_splice_write()) keeps
 * the lock.
 */

#include <linux/bvec.h>
#include <linux/mm.h>
#include <linux/pipe_fs_i.h>
#include <linux/sched/signal.h>
#include <linux/splice.h>

#include "models.h"
#include "trace.h"

/* Pages that one call fills at most; a pipe has as many to begin with. */
#define PAGES	PIPE_DEF_BUFFERS

static const struct pipe_buf_operations buffer_ops = {
	.release	= generic_pipe_buf_release,
	.try_steal	= generic_pipe_buf_try_steal,
	.get		= generic_pipe_buf_get,
};

/*
 * Who waits looks at an unlocked pipe, whose lock has who changes it, and stores
 * plainly: so these are hints. After each change the kernel wakes who waits, to look
 * again.
 */
#define hint(member)	data_race(READ_ONCE(member))

static unsigned int used(const struct pipe_inode_info *pipe)
{
	return pipe_occupancy(hint(pipe->head), hint(pipe->tail));
}

static bool is_empty(const struct pipe_inode_info *pipe)
{
	return !used(pipe);
}

static unsigned int room(const struct pipe_inode_info *pipe)
{
	unsigned int most = hint(pipe->max_usage), now = used(pipe);

	return now < most ? most - now : 0;
}

/* From the device ---------------------------------------------------------- */

/*
 * Until there is room, and something to read. The pipe is unlocked meanwhile. Who
 * was woken for a record, and then has no room for it, leaves it to the next.
 */
static int wait_to_fill(struct iodemo_client *client, struct pipe_inode_info *pipe)
{
	int err = 0;

	pipe_unlock(pipe);
	if (!room(pipe)) {
		iodemo_client_pass_on(client);
		err = wait_event_interruptible(pipe->wr_wait,
					       room(pipe) || !hint(pipe->readers));
	}
	if (!err && !iodemo_client_readable(client))
		err = iodemo_read_sleep(client);
	pipe_lock(pipe);
	return err;
}

static unsigned int alloc_pages_for(struct page **pages, struct bio_vec *vector, size_t len,
				    unsigned int most)
{
	unsigned int count = 0;

	for (; len && count < most; count++) {
		size_t part = min_t(size_t, len, PAGE_SIZE);

		pages[count] = alloc_page(GFP_USER | __GFP_ACCOUNT);	/* as the pipe's own */
		if (!pages[count])
			break;
		vector[count] = (struct bio_vec){ .bv_page = pages[count], .bv_len = part };
		len -= part;
	}
	return count;
}

static void free_page_of(struct splice_pipe_desc *spd, unsigned int i)
{
	__free_page(spd->pages[i]);
}

/* What is there, as much as the pipe has room for; EAGAIN if that is nothing. */
static ssize_t fill(struct iodemo_client *client, struct pipe_inode_info *pipe, size_t len)
{
	struct page *pages[PAGES];
	struct bio_vec vector[PAGES];
	struct partial_page partial[PAGES];
	struct splice_pipe_desc spd = {
		.pages		= pages,
		.partial	= partial,
		.nr_pages_max	= PAGES,
		.ops		= &buffer_ops,
		.spd_release	= free_page_of,
	};
	unsigned int count;
	struct iov_iter to;
	ssize_t got, left;

	count = alloc_pages_for(pages, vector, len, min_t(unsigned int, room(pipe), PAGES));
	if (!count)
		return room(pipe) ? -ENOMEM : -EAGAIN;
	iov_iter_bvec(&to, ITER_DEST, vector, count,
		      min_t(size_t, len, count * PAGE_SIZE));
	got = iodemo_read_now(client, &to, iodemo_ring_capacity(&client->dev->ring));

	for (left = got; left > 0; left -= partial[spd.nr_pages++].len) {
		partial[spd.nr_pages] = (struct partial_page){
			.len = min_t(size_t, left, PAGE_SIZE),
		};
	}
	while (count > spd.nr_pages)
		__free_page(pages[--count]);
	return got > 0 ? splice_to_pipe(pipe, &spd) : got;
}

static ssize_t wait_and_fill(struct iodemo_client *client, struct pipe_inode_info *pipe,
			     size_t len, bool nowait)
{
	ssize_t ret;

	for (;;) {
		if (!pipe->readers) {
			send_sig(SIGPIPE, current, 0);
			return -EPIPE;
		}
		if (nowait || iodemo_client_readable(client)) {
			ret = fill(client, pipe, len);
			if (ret != -EAGAIN || nowait)
				break;
			cond_resched();		/* somebody was faster */
			if (signal_pending(current))
				return -ERESTARTSYS;
		}
		ret = wait_to_fill(client, pipe);
		if (ret)
			return ret;
	}
	iodemo_client_pass_on(client);
	return ret;
}

ssize_t iodemo_splice_read(struct file *in, loff_t *pos, struct pipe_inode_info *pipe,
			   size_t len, unsigned int flags)
{
	struct iodemo_client *client = in->private_data;
	bool nowait = in->f_flags & O_NONBLOCK || flags & SPLICE_F_NONBLOCK;
	ssize_t ret;

	trace_iodemo_read_begin(client, len, nowait);
	ret = wait_and_fill(client, pipe, len, nowait);
	trace_iodemo_read_end(client, ret);
	return ret;
}

/* To the device ------------------------------------------------------------ */

/* Who writes to the pipe may have waited for the room that is there now. */
static void wake_pipe_writers(struct pipe_inode_info *pipe)
{
	if (wq_has_sleeper(&pipe->wr_wait))
		wake_up_interruptible(&pipe->wr_wait);
	kill_fasync(&pipe->fasync_writers, SIGIO, POLL_OUT);
}

static void consume(struct pipe_inode_info *pipe, size_t bytes)
{
	bool freed = false;

	while (bytes) {
		struct pipe_buffer *buf = &pipe->bufs[pipe->tail & (pipe->ring_size - 1)];
		size_t part = min_t(size_t, bytes, buf->len);

		buf->offset += part;
		buf->len -= part;
		bytes -= part;
		if (!buf->len) {
			pipe_buf_release(pipe, buf);
			pipe->tail++;
			freed = true;
		}
	}
	if (freed)
		wake_pipe_writers(pipe);
}

/* What the pipe has, as much as the device has room for; EAGAIN if it has none. */
static ssize_t drain(struct iodemo_client *client, struct pipe_inode_info *pipe, size_t len,
		     bool in_turn)
{
	struct bio_vec vector[PAGES];
	unsigned int count = 0;
	struct iov_iter from;
	size_t bytes = 0;
	ssize_t ret;

	for (unsigned int i = pipe->tail; i != pipe->head && bytes < len && count < PAGES; i++) {
		struct pipe_buffer *buf = &pipe->bufs[i & (pipe->ring_size - 1)];
		size_t part = min_t(size_t, buf->len, len - bytes);

		ret = pipe_buf_confirm(pipe, buf);
		if (ret)
			return ret;
		vector[count++] = (struct bio_vec){
			.bv_page = buf->page, .bv_offset = buf->offset, .bv_len = part,
		};
		bytes += part;
	}
	iov_iter_bvec(&from, ITER_SOURCE, vector, count, bytes);
	ret = iodemo_write_now(client, &from, in_turn);
	if (ret > 0)
		consume(pipe, ret);
	return ret;
}

/* Until there is something in the pipe, or nobody is left to put it there */
static int wait_for_pipe(struct pipe_inode_info *pipe)
{
	int err;

	pipe_unlock(pipe);
	err = wait_event_interruptible(pipe->rd_wait,
				       !is_empty(pipe) || !hint(pipe->writers));
	pipe_lock(pipe);
	return err;
}

/*
 * Until there is room. Who was woken for it, and then has nothing, leaves it to the
 * next. What is in the pipe stays there, to be taken by others too; so unlike a
 * write() we bring nothing along, and have to be quick when it is our turn.
 */
static int wait_to_drain(struct iodemo_client *client, struct pipe_inode_info *pipe)
{
	struct iodemo_tx *tx = &client->dev->tx;
	int err;

	pipe_unlock(pipe);
	err = iodemo_write_sleep(client);
	pipe_lock(pipe);
	if (is_empty(pipe))
		iodemo_write_pass_on(tx);
	return err;
}

/* As write() of what is in the pipe: all of it, or what there is room for. */
ssize_t iodemo_splice_write(struct pipe_inode_info *pipe, struct file *out, loff_t *pos,
			    size_t len, unsigned int flags)
{
	struct iodemo_client *client = out->private_data;
	bool nowait = out->f_flags & O_NONBLOCK || flags & SPLICE_F_NONBLOCK;
	bool in_turn = false;
	size_t done = 0;
	ssize_t ret = 0;

	pipe_lock(pipe);
	while (done < len) {
		if (is_empty(pipe)) {
			if (done || !pipe->writers)
				break;
			ret = flags & SPLICE_F_NONBLOCK ? -EAGAIN : wait_for_pipe(pipe);
			if (ret)
				break;
			continue;
		}
		ret = drain(client, pipe, len - done, in_turn);
		in_turn = false;
		if (ret > 0) {
			done += ret;
			continue;
		}
		if (ret != -EAGAIN || nowait)
			break;
		ret = wait_to_drain(client, pipe);
		if (ret)
			break;
		in_turn = true;
	}
	pipe_unlock(pipe);
	return done ?: ret;
}
