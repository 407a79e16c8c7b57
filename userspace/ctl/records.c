// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records, a line each: the last ones, or those that come
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "ctl.h"

/* @time: how long it took to get here, or how long ago it was */
static void show_record(const struct iodemo_record *record, double time, const char *unit)
{
	unsigned int i;

	printf("%12llu  cpu%-3u  %-8s  %10.1f %s  ", record->seq, record->cpu,
	       ctl_type_name(record->type), time, unit);
	for (i = 0; i < record->len; i++)
		printf(isprint(record->data[i]) ? "%c" : "\\x%02x", record->data[i]);
	putchar('\n');
}

static __u64 age(const struct iodemo_record *record)
{
	return iodemo_now() - record->timestamp;
}

/* A new file reads only what comes from now on; the mapped ring has what was before, too. */
void ctl_show_tail(int fd, const char *path, __u64 count)
{
	struct iodemo_record record;
	struct iodemo_ring ring;
	__u64 seq, head;

	if (iodemo_ring_map(&ring, fd))
		err(1, "%s: can't map the ring", path);
	head = iodemo_ring_head(&ring);
	for (seq = head > count ? head - count : 0; seq < head; seq++)
		if (iodemo_ring_copy(&ring, seq, &record))
			show_record(&record, age(&record) / 1e6, "ms ago");
	iodemo_ring_unmap(&ring);
}

/* A gap is what was lost, or not wanted: only the device knows. */
static void show_lost(int fd, const char *path, __u64 *lost)
{
	struct iodemo_stats stats;

	iodemo_ioctl(fd, path, IODEMO_GET_STATS, &stats, "GET_STATS");
	if (stats.lost != *lost)
		printf("%12llu  lost\n", stats.lost - *lost);
	*lost = stats.lost;
}

/* Woken by the device */
void ctl_follow_records(int fd, const char *path, __u64 lines)
{
	struct iodemo_record record;
	struct iodemo_stats stats;
	__u64 next, lost;

	iodemo_ioctl(fd, path, IODEMO_GET_STATS, &stats, "GET_STATS");
	next = stats.records - stats.lag;
	lost = stats.lost;

	printf("         seq  on      type       latency     data\n");
	while (lines) {
		struct pollfd fds[] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = STDOUT_FILENO },
		};
		ssize_t bytes;

		if (poll(fds, 2, -1) < 0)
			err(1, "poll");
		if (fds[1].revents)
			return;
		while (lines && (bytes = read(fd, &record, sizeof(record))) > 0) {
			if (record.seq != next)
				show_lost(fd, path, &lost);
			next = record.seq + 1;
			show_record(&record, age(&record) / 1e3, "µs");
			lines--;
		}
		if (lines && bytes == 0)
			errx(1, "%s: the device was unplugged", path);
		if (lines && errno != EAGAIN)
			err(1, "%s: read", path);
	}
}
