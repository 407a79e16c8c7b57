// SPDX-License-Identifier: GPL-2.0-only
/* libuv: a stream of lines; uv FILE LINES [poll]: by uv_poll instead of uv_pipe */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static uv_pipe_t pipe_handle;
static uv_poll_t poll_handle;
static int by_poll;
static int left;

static void finish(void)
{
	uv_close(by_poll ? (uv_handle_t *)&poll_handle : (uv_handle_t *)&pipe_handle, NULL);
}

static void take(const char *text, size_t size)
{
	fwrite(text, 1, size, stdout);
	for (size_t i = 0; i < size; i++)
		left -= text[i] == '\n';
	if (left <= 0)
		finish();
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	static char buffer[4096];

	*buf = uv_buf_init(buffer, sizeof(buffer));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	if (size == UV_EOF)
		finish();
	else if (size < 0)
		errx(1, "read: %s", uv_strerror(size));
	else
		take(buf->base, size);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	char buffer[4096];
	ssize_t size;
	uv_os_fd_t fd;

	if (status < 0)
		errx(1, "poll: %s", uv_strerror(status));
	uv_fileno((uv_handle_t *)handle, &fd);
	size = read(fd, buffer, sizeof(buffer));
	if (size < 0)
		err(1, "read");
	if (size)
		take(buffer, size);
	else
		finish();
}

/* Whatever the file does, the loop goes on; with nothing to wait for it is closed */
static void on_timer(uv_timer_t *timer)
{
	fputs("waits\n", stderr);
	uv_close((uv_handle_t *)timer, NULL);
	if (!left)
		finish();
}

int main(int argc, char *argv[])
{
	uv_loop_t *loop = uv_default_loop();
	uv_timer_t timer;
	int fd = open(argv[1], O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		err(1, "%s", argv[1]);
	left = atoi(argv[2]);
	by_poll = argc > 3;
	if (by_poll) {
		if (uv_poll_init(loop, &poll_handle, fd) ||
		    uv_poll_start(&poll_handle, UV_READABLE, on_poll))
			errx(1, "uv_poll");
	} else {
		uv_pipe_init(loop, &pipe_handle, 0);
		if (uv_pipe_open(&pipe_handle, fd) ||
		    uv_read_start((uv_stream_t *)&pipe_handle, on_alloc, on_read))
			errx(1, "uv_pipe");
	}
	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, on_timer, 10, 0);
	return uv_run(loop, UV_RUN_DEFAULT);
}
