// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exercise 3, multiplexing: an edge comes once
 *
 * With EPOLLET, epoll_wait() tells that something has come, and not that something
 * is there: it sleeps beside a file that was not read to its end. This program
 * does that. It is to sleep only when there is nothing to read.
 *
 * How it is checked: asleep only in epoll_wait(), with nothing left to read, once
 * for each time that three records have come; and never in read().
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "exercise.h"

/* TODO: until when does it have to read? And how does it find that out, asleep nowhere? */
static void serve(int fd)
{
	struct iodemo_record record;
	ssize_t bytes = read(fd, &record, sizeof(record));

	if (bytes < 0)
		err(1, "read");
	take(&record);
}

int main(void)
{
	int fd = open_device(O_RDONLY, 1);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.fd = fd };
	int epoll = epoll_create1(0);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "epoll");
	while (count < RECORDS) {
		if (epoll_wait(epoll, &event, 1, -1) == 1)
			serve(event.data.fd);
	}
	return show();
}
