// SPDX-License-Identifier: GPL-2.0-only
/* A loop of epoll in a thread, under test: cc loop.c $(pkg-config --cflags --libs libiodemo) */
#include <err.h>
#include <fcntl.h>
#include <libiodemo.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

static __u64 seq;	/* of the record that is to come next */
static int fd;

static void *loop(void *end)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct iodemo_record records[4];
	int epoll = epoll_create1(0);
	ssize_t bytes;

	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	while (seq < *(__u64 *)end && epoll_wait(epoll, &event, 1, 10000) == 1)
		while ((bytes = read(fd, records, sizeof(records))) > 0)
			if (iodemo_expect(records, bytes, &seq) < 0)
				errx(1, "record %llu is not what the device made", seq);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	__u64 end;
	int i;

	fd = iodemo_open(NULL, O_RDWR | O_NONBLOCK);
	if (fd < 0 || iodemo_configure(fd, 0, 1) || iodemo_next(fd, &seq))
		errx(1, IODEMO_DEVICE ": is the module loaded, and nobody using it?");
	end = seq + 1 + 2 + 3;
	pthread_create(&thread, NULL, loop, &end);
	for (i = 1; i <= 3; i++)
		if (iodemo_fire(fd, i) || iodemo_wait_handled(fd, 10000))
			errx(1, "the loop has not read what came");
	pthread_join(thread, NULL);
	if (seq != end)
		errx(1, "the loop ended at record %llu instead of %llu", seq, end);
	printf("epoll: 6 records, whole and in order\n");
	return 0;
}
