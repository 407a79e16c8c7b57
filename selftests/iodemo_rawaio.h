/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel AIO by its system calls: also what libaio would not do, and where there
 * is no libaio
 */
#ifndef IODEMO_RAWAIO_H
#define IODEMO_RAWAIO_H

#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stddef.h>

/* Each gives what the system call does, or -errno. */
long aio_setup(unsigned int events, aio_context_t *context);
long aio_destroy(aio_context_t context);
long aio_cancel(aio_context_t context, struct iocb *iocb);
long aio_submit_read(aio_context_t context, struct iocb *iocb, int fd, void *buf, size_t size);
long aio_submit_write(aio_context_t context, struct iocb *iocb, int fd, void *buf, size_t size);

/* The next event: what it gave; ETIMEDOUT if none comes within these seconds */
long aio_event_within(aio_context_t context, int seconds);
long aio_event(aio_context_t context);	/* within PATIENCE */
bool aio_nothing_complete(aio_context_t context);

#endif /* IODEMO_RAWAIO_H */
