// SPDX-License-Identifier: GPL-2.0-only
/*
 * aio_read(): glibc has a hidden thread do blocking reads
 *
 * To its caller this is asynchronous. But somebody sleeps: the threads and the
 * voluntary context switches show who. The calls that glibc makes in its thread
 * and to wake it can't be counted here; `strace -f` shows them. So the figure
 * is what the program asks of glibc, and marked as not all.
 */
#include <aio.h>
#include <err.h>
#include <errno.h>

#include "async.h"

/* Not on the stack: a read that Ctrl-C leaves in flight may still arrive. */
static struct iodemo_record records[IODEMO_BATCH];
static struct aiocb request;

static void submit(struct iodemo_run *run, struct iodemo_file *file)
{
	__u64 begin = iodemo_now();

	request = (struct aiocb){
		.aio_fildes = file->fd,
		.aio_buf = records,
		.aio_nbytes = iodemo_room(run, sizeof(records)),
		.aio_sigevent.sigev_notify = SIGEV_NONE,
	};
	if (aio_read(&request))
		err(1, "%s: aio_read", file->path);
	run->calls++;
	iodemo_submitted(run, begin);
}

void async_posix(struct iodemo_run *run)
{
	struct iodemo_file *file = run->file;
	ssize_t bytes;

	run->more_calls = true;
	iodemo_start(run);
	while (!iodemo_over(run)) {
		submit(run, file);
		while (aio_error(&request) == EINPROGRESS && !iodemo_stopped)
			iodemo_work(run);
		if (iodemo_stopped)
			break;
		errno = aio_error(&request);
		bytes = aio_return(&request);
		iodemo_take(run, file, records, bytes);
	}
	iodemo_stop(run);
}
