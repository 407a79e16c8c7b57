// SPDX-License-Identifier: GPL-2.0-only
/* libev: a watcher of a file and one of time; ev FILE LINES [BACKEND], a number of ev.h's */
#include <err.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static ev_io io;
static int left;

static void on_read(struct ev_loop *loop, ev_io *watcher, int events)
{
	char buffer[4096];
	ssize_t size = read(watcher->fd, buffer, sizeof(buffer));

	if (size < 0)
		err(1, "read");
	fwrite(buffer, 1, size, stdout);
	for (ssize_t i = 0; i < size; i++)
		left -= buffer[i] == '\n';
	if (left <= 0 || !size)
		ev_io_stop(loop, watcher);
}

static void on_timer(struct ev_loop *loop, ev_timer *watcher, int events)
{
	fputs("waits\n", stderr);
	if (!left)
		ev_io_stop(loop, &io);
}

int main(int argc, char *argv[])
{
	unsigned int backend = argc > 3 ? atoi(argv[3]) : 0;
	struct ev_loop *loop = ev_default_loop(backend);
	ev_timer timer;
	int fd = open(argv[1], O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		err(1, "%s", argv[1]);
	if (!loop || (backend && ev_backend(loop) != backend))
		errx(1, "no backend %u, of %u", backend, ev_supported_backends());
	left = atoi(argv[2]);
	ev_io_init(&io, on_read, fd, EV_READ);
	ev_io_start(loop, &io);
	ev_timer_init(&timer, on_timer, 0.01, 0.);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
	return 0;
}
