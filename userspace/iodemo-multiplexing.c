// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 3, multiplexing
 *
 *	wait	the program sleeps in select(), poll() or epoll_wait(), for all
 *		its files at once
 *	copy	the program, in a read() that finds a record and doesn't sleep
 *
 * What to see: for one file this is worse than blocking, with two system calls
 * a record instead of one and no other work either. Now give it four files
 * (--device four times, of one device or of several): still one thread, and one
 * sleep for all four, where blocking would need four threads.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "demo/demo.h"

/*
 * Ready is a hint, since another thread could be faster: with O_NONBLOCK a
 * wrong hint costs an EAGAIN instead of a sleep that starves the other files.
 */
static void serve(struct iodemo_run *run, struct iodemo_file *file)
{
	struct iodemo_record records[IODEMO_BATCH];
	ssize_t bytes;

	if (iodemo_over(run))
		return;
	bytes = read(file->fd, records, iodemo_room(run, sizeof(records)));
	run->calls++;
	if (bytes < 0 && errno == EAGAIN)
		run->eagains++;
	else
		iodemo_take(run, file, records, bytes);
}

static void count_wait(struct iodemo_run *run, int ready)
{
	run->calls++;
	if (ready < 0 && errno != EINTR)
		err(1, "%s", run->api->name);
}

static void loop_select(struct iodemo_run *run)
{
	unsigned int i;
	sigset_t mask;
	int ready;

	iodemo_hold_stop(&mask);
	iodemo_start(run);
	while (!iodemo_over(run)) {
		fd_set readable;
		int highest = 0;

		FD_ZERO(&readable);
		for (i = 0; i < run->files; i++) {
			FD_SET(run->file[i].fd, &readable);
			if (run->file[i].fd > highest)
				highest = run->file[i].fd;
		}
		ready = pselect(highest + 1, &readable, NULL, NULL, NULL, &mask);
		count_wait(run, ready);
		for (i = 0; ready > 0 && i < run->files; i++)
			if (FD_ISSET(run->file[i].fd, &readable))
				serve(run, &run->file[i]);
	}
	iodemo_stop(run);
}

static void loop_poll(struct iodemo_run *run)
{
	struct pollfd fds[IODEMO_FILES_MAX];
	unsigned int i;
	sigset_t mask;
	int ready;

	for (i = 0; i < run->files; i++)
		fds[i] = (struct pollfd){ .fd = run->file[i].fd, .events = POLLIN };

	iodemo_hold_stop(&mask);
	iodemo_start(run);
	while (!iodemo_over(run)) {
		ready = ppoll(fds, run->files, NULL, &mask);
		count_wait(run, ready);
		for (i = 0; ready > 0 && i < run->files; i++)
			if (fds[i].revents)
				serve(run, &run->file[i]);
	}
	iodemo_stop(run);
}

static void loop_epoll(struct iodemo_run *run)
{
	struct epoll_event events[IODEMO_FILES_MAX];
	sigset_t mask;
	int epoll, ready, i;

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		err(1, "epoll_create1");
	for (i = 0; i < (int)run->files; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &run->file[i] };

		if (epoll_ctl(epoll, EPOLL_CTL_ADD, run->file[i].fd, &event))
			err(1, "%s: epoll_ctl", run->file[i].path);
	}

	iodemo_hold_stop(&mask);
	iodemo_start(run);
	while (!iodemo_over(run)) {
		ready = epoll_pwait(epoll, events, IODEMO_FILES_MAX, -1, &mask);
		count_wait(run, ready);
		for (i = 0; i < ready; i++)
			serve(run, events[i].data.ptr);
	}
	iodemo_stop(run);
	close(epoll);
}

static const struct iodemo_api apis[] = {
	{ "select", loop_select },
	{ "poll", loop_poll },
	{ "epoll", loop_epoll },
	{ }
};

int main(int argc, char **argv)
{
	struct iodemo_run run = {
		.model = "multiplexing",
		.about = "sleeps in one call for all its files; then read() copies at once.",
		.apis = apis,
		.files_max = IODEMO_FILES_MAX,
	};

	iodemo_options(&run, argc, argv);
	iodemo_open_files(&run, O_NONBLOCK);
	run.api->loop(&run);
	return iodemo_end(&run);
}
