// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 1, blocking I/O
 *
 *	wait	the program sleeps in read()
 *	copy	the program, still in the same read()
 *
 * What to see: one system call and one voluntary context switch a record, next
 * to no CPU time, and no other work at all: its only thread is asleep.
 */
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
		.model = "blocking",
		.about = "sleeps in read() until a record is there; read() copies it.",
		.apis = apis,
	};

	iodemo_options(&run, argc, argv);
	iodemo_open_files(&run, 0);
	run.api->loop(&run);
	return iodemo_end(&run);
}
