/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the exercises have in common: each takes RECORDS records, and shows their
 * seqs at its end. check.c has a look at how it did that.
 */
#ifndef EXERCISE_H
#define EXERCISE_H

#include <err.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "iodemo.h"

#define RECORDS	12

static __u64 taken[RECORDS];
static atomic_uint count;

/* An open file that gives raw records, and sleeps until @low_water of them wait. */
static inline int open_device(int flags, unsigned int low_water)
{
	struct iodemo_client_config config = {
		.format = IODEMO_FORMAT_RAW,
		.low_water = low_water,
	};
	int fd = open("/dev/iodemo", flags);

	if (fd < 0 || ioctl(fd, IODEMO_SET_CLIENT, &config))
		err(2, "/dev/iodemo");
	return fd;
}

/* For each record, once. May be called in a signal handler. */
static inline void take(const struct iodemo_record *record)
{
	if (count < RECORDS)
		taken[count++] = record->seq;
}

/* What read() gave: @bytes of them */
static inline void take_all(const struct iodemo_record *records, long bytes)
{
	for (long i = 0; i < bytes / (long)sizeof(*records); i++)
		take(&records[i]);
}

static inline int show(void)
{
	for (unsigned int i = 0; i < count; i++)
		printf("%llu\n", taken[i]);
	return 0;
}

#endif /* EXERCISE_H */
