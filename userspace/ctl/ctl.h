/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of iodemo-ctl that follow a device
 */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cli.h"

/* Types of records, by their names (types.c) */

const char *ctl_type_name(unsigned int type);

/* "echo,sample" as a mask, or "all" as 0; any other word ends the program. */
__u32 ctl_types(const char *words);

/* Records, a line each (records.c) */

void ctl_show_tail(int fd, const char *path, __u64 count);

/* Ends after @lines, when nobody reads standard output any more, or with the device. */
void ctl_follow_records(int fd, const char *path, __u64 lines);

/* The device as it is, second by second (monitor.c) */

/**
 * ctl_monitor() - show the device and its readers at once, and then each second
 * @fd: the device, open for reading; it is asked for its counters, and neither
 *	read nor waited for
 * @path: its name
 * @looks: end after so many
 *
 * Ends also when nobody reads standard output any more, or with the device.
 */
void ctl_monitor(int fd, const char *path, __u64 looks);

/* Who has a device open, as /proc tells it (readers.c) */

struct ctl_reader {
	pid_t pid;
	int fd;
	char command[16];
	__u64 client;		/* the open file; 0: this driver doesn't number them */
	bool writes_only;
	bool raw;
	__u64 cursor;
	__u64 lag;
	__u64 lost;
	__u64 skipped;
};

struct ctl_readers {
	struct ctl_reader *reader;
	size_t count;
};

/**
 * ctl_find_readers() - look through the files of all processes but this one
 * @device: st_rdev of the device
 * @readers: what was found; the caller's to ctl_free_readers()
 *
 * To a plain user /proc shows his own processes, to root all. An open file that
 * several descriptors share stands there once, if the driver numbers them.
 */
void ctl_find_readers(dev_t device, struct ctl_readers *readers);
void ctl_free_readers(struct ctl_readers *readers);

#endif /* CTL_H */
