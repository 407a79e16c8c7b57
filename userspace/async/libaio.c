// SPDX-License-Identifier: GPL-2.0-only
/*
 * libaio: the kernel's own asynchronous I/O, io_submit()
 *
 * One call hands over many reads, each with its buffer; the device keeps them
 * in a queue and fills them in order. The completions are in memory that the
 * kernel shares with the program: as long as there is none, io_getevents() with
 * a timeout of zero sees that there, and makes no system call. To fetch those
 * that are there takes one.
 */
#include <err.h>
#include <errno.h>
#include <libaio.h>
#include <string.h>

#include "async.h"

/* Not on the stack: a read that Ctrl-C leaves in flight may still arrive. */
static struct iodemo_record records[IODEMO_BATCH];

static void submit(struct iodemo_run *run, io_context_t context, struct iodemo_file *file,
		   unsigned int count)
{
	struct iocb requests[IODEMO_BATCH], *list[IODEMO_BATCH];
	unsigned int i;
	__u64 begin;
	int done;

	for (i = 0; i < count; i++) {
		list[i] = &requests[i];
		io_prep_pread(list[i], file->fd, &records[i], sizeof(records[i]), 0);
		list[i]->data = &records[i];
	}
	/* It can stop at any of them. */
	for (i = 0; i < count; i += done) {
		begin = iodemo_now();
		done = io_submit(context, count - i, list + i);
		if (done < 0)
			errx(1, "%s: io_submit: %s", file->path, strerror(-done));
		run->calls++;
		iodemo_submitted(run, begin);
	}
}

void async_libaio(struct iodemo_run *run)
{
	struct iodemo_file *file = run->file;
	struct io_event events[IODEMO_BATCH];
	unsigned int pending = 0;
	io_context_t context = NULL;
	int i, got;

	got = io_setup(IODEMO_BATCH, &context);
	if (got < 0)
		iodemo_unavailable(run, strerror(-got),
				   "It takes CONFIG_AIO and room below sysctl fs.aio-max-nr");

	iodemo_start(run);
	while (!iodemo_over(run)) {
		if (!pending) {
			pending = iodemo_room(run, sizeof(records)) / sizeof(records[0]);
			submit(run, context, file, pending);
		}
		got = io_getevents(context, 0, IODEMO_BATCH, events, &(struct timespec){ });
		if (!got) {
			iodemo_work(run);
			continue;
		}
		run->calls++;
		if (got < 0)
			errx(1, "io_getevents: %s", strerror(-got));
		for (i = 0; i < got && !iodemo_over(run); i++) {
			ssize_t bytes = events[i].res;

			errno = bytes < 0 ? -bytes : 0;
			iodemo_take(run, file, events[i].data, bytes);
		}
		pending -= got;
	}
	iodemo_stop(run);
	io_destroy(context);
}
