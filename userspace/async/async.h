/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways of model 5, a file each
 */
#ifndef ASYNC_H
#define ASYNC_H

#include "../demo/demo.h"

struct io_uring;

void async_posix(struct iodemo_run *run);
void async_libaio(struct iodemo_run *run);
void async_io_uring(struct iodemo_run *run);
void async_multishot(struct iodemo_run *run);
void async_uring_cmd(struct iodemo_run *run);

/* What the three with io_uring share: io_uring.c */

/* A ring of IODEMO_BATCH entries, or an explanation. */
void async_uring_init(struct iodemo_run *run, struct io_uring *ring, unsigned int flags);

/* One system call that hands over all that was prepared. */
void async_uring_submit(struct iodemo_run *run, struct io_uring *ring);

#endif /* ASYNC_H */
