// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel AIO by its system calls; see iodemo_rawaio.h.
 */
#include "iodemo_hostile.h"
#include "iodemo_rawaio.h"

#include <sys/syscall.h>
#include <time.h>

long aio_setup(unsigned int events, aio_context_t *context)
{
	*context = 0;
	return result(syscall(SYS_io_setup, events, context));
}

long aio_destroy(aio_context_t context)
{
	return result(syscall(SYS_io_destroy, context));
}

long aio_cancel(aio_context_t context, struct iocb *iocb)
{
	struct io_event event;

	return result(syscall(SYS_io_cancel, context, iocb, &event));
}

static long aio_submit(aio_context_t context, struct iocb *iocb)
{
	return result(syscall(SYS_io_submit, context, 1L, &iocb));
}

static long aio_submit_rw(aio_context_t context, struct iocb *iocb, bool is_write,
			  int fd, void *buf, size_t size)
{
	*iocb = (struct iocb){
		.aio_fildes = fd,
		.aio_lio_opcode = is_write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
		.aio_buf = (unsigned long)buf,
		.aio_nbytes = size,
	};
	return aio_submit(context, iocb);
}

long aio_submit_read(aio_context_t context, struct iocb *iocb, int fd, void *buf, size_t size)
{
	return aio_submit_rw(context, iocb, false, fd, buf, size);
}

long aio_submit_write(aio_context_t context, struct iocb *iocb, int fd, void *buf, size_t size)
{
	return aio_submit_rw(context, iocb, true, fd, buf, size);
}

long aio_event_within(aio_context_t context, int seconds)
{
	struct timespec limit = { .tv_sec = seconds };
	struct io_event event;
	long ret;

	ret = result(syscall(SYS_io_getevents, context, 1L, 1L, &event, &limit));
	if (ret == 1)
		return (long)event.res;
	return ret ? ret : -ETIMEDOUT;
}

long aio_event(aio_context_t context)
{
	return aio_event_within(context, PATIENCE);
}

bool aio_nothing_complete(aio_context_t context)
{
	return aio_event_within(context, 0) == -ETIMEDOUT;
}
