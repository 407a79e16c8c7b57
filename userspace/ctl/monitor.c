// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device as it is, second by second: its counters, and who reads it
 *
 * The counters take an open file, and an open file lets the device's timer run:
 * so a device that nobody else has open is live while we look. But that is all.
 * We read no record and wait on a timer of our own, never on the device, which
 * therefore wakes nobody for us and counts no wake-up. That it was unplugged we
 * find when we ask next.
 */
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "ctl.h"

#define DEVICE_HEAD	"device      s  a second    records interrupts overruns wake-ups signals   held\n"
#define READER_HEAD	"reader     pid  fd command         client reads    lag  fill a second     lost\n"
#define OTHER_LINES	4	/* than those of readers: two heads, the device, the cursor's */

static const char legend[] =
	"  a second    records stored; by a reader: that it read\n"
	"  records     stored since it was plugged in; interrupts, overruns, wake-ups,\n"
	"              signals: as iodemo-ctl stats\n"
	"  held        records that are in the ring\n"
	"  client      number of the open file, in which several processes can share\n"
	"  reads       text or raw; or it only writes\n"
	"  lag         records that this reader has not come to\n"
	"  fill        what part of the ring they are; at 100 % it loses the next one\n"
	"  lost        records that this reader lost\n";

/* What was seen in one second */
struct look {
	__u64 second;
	struct iodemo_stats stats;
	struct ctl_readers readers;
};

static void take_look(int fd, const char *path, __u64 second, struct look *look)
{
	struct stat status;

	look->second = second;
	iodemo_ioctl(fd, path, IODEMO_GET_STATS, &look->stats, "GET_STATS");
	if (fstat(fd, &status))
		err(1, "%s", path);
	ctl_find_readers(status.st_rdev, &look->readers);
}

static const struct ctl_reader *same_reader(const struct look *look,
					    const struct ctl_reader *reader)
{
	const struct ctl_reader *other = look->readers.reader;
	size_t i;

	for (i = 0; i < look->readers.count; i++, other++)
		if (other->pid == reader->pid && other->fd == reader->fd &&
		    other->client == reader->client)
			return other;
	return NULL;
}

/* At the first look, and of a new reader, there is no rate. */
static void show_rate(FILE *to, bool known, __u64 more, __u64 seconds)
{
	if (known && seconds)
		fprintf(to, " %8llu", more / seconds);
	else
		fprintf(to, " %8s", "-");
}

static void show_device(FILE *to, __u32 capacity, const struct look *last, const struct look *now)
{
	const struct iodemo_stats *stats = &now->stats;

	fprintf(to, "device %6llu ", now->second);
	show_rate(to, true, stats->records - last->stats.records, now->second - last->second);
	fprintf(to, " %10llu %10llu %8llu %8llu %7llu %6llu\n", stats->records,
		stats->interrupts, stats->overruns, stats->wakeups, stats->signals,
		stats->records < capacity ? stats->records : capacity);
}

static void show_reader(FILE *to, __u32 capacity, const struct ctl_reader *reader,
			const struct look *last, const struct look *now)
{
	const struct ctl_reader *before = same_reader(last, reader);
	__u64 passed = 0;

	fprintf(to, "reader %7d %3d %-15s ", reader->pid, reader->fd, reader->command);
	if (reader->client)
		fprintf(to, "%6llu ", reader->client);
	else
		fprintf(to, "%6s ", "-");
	if (reader->writes_only) {
		fprintf(to, "%-5s\n", "-");
		return;
	}
	/* What it lost or skipped it passed too, and did not read. */
	if (before)
		passed = reader->cursor - before->cursor - (reader->lost - before->lost) -
			 (reader->skipped - before->skipped);
	fprintf(to, "%-5s %6llu %3llu %%", reader->raw ? "raw" : "text", reader->lag,
		reader->lag * 100 / capacity);
	show_rate(to, before, passed, now->second - last->second);
	fprintf(to, " %8llu\n", reader->lost);
}

static void show_readers(FILE *to, __u32 capacity, size_t max, const struct look *last,
			 const struct look *now)
{
	size_t i, count = now->readers.count;

	for (i = 0; i < count && i < max; i++)
		show_reader(to, capacity, &now->readers.reader[i], last, now);
	if (count > max)
		fprintf(to, "reader  and %zu more\n", count - max);
}

/* A block of lines in a terminal, which the next one replaces */
struct screen {
	unsigned int lines;	/* of the last block */
	struct winsize size;
};

static bool open_screen(struct screen *screen)
{
	const char *term = getenv("TERM");

	*screen = (struct screen){ };
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb");
}

static size_t room_for_readers(struct screen *screen)
{
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &screen->size) || !screen->size.ws_row)
		screen->size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	return screen->size.ws_row > OTHER_LINES + 1 ? screen->size.ws_row - OTHER_LINES - 1 : 1;
}

/* No line is so long that the terminal makes two of it. All of them are ASCII. */
static void replace_block(struct screen *screen, const char *text)
{
	if (screen->lines)
		printf("\r\033[%uA\033[J", screen->lines);
	for (screen->lines = 0; *text; screen->lines++) {
		int length = strcspn(text, "\n");
		int columns = screen->size.ws_col;

		printf("%.*s\n", columns && length > columns ? columns : length, text);
		text += length + 1;
	}
}

static void show(struct screen *screen, __u32 capacity, const struct look *last,
		 const struct look *now)
{
	char *text = NULL;
	size_t size;
	FILE *to;

	if (!screen) {
		show_device(stdout, capacity, last, now);
		show_readers(stdout, capacity, ~0, last, now);
		fflush(stdout);
		return;
	}
	to = open_memstream(&text, &size);
	if (!to)
		err(1, "screen");
	fputs(DEVICE_HEAD, to);
	show_device(to, capacity, last, now);
	fputs(READER_HEAD, to);
	show_readers(to, capacity, room_for_readers(screen), last, now);
	if (fclose(to))
		err(1, "screen");
	replace_block(screen, text);
	fflush(stdout);
	free(text);
}

/* Seconds that have passed; 0 when nobody listens any more */
static __u64 next_second(int timer)
{
	struct pollfd fds[] = {
		{ .fd = timer, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};
	__u64 seconds;

	if (poll(fds, 2, -1) < 0)
		err(1, "poll");
	if (fds[1].revents)
		return 0;
	if (read(timer, &seconds, sizeof(seconds)) < 0)
		err(1, "timerfd");
	return seconds;
}

void ctl_monitor(int fd, const char *path, __u64 looks)
{
	const struct itimerspec each = { .it_value.tv_sec = 1, .it_interval.tv_sec = 1 };
	struct screen screen, *in_place = open_screen(&screen) ? &screen : NULL;
	struct look last, now = { };
	struct iodemo_info info;
	__u64 seconds;
	int timer;

	iodemo_ioctl(fd, path, IODEMO_GET_INFO, &info, "GET_INFO");
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timer < 0 || timerfd_settime(timer, 0, &each, NULL))
		err(1, "timerfd");

	printf("%s, with a ring of %u records%s\n\n%s\n", path, info.capacity,
	       geteuid() ? "; of its readers yours, as only root sees all" : "", legend);
	if (!in_place)
		printf("%s%s", DEVICE_HEAD, READER_HEAD);
	take_look(fd, path, 0, &now);
	last = now;
	for (;;) {
		show(in_place, info.capacity, &last, &now);
		if (last.readers.reader != now.readers.reader)
			ctl_free_readers(&last.readers);
		if (!--looks)
			break;
		seconds = next_second(timer);
		if (!seconds)
			break;
		last = now;
		take_look(fd, path, last.second + seconds, &now);
	}
	ctl_free_readers(&now.readers);
	close(timer);
}
