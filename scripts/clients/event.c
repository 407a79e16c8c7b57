// SPDX-License-Identifier: GPL-2.0-only
/* libevent: an event with a timeout, and an evbuffer that reads; event FILE LINES */
#include <err.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static struct event_base *base;
static struct evbuffer *buffer;
static int left;

static void on_event(evutil_socket_t fd, short what, void *event)
{
	char *line;

	if (what & EV_TIMEOUT) {
		fputs("waits\n", stderr);
		event_remove_timer(event);
		if (!left)
			event_base_loopbreak(base);
		return;
	}
	switch (evbuffer_read(buffer, fd, -1)) {
	case -1:
		err(1, "read");
	case 0:
		event_base_loopbreak(base);
	}
	while (left > 0 && (line = evbuffer_readln(buffer, NULL, EVBUFFER_EOL_LF))) {
		puts(line);
		free(line);
		left--;
	}
	if (!left)
		event_base_loopbreak(base);
}

int main(int argc, char *argv[])
{
	const struct timeval soon = { .tv_usec = 10000 };
	struct event *event;
	int fd = open(argv[1], O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		err(1, "%s", argv[1]);
	left = atoi(argv[2]);
	base = event_base_new();
	buffer = evbuffer_new();
	event = event_new(base, fd, EV_READ | EV_PERSIST, on_event, event_self_cbarg());
	if (event_add(event, &soon))
		errx(1, "event_add");
	event_base_dispatch(base);
	event_free(event);
	evbuffer_free(buffer);
	event_base_free(base);
	return 0;
}
