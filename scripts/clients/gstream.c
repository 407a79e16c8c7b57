// SPDX-License-Identifier: GPL-2.0-only
/* gio: a GUnixInputStream, asynchronous, and cancelled at the end; gstream FILE LINES */
#include <err.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <stdlib.h>

static GCancellable *cancel;
static GMainLoop *loop;
static int left;

static void on_line(GObject *object, GAsyncResult *result, gpointer data)
{
	GDataInputStream *lines = G_DATA_INPUT_STREAM(object);
	GError *error = NULL;
	char *line = g_data_input_stream_read_line_finish(lines, result, NULL, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || (!line && !error)) {
		g_main_loop_quit(loop);
		return;
	}
	if (error)
		errx(1, "%s", error->message);
	puts(line);
	g_free(line);
	g_data_input_stream_read_line_async(lines, 0, cancel, on_line, NULL);
	if (!--left)
		g_cancellable_cancel(cancel);
}

static gboolean on_timer(gpointer data)
{
	fputs("waits\n", stderr);
	if (!left)
		g_cancellable_cancel(cancel);
	return G_SOURCE_REMOVE;
}

int main(int argc, char *argv[])
{
	GDataInputStream *lines;
	int fd = open(argv[1], O_RDONLY);

	if (fd < 0)
		err(1, "%s", argv[1]);
	left = atoi(argv[2]);
	loop = g_main_loop_new(NULL, FALSE);
	cancel = g_cancellable_new();
	lines = g_data_input_stream_new(g_unix_input_stream_new(fd, TRUE));
	g_data_input_stream_read_line_async(lines, 0, cancel, on_line, NULL);
	g_timeout_add(10, on_timer, NULL);
	g_main_loop_run(loop);
	return 0;
}
