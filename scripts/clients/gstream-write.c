// SPDX-License-Identifier: GPL-2.0-only
/* gio: a GUnixOutputStream, more lines than the file takes at once; gstream-write FILE LINES */
#include <err.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixoutputstream.h>
#include <stdlib.h>

static GMainLoop *loop;

static void on_written(GObject *object, GAsyncResult *result, gpointer data)
{
	GError *error = NULL;

	if (!g_output_stream_write_all_finish(G_OUTPUT_STREAM(object), result, NULL, &error))
		errx(1, "%s", error->message);
	g_main_loop_quit(loop);
}

int main(int argc, char *argv[])
{
	GString *text = g_string_new(NULL);
	GOutputStream *stream;
	int fd = open(argv[1], O_WRONLY);

	if (fd < 0)
		err(1, "%s", argv[1]);
	for (int i = 1; i <= atoi(argv[2]); i++)
		g_string_append_printf(text, "%d\n", i);
	loop = g_main_loop_new(NULL, FALSE);
	stream = g_unix_output_stream_new(fd, TRUE);
	g_output_stream_write_all_async(stream, text->str, text->len, 0, NULL, on_written, NULL);
	g_main_loop_run(loop);
	return 0;
}
