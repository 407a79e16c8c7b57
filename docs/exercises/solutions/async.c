// SPDX-License-Identifier: GPL-2.0-only
/*
 * A solution of exercise 5, asynchronous: a buffer that is not yours
 */
#include <libaio.h>

#include "exercise.h"

#define DEPTH	4

static struct iodemo_record buffers[DEPTH];

static void submit(io_context_t context, int fd)
{
	struct iocb requests[DEPTH], *list[DEPTH];

	for (int i = 0; i < DEPTH; i++) {
		list[i] = &requests[i];
		io_prep_pread(list[i], fd, &buffers[i], sizeof(buffers[i]), 0);
		list[i]->data = &buffers[i];
	}
	if (io_submit(context, DEPTH, list) != DEPTH)
		errx(1, "io_submit");
}

int main(void)
{
	int fd = open_device(O_RDONLY, 1);
	struct io_event events[DEPTH];
	io_context_t context = NULL;

	if (io_setup(DEPTH, &context))
		errx(1, "io_setup");
	while (count < RECORDS) {
		submit(context, fd);
		/* Here it could work; it only waits until all four have come. */
		if (io_getevents(context, DEPTH, DEPTH, events, NULL) != DEPTH)
			errx(1, "io_getevents");
		for (int i = 0; i < DEPTH; i++)
			take(events[i].data);
	}
	return show();
}
