// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between a device that is connected to something outside and a pipe: bytes, as they
 * are in the records. Started by the project's scripts/virtio-check.sh.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "iodemo.h"

#define RECORDS	16

/*
 * QEMU drops what a virtconsole's outside has no room for. So who is outside sends a zero
 * for each CHUNK that it has got, and no more than WINDOW is under way.
 */
#define CHUNK	4000
#define WINDOW	(2 * CHUNK)

static int open_raw(const char *path, int flags)
{
	const struct iodemo_client_config raw = { .format = IODEMO_FORMAT_RAW, .low_water = 1 };
	int fd = open(path, flags);

	if (fd < 0)
		err(1, "%s", path);
	if (ioctl(fd, IODEMO_SET_CLIENT, &raw))
		err(1, "%s: SET_CLIENT", path);
	return fd;
}

static void put(const void *data, size_t len)
{
	if (fwrite(data, 1, len, stdout) != len)
		err(1, "stdout");
}

/* Wait until the device has no room, and then for somebody who lets us go on. */
static void hold(int fd, const char *path)
{
	struct iodemo_client_config config = { .format = IODEMO_FORMAT_RAW };
	struct pollfd full = { .fd = fd, .events = POLLIN };
	struct iodemo_info info;

	if (ioctl(fd, IODEMO_GET_INFO, &info))
		err(1, "%s: GET_INFO", path);
	config.low_water = info.capacity;
	if (ioctl(fd, IODEMO_SET_CLIENT, &config) || poll(&full, 1, -1) != 1)
		err(1, "%s: the ring does not fill", path);
	raise(SIGSTOP);
	config.low_water = 1;
	if (ioctl(fd, IODEMO_SET_CLIENT, &config) && errno != ENODEV)
		err(1, "%s: SET_CLIENT", path);
}

/*
 * What is received, up to and with the line "end", or to the end of the device. When so
 * many records have come, it is held, once.
 */
static int receive(const char *path, unsigned long hold_after)
{
	static const char end[] = "\nend\n";
	char last[sizeof(end) - 1] = { 0 };
	int fd = open_raw(path, O_RDONLY);
	struct iodemo_record records[RECORDS];
	__u64 seq = 0, total = 0;
	ssize_t got;

	fputs("reading\n", stderr);
	while ((got = read(fd, records, sizeof(records))) > 0) {
		for (size_t i = 0; i < got / sizeof(*records); i++) {
			const struct iodemo_record *record = &records[i];

			if (record->type != IODEMO_TYPE_RECEIVED)
				errx(1, "seq %llu is of type %u", record->seq, record->type);
			if (total++ && record->seq != seq)
				errx(1, "seq %llu comes after %llu", record->seq, seq - 1);
			seq = record->seq + 1;
			for (int k = 0; k < record->len; k++) {
				if (!record->data[k])	/* for who sends */
					continue;
				put(&record->data[k], 1);
				memmove(last, last + 1, sizeof(last) - 1);
				last[sizeof(last) - 1] = record->data[k];
			}
		}
		if (hold_after && total >= hold_after) {
			hold_after = 0;
			hold(fd, path);
		}
		if (!memcmp(last, end, sizeof(last)))
			return 0;
	}
	if (got < 0)
		err(1, "%s: read", path);
	return 0;
}

/* The zeros that have come; with @wait, sleep until something has. */
static long take_zeros(int fd, const char *path, int wait)
{
	struct iodemo_record records[RECORDS];
	struct iovec iov = { .iov_base = records, .iov_len = sizeof(records) };
	ssize_t got = preadv2(fd, &iov, 1, -1, wait ? 0 : RWF_NOWAIT);
	long zeros = 0;

	if (got < 0 && errno != EAGAIN)
		err(1, "%s: read", path);
	for (ssize_t i = 0; i < got / (ssize_t)sizeof(*records); i++) {
		for (int k = 0; k < records[i].len; k++)
			zeros += !records[i].data[k];
	}
	return zeros;
}

static int send_all(const char *path)
{
	int fd = open_raw(path, O_RDWR);
	struct iodemo_record record;
	long sent = 0, taken = 0;

	for (;;) {
		size_t len;

		taken += CHUNK * take_zeros(fd, path, sent - taken >= WINDOW);
		if (sent - taken >= WINDOW)
			continue;
		memset(&record, 0, sizeof(record));
		len = fread(record.data, 1, IODEMO_DATA_SIZE, stdin);
		if (!len)
			break;
		record.len = len;
		sent += len;
		if (write(fd, &record, sizeof(record)) != sizeof(record))
			err(1, "%s: write", path);
	}
	while (sent - taken >= CHUNK)
		taken += CHUNK * take_zeros(fd, path, 1);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "receive"))
		return receive(argv[2], argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
	if (argc == 3 && !strcmp(argv[1], "send"))
		return send_all(argv[2]);
	fputs("usage: outside receive DEVICE [HOLD-AFTER] | outside send DEVICE\n"
	      "receive writes what the device has received up to a line \"end\"; after HOLD-AFTER records\n"
	      "it waits until the ring is full, and stops until it gets a SIGCONT; send sends its input, while the other side answers\n"
	      "each 4000 bytes with a zero, which receive leaves out.\n",
	      argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
	return argc == 2 && !strcmp(argv[1], "--help") ? 0 : 2;
}
