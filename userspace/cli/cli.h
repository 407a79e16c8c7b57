/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs share around their I/O: numbers from the command line, opening
 * and configuring, the clock
 *
 * Functions that meet an error say what was wrong, with the name, the value and
 * the range, and end the program with status 1. What is for other people's
 * programs is in libiodemo, and returns its errors.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stdnoreturn.h>

#include "libiodemo.h"
#include "libiodemo-ring.h"

#define IODEMO_BATCH		64	/* records that one read asks for at most */

/* Numbers (number.c) */

/**
 * iodemo_number() - read a decimal number, or say what is wrong and exit
 * @name: what the number is, for the message
 * @text: the digits
 * @min: the smallest value allowed
 * @max: the largest value allowed
 */
__u64 iodemo_number(const char *name, const char *text, __u64 min, __u64 max);

/* The same for a period in microseconds, which has 0 beside its range. */
__u32 iodemo_period(const char *name, const char *text);

/* The answer to --version: program, version of iodemo, that of the interface (version.c) */
noreturn void iodemo_show_version(void);

/* The clock (clock.c) */

/* Nanoseconds of CLOCK_MONOTONIC, as in a record's timestamp. */
__u64 iodemo_now(void);

/* The device (device.c) */

/**
 * iodemo_open_or_exit() - open a device, check that it is one and that we understand it
 * @path: the device node
 * @flags: as for open(); O_CLOEXEC is added
 */
int iodemo_open_or_exit(const char *path, int flags);

/* An ioctl; @what says in the message what was to be done. */
void iodemo_ioctl(int fd, const char *path, unsigned long request, void *arg, const char *what);

/* From text, which open() gives, to struct iodemo_record. */
void iodemo_set_raw(int fd, const char *path, __u32 low_water);

#endif /* CLI_H */
