// SPDX-License-Identifier: GPL-2.0-only
/*
 * A solution of exercise 3, multiplexing: an edge comes once
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "exercise.h"

static void serve(int fd)
{
	struct iodemo_record record;
	ssize_t bytes;

	while ((bytes = read(fd, &record, sizeof(record))) > 0)
		take(&record);
	if (bytes < 0 && errno != EAGAIN)
		err(1, "read");
}

int main(void)
{
	int fd = open_device(O_RDONLY | O_NONBLOCK, 1);
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
