// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 2, nonblocking I/O
 *
 *	wait	nobody sleeps: read() says EAGAIN, the program does a unit of
 *		other work and asks again
 *	copy	the program, in the read() that finds a record
 *
 * What to see: thousands of system calls for a few records, nearly all of them
 * EAGAIN, and a processor that is busy all the time. Other work gets done, but
 * each unit of it is paid for with a question. Latency is the length of a unit.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "demo/demo.h"

static void loop(struct iodemo_run *run)
{
	struct iodemo_file *file = run->file;
	struct iodemo_record records[IODEMO_BATCH];
	ssize_t bytes;

	iodemo_start(run);
	while (!iodemo_over(run)) {
		bytes = read(file->fd, records, iodemo_room(run, sizeof(records)));
		run->calls++;
		if (bytes < 0 && errno == EAGAIN) {
			run->eagains++;
			iodemo_work(run);
			continue;
		}
		iodemo_take(run, file, records, bytes);
	}
	iodemo_stop(run);
}

static const struct iodemo_api apis[] = {
	{ "read", loop },
	{ }
};

int main(int argc, char **argv)
{
	struct iodemo_run run = {
		.model = "nonblocking",
		.about = "never sleeps: after each EAGAIN it works a little and asks again.",
		.apis = apis,
	};

	iodemo_options(&run, argc, argv);
	iodemo_open_files(&run, O_NONBLOCK);
	run.api->loop(&run);
	return iodemo_end(&run);
}
