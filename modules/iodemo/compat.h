/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows kernel versions: what newer kernels have, for
 * older ones, under the newest kernel's name.
 */
#ifndef _IODEMO_COMPAT_H
#define _IODEMO_COMPAT_H

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/irq.h>
#include <linux/mm.h>
#include <linux/uio.h>
#include <linux/version.h>

/* For modules that import the namespace */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define EXPORT_SYMBOL_IODEMO(symbol)	EXPORT_SYMBOL_NS_GPL(symbol, IODEMO)
#else
#define EXPORT_SYMBOL_IODEMO(symbol)	EXPORT_SYMBOL_NS_GPL(symbol, "IODEMO")
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

/*
 * The affinity of a line moves when it is written, and not with the next interrupt.
 * Newer kernels do so unless the chip tells otherwise.
 */
static inline void irq_set_moves_at_once(unsigned int irq)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
	irq_set_status_flags(irq, IRQ_MOVE_PCNTXT);
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
static inline struct fown_struct *file_f_owner(const struct file *file)
{
	return (struct fown_struct *)&file->f_owner;
}
#endif

/*
 * The part of the user's memory where an iterator stands. Newer kernels have
 * iter_iov_addr() and iter_iov_len(), but up to 6.15 the second is wrong for the
 * iterator of one buffer, once it has been advanced.
 */
static inline void __user *iter_segment(const struct iov_iter *iter)
{
	if (iter_is_ubuf(iter))
		return iter->ubuf + iter->iov_offset;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	return iov_iter_iovec(iter).iov_base;
#else
	return iter_iov_addr(iter);
#endif
}

static inline size_t iter_segment_len(const struct iov_iter *iter)
{
	if (iter_is_ubuf(iter))
		return iov_iter_count(iter);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
	return iov_iter_iovec(iter).iov_len;
#else
	return min_t(size_t, iter_iov_len(iter), iov_iter_count(iter));
#endif
}

/*
 * pin_user_pages_fast() with FOLL_LONGTERM, and killable. Before 6.3 a page that
 * is not there yet is waited for without an ear for signals, and who serves the
 * page (FUSE, userfaultfd) may never do so. There, such a page is pinned as for
 * short: what that lacks is only that it isn't moved out of a zone for movables.
 */
static inline int pin_user_pages_killable(unsigned long start, int count,
					  unsigned int flags, struct page **pages)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
	int pinned = pin_user_pages_fast_only(start, count, flags | FOLL_LONGTERM, pages);

	if (pinned == count)
		return count;
	if (pinned > 0)
		unpin_user_pages(pages, pinned);
	return pin_user_pages_unlocked(start, count, pages, flags);
#else
	return pin_user_pages_fast(start, count, flags | FOLL_LONGTERM, pages);
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#include <linux/io_uring.h>
#else
#include <linux/io_uring/cmd.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
static inline void io_uring_cmd_done32(struct io_uring_cmd *cmd, s32 ret, u64 res2,
				       unsigned int issue_flags)
{
	io_uring_cmd_done(cmd, ret, res2, issue_flags);
}
#endif

/* What io_uring_cmd_complete_in_task() takes, from function(cmd, issue_flags). */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define DEFINE_URING_TASK_WORK(name, function)					\
static void name(struct io_uring_cmd *cmd, unsigned int issue_flags)		\
{										\
	function(cmd, issue_flags);						\
}
#else
#define DEFINE_URING_TASK_WORK(name, function)					\
static void name(struct io_tw_req request, io_tw_token_t token)			\
{										\
	function(io_uring_cmd_from_tw(request), IO_URING_CMD_TASK_WORK_ISSUE_FLAGS); \
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define IO_URING_F_CANCEL 0
static inline void io_uring_cmd_mark_cancelable(struct io_uring_cmd *cmd,
						unsigned int issue_flags)
{
}

static inline bool io_uring_cmd_can_be_cancelled(void)
{
	return false;
}
#else
static inline bool io_uring_cmd_can_be_cancelled(void)
{
	return true;
}
#endif

/* The 16 bytes of sqe->cmd */
static inline const void *io_uring_cmd_payload(const struct io_uring_cmd *cmd)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	return cmd->cmd;
#else
	return cmd->sqe->cmd;
#endif
}

/*
 * Was this submitted by io_submit()? Only such a request can be given a cancel
 * function. Kernels before 6.1.80 can't tell; there, kernel AIO sleeps.
 */
static inline bool iocb_is_aio(const struct kiocb *iocb)
{
#ifdef IOCB_AIO_RW
	return iocb->ki_flags & IOCB_AIO_RW;
#else
	return false;
#endif
}

#endif /* _IODEMO_COMPAT_H */
