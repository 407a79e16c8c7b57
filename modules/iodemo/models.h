/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations on an open file, a .c each: the five models, and what else
 * there is. file.c puts them together.
 */
#ifndef _IODEMO_MODELS_H
#define _IODEMO_MODELS_H

#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/uio.h>

#include "cursor.h"

struct io_comp_batch;
struct io_uring_cmd;

/* read.c, text.c, write.c: 1 and 2 */
ssize_t iodemo_read(struct file *file, char __user *buffer, size_t count, loff_t *pos);
ssize_t iodemo_read_sync(struct iodemo_client *client, struct iov_iter *to, bool nowait);
ssize_t iodemo_read_now(struct iodemo_client *client, struct iov_iter *to, u32 retries);
ssize_t iodemo_read_text(struct iodemo_client *client, struct iov_iter *to, u32 retries);
ssize_t iodemo_read_bytes(struct iodemo_client *client);
ssize_t iodemo_text_bytes(struct iodemo_client *client);
int iodemo_read_sleep(struct iodemo_client *client);
ssize_t iodemo_write_sync(struct iodemo_client *client, struct iov_iter *from, bool nowait);
ssize_t iodemo_write_now(struct iodemo_client *client, struct iov_iter *from, bool in_turn);
ssize_t iodemo_write_some(struct iodemo_client *client, struct iov_iter *from, bool in_turn);
int iodemo_write_sleep(struct iodemo_client *client);
void iodemo_write_pass_on(struct iodemo_tx *tx);

/* poll.c: 3 */
__poll_t iodemo_poll(struct file *file, poll_table *wait);

/* fasync.c: 4 */
int iodemo_fasync_init(void);
void iodemo_fasync_exit(void);
int iodemo_fasync(int fd, struct file *file, int on);
void iodemo_fasync_close(struct file *file);

/* aio.c, uring.c: 5 */
int iodemo_aio_init(void);
void iodemo_aio_exit(void);
ssize_t iodemo_aio_read(struct iodemo_client *client, struct kiocb *iocb,
			struct iov_iter *to);
ssize_t iodemo_aio_write(struct iodemo_client *client, struct kiocb *iocb,
			 struct iov_iter *from);
void iodemo_aio_close(struct iodemo_client *client, fl_owner_t files);
bool iodemo_uring_can_wait(void);
int iodemo_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);
int iodemo_uring_cmd_iopoll(struct io_uring_cmd *cmd, struct io_comp_batch *batch,
			    unsigned int poll_flags);

/* mmap.c, splice.c, ioctl.c */
int iodemo_mmap(struct file *file, struct vm_area_struct *vma);
ssize_t iodemo_splice_read(struct file *in, loff_t *pos, struct pipe_inode_info *pipe,
			   size_t len, unsigned int flags);
ssize_t iodemo_splice_write(struct pipe_inode_info *pipe, struct file *out, loff_t *pos,
			    size_t len, unsigned int flags);
long iodemo_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* file.c: what main.c gives the device */
extern const struct file_operations iodemo_fops;

#endif /* _IODEMO_MODELS_H */
