// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 1, blocking: sleep less often
 *
 * This program takes each record as soon as it is there: a system call, and a
 * sleep, for each of them. Nobody needs them so soon. Let it sleep until four are
 * there, and take these four with one call.
 *
 * How it is checked: three calls of read() for 12 records, asleep in each until
 * its four are there, and no other call that waits.
 */
#include <unistd.h>

#include "exercise.h"

int main(void)
{
	struct iodemo_record records[1];
	int fd = open_device(O_RDONLY, 1);

	/* TODO: what decides how long read() sleeps, and what, how much it takes? */
	while (count < RECORDS) {
		ssize_t bytes = read(fd, records, sizeof(records));

		if (bytes < 0)
			err(1, "read");
		take_all(records, bytes);
	}
	return show();
}
