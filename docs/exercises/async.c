// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 5, asynchronous: a buffer that is not yours
 *
 * From io_submit() until the completion, a read's buffer belongs to the kernel:
 * the next record may arrive in it at any time. This program hands over four reads
 * at once, and one buffer for all. Each record is to arrive whole, and to be taken
 * once.
 *
 * How it is checked: io_submit() and io_getevents() once for each four records,
 * no read(), and each seq once, in order.
 */
#include <libaio.h>

#include "exercise.h"

#define DEPTH	4

/* TODO: how many records can be on their way here? */
static struct iodemo_record buffers[1];

static void submit(io_context_t context, int fd)
{
	struct iocb requests[DEPTH], *list[DEPTH];

	for (int i = 0; i < DEPTH; i++) {
		list[i] = &requests[i];
		io_prep_pread(list[i], fd, &buffers[0], sizeof(buffers[0]), 0);
		list[i]->data = &buffers[0];
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
