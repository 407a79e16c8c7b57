// SPDX-License-Identifier: GPL-2.0-only
/*
 * A solution of exercise 4, signal-driven: one signal, any number of records
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "exercise.h"

static int fd;

static void on_signal(int sig)
{
	struct iodemo_record record;
	int saved = errno;

	(void)sig;
	while (read(fd, &record, sizeof(record)) > 0)
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
