// SPDX-License-Identifier: GPL-2.0-only
/* libuv: more lines than the file takes at once, in one request; uv-write FILE LINES */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static void on_written(uv_write_t *request, int status)
{
	if (status)
		errx(1, "write: %s", uv_strerror(status));
	uv_close((uv_handle_t *)request->handle, NULL);
}

int main(int argc, char *argv[])
{
	uv_loop_t *loop = uv_default_loop();
	int fd = open(argv[1], O_WRONLY | O_NONBLOCK);
	int lines = atoi(argv[2]);
	uv_write_t request;
	uv_pipe_t pipe;
	uv_buf_t buf;
	FILE *text;

	if (fd < 0)
		err(1, "%s", argv[1]);
	text = open_memstream(&buf.base, &buf.len);
	for (int i = 1; i <= lines; i++)
		fprintf(text, "%d\n", i);
	fclose(text);
	uv_pipe_init(loop, &pipe, 0);
	if (uv_pipe_open(&pipe, fd) ||
	    uv_write(&request, (uv_stream_t *)&pipe, &buf, 1, on_written))
		errx(1, "uv_pipe");
	return uv_run(loop, UV_RUN_DEFAULT);
}
