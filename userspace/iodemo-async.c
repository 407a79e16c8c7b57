// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 5, asynchronous I/O
 *
 *	wait	nobody sleeps: the reads are handed over, the program works
 *	copy	not the program: when it is told, the record is in its memory
 *
 * What to see: as much other work as with signals, for next to no system calls.
 *
 * Linux has grown this model five times. From the one that pretends to the one
 * that leaves nothing to save, each in a file of its own:
 *
 *	async/posix.c		a hidden thread sleeps in the program's stead
 *	async/libaio.c		the kernel does it; a call hands over, a call fetches
 *	async/io_uring.c	fetching is a look into memory
 *	async/multishot.c	handing over is done once, for all records
 *	async/uring_cmd.c	the device's own command, and no copy either
 */
#include <fcntl.h>

#include "async/async.h"

static const struct iodemo_api apis[] = {
	{ "io_uring", async_io_uring },
	{ "io_uring-multishot", async_multishot },
	{ "uring_cmd", async_uring_cmd },
	{ "libaio", async_libaio },
	{ "posix", async_posix },
	{ }
};

int main(int argc, char **argv)
{
	struct iodemo_run run = {
		.model = "async",
		.about = "works until a record is in its memory; others have put it there.",
		.apis = apis,
	};

	iodemo_options(&run, argc, argv);
	/* Taking records from the mapped ring means writing the mapped cursor. */
	iodemo_open_files(&run, run.api->loop == async_uring_cmd ? O_RDWR : 0);
	run.api->loop(&run);
	return iodemo_end(&run);
}
