// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a file stands, and waiting until it has been read empty
 *
 * The kernel shows where it stands in fdinfo; to look there changes nothing, while
 * IODEMO_GET_STATS would take back a POLLPRI that the program under test waits for.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "libiodemo.h"

#define LOOK_MS		10	/* for those who read without that inotify tells */

struct place {
	__u64 cursor;
	__u64 waiting;
};

static int place_of(int fd, struct place *place)
{
	int found = 0, flags = fcntl(fd, F_GETFL);
	char path[64], *line = NULL;
	size_t size = 0;
	__u64 waiting;
	FILE *file;

	if (flags < 0 || (flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (getline(&line, &size, file) > 0) {
		found += sscanf(line, "iodemo-cursor: %llu", &place->cursor) == 1;
		found += sscanf(line, "iodemo-lag: %llu", &place->waiting) == 1;
		/* Of all that is there, what it wants; before version 6 that was the same. */
		if (sscanf(line, "iodemo-waiting: %llu", &waiting) == 1)
			place->waiting = waiting;
	}
	free(line);
	fclose(file);
	return found == 2 ? 0 : -ENOTTY;
}

int iodemo_next(int fd, __u64 *seq)
{
	struct place place;
	int err = place_of(fd, &place);

	if (!err)
		*seq = place.cursor;
	return err;
}

/* Of a line that is half read only poll() tells, and not once the device is gone. */
static int look(int fd)
{
	struct pollfd rest = { .fd = fd, .events = POLLIN };
	struct place place;
	int err = place_of(fd, &place);

	if (err)
		return err;
	if (place.waiting)
		return -ETIMEDOUT;
	if (poll(&rest, 1, 0) < 0)
		return -errno;
	return rest.revents & POLLIN && !(rest.revents & POLLHUP) ? -ETIMEDOUT : 0;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Tells when anybody has read that device. Without it, -1, there is still LOOK_MS. */
static int watch(int fd)
{
	int readers = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
	if (readers >= 0)
		inotify_add_watch(readers, path, IN_ACCESS | IN_CLOSE);
	return readers;
}

static int wait_for(struct pollfd *readers, long long ms)
{
	char events[sizeof(struct inotify_event) + NAME_MAX + 1];

	if (poll(readers, 1, ms < LOOK_MS ? ms : LOOK_MS) < 0)
		return -errno;
	while (readers->revents && read(readers->fd, events, sizeof(events)) > 0)
		;
	return 0;
}

/* Who looks after the watch has begun misses no read. */
int iodemo_wait_handled(int fd, int timeout_ms)
{
	long long end = timeout_ms < 0 ? LLONG_MAX : now_ms() + timeout_ms;
	int err = look(fd);
	struct pollfd readers = { .events = POLLIN };

	if (err != -ETIMEDOUT || !timeout_ms)
		return err;
	readers.fd = watch(fd);
	while ((err = look(fd)) == -ETIMEDOUT) {
		long long left = end - now_ms();

		if (left <= 0)
			break;
		err = wait_for(&readers, left);
		if (err)
			break;
	}
	if (readers.fd >= 0)
		close(readers.fd);
	return err;
}
