// SPDX-License-Identifier: GPL-2.0-only
/* glib: a main loop that watches a GIOChannel; glib FILE LINES */
#include <err.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

static GMainLoop *loop;
static guint watch;
static int left;

static gboolean on_read(GIOChannel *channel, GIOCondition condition, gpointer data)
{
	gchar *line;

	while (left > 0) {
		switch (g_io_channel_read_line(channel, &line, NULL, NULL, NULL)) {
		case G_IO_STATUS_NORMAL:
			fputs(line, stdout);
			g_free(line);
			left--;
			continue;
		case G_IO_STATUS_AGAIN:
			return G_SOURCE_CONTINUE;
		case G_IO_STATUS_ERROR:
			errx(1, "read");
		case G_IO_STATUS_EOF:
			left = 0;
		}
	}
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

static gboolean on_timer(gpointer data)
{
	fputs("waits\n", stderr);
	if (!left) {
		g_source_remove(watch);
		g_main_loop_quit(loop);
	}
	return G_SOURCE_REMOVE;
}

int main(int argc, char *argv[])
{
	GIOChannel *channel;
	int fd = open(argv[1], O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		err(1, "%s", argv[1]);
	left = atoi(argv[2]);
	loop = g_main_loop_new(NULL, FALSE);
	channel = g_io_channel_unix_new(fd);
	g_io_channel_set_encoding(channel, NULL, NULL);
	watch = g_io_add_watch(channel, G_IO_IN | G_IO_HUP, on_read, NULL);
	g_timeout_add(10, on_timer, NULL);
	g_main_loop_run(loop);
	return 0;
}
