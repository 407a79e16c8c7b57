// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 2, nonblocking: without a word to the others
 *
 * Who has started this program has opened the device for it: it is the standard
 * input. The program is never to sleep in it, but to work, and ask again. But
 * whoever has opened the file still has it, and relies on read()'s sleeping there;
 * and O_NONBLOCK belongs to the open file, so to all who share it.
 *
 * How it is checked: every call that found nothing got EAGAIN, there was a unit of
 * work after each, and the file's flags are what they were.
 */
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "exercise.h"

/* Other work, which a system call ends here so that check.c sees it */
static void work(void)
{
	getppid();
}

int main(void)
{
	struct iodemo_record record;

	while (count < RECORDS) {
		/* TODO: this sleeps. There is a read that doesn't, by a flag of its own. */
		ssize_t bytes = read(STDIN_FILENO, &record, sizeof(record));

		if (bytes > 0)
			take(&record);
		else if (bytes < 0 && errno == EAGAIN)
			work();
		else
			err(1, "read");
	}
	return show();
}
