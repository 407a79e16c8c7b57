// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 4, signal-driven: one signal, any number of records
 *
 * A signal that comes while the same one is pending is none: SIGIO is a bit, not a
 * counter. So a program that takes a record a signal falls behind, and stays
 * behind. This one does. It is to have read everything when its handler returns.
 *
 * How it is checked: three records come at a time and make one signal; when the
 * handler returns, nothing is left; and nothing is read outside of it.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "exercise.h"

static int fd;

/* TODO: one record a signal is too few. */
static void on_signal(int sig)
{
	struct iodemo_record record;
	int saved = errno;

	(void)sig;
	if (read(fd, &record, sizeof(record)) > 0)
		take(&record);
	errno = saved;
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	fd = open_device(O_RDONLY | O_NONBLOCK, 1);
	if (sigaction(SIGIO, &action, NULL) || fcntl(fd, F_SETOWN, getpid()) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC))
		err(1, "SIGIO");
	while (count < RECORDS)
		;	/* other work */
	return show();
}
