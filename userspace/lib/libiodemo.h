/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libiodemo: for tests of what waits for a file, whose events are to come exactly
 * when told
 *
 *	fd = iodemo_open(NULL, O_RDWR | O_NONBLOCK);
 *	iodemo_configure(fd, 0, 1);		nothing comes by itself
 *	... give fd to the event loop, in this thread or another ...
 *	iodemo_fire(fd, 3);			three records are there now
 *	iodemo_wait_handled(fd, 1000);		the loop has read them
 *	iodemo_expect(buffer, size, &seq);	whole, in order, none lost
 *
 * All return a negative errno for an error. They never print, never end the
 * program, and keep nothing between two calls: any thread may call any of them at
 * any time. The file is an ordinary one; close() ends it.
 *
 * What the errors mean is said in libiodemo(3).
 */
#ifndef LIBIODEMO_H
#define LIBIODEMO_H

#include <stddef.h>
#include <sys/types.h>

#include "iodemo.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define IODEMO_DEVICE	"/dev/iodemo"

/**
 * iodemo_open() - open a device, for raw records
 * @path: the device node; NULL is IODEMO_DEVICE
 * @flags: as for open(): O_RDONLY, O_WRONLY or O_RDWR, with O_NONBLOCK or not.
 *	O_CLOEXEC is added. To fire and to configure takes one open for writing.
 *
 * The file begins at the newest record: it reads what comes from now on.
 *
 * Return: the file descriptor; -ENOTTY if it is no iodemo device, -EPROTO if it is
 * one of an interface that this library doesn't know, -EBUSY if it is reserved, or
 * what else open() says
 */
int iodemo_open(const char *path, int flags);

/**
 * iodemo_configure() - how the device makes interrupts, for all its files
 * @fd: a device, open for writing
 * @period_us: microseconds between two interrupts, IODEMO_PERIOD_US_MIN..
 *	IODEMO_PERIOD_US_MAX, or 0: none comes but by iodemo_fire()
 * @burst: samples an interrupt, IODEMO_BURST_MIN..IODEMO_BURST_MAX
 *
 * Return: 0; -EINVAL, -EBADF, -EPERM, -EBUSY, -ENODEV, -ENOTTY
 */
int iodemo_configure(int fd, __u32 period_us, __u32 burst);

/**
 * iodemo_set_client() - how this file reads
 * @fd: a device
 * @format: IODEMO_FORMAT_RAW, as after iodemo_open(), or IODEMO_FORMAT_TEXT
 * @low_water: records that must wait before the file is readable,
 *	IODEMO_LOW_WATER_MIN..capacity
 *
 * It wants all types of records again; see iodemo_set_types().
 *
 * Return: 0; -EINVAL, -EBADF, -ENODEV, -ENOTTY
 */
int iodemo_set_client(int fd, __u32 format, __u32 low_water);

/**
 * iodemo_set_types() - what types of records this file wants
 * @fd: a device
 * @types: 1U << IODEMO_TYPE_ECHO and so on; 0: all
 *
 * Records of other types neither make it readable nor are read; the ring, mapped,
 * shows them.
 *
 * Return: 0; -EINVAL, also from a driver older than this, -EBADF, -ENODEV, -ENOTTY
 */
int iodemo_set_types(int fd, __u32 types);

/**
 * iodemo_fire() - make interrupts, now
 * @fd: a device, open for writing; its readers are all files of that device
 * @interrupts: how many, 1..4294967295
 *
 * When it returns 0, all of them have been handled: @interrupts times burst
 * samples, and the echoes of what was written, are in the ring, and whoever waits
 * for them has been woken (SIGIO to a process group of more than 16 threads can come
 * later). A signal's handler runs in between, and then it goes on.
 *
 * Return: 0; -EINVAL, -EBADF, -EBUSY, -ENODEV, -ENOTTY
 */
int iodemo_fire(int fd, __u32 interrupts);

/**
 * iodemo_next() - which record this file reads next
 * @fd: a device, open for reading
 * @seq: where to
 *
 * Takes no POLLPRI back, as IODEMO_GET_STATS does, and works for an unplugged
 * device too.
 *
 * Return: 0; -EBADF, -ENOTTY, or what opening /proc/thread-self/fdinfo/FD says
 */
int iodemo_next(int fd, __u64 *seq);

/**
 * iodemo_wait_handled() - wait until nothing is left to read in this file
 * @fd: a device, open for reading; what others do with the file counts, be they
 *	threads or processes that share it
 * @timeout_ms: milliseconds; 0 only looks, less than 0 has no end
 *
 * Handled is what was taken out of the file: that its callback has returned, only
 * the program knows. Records below the low-water mark, and the rest of a line
 * that is half read, are left to read. So an unplugged device's file is handled
 * when its records are taken.
 *
 * Sleeps until somebody reads the device. The kernel tells nobody of a record that
 * kernel AIO, the mapped ring or, in older kernels, splice() takes, so it also looks
 * each 10 ms.
 *
 * Return: 0; -ETIMEDOUT, -EINTR after a signal's handler, -EBADF, -ENOTTY, or what
 * opening /proc/thread-self/fdinfo/FD says
 */
int iodemo_wait_handled(int fd, int timeout_ms);

/**
 * iodemo_expect() - are these the records that the device made?
 * @buffer: raw records, as read() has left them; of any alignment
 * @size: its size in bytes
 * @seq: of the record that should come first; becomes that of the next one to
 *	come, or of the one that should have stood where an error is
 *
 * A sample must have the data that follows from its seq; of an echo, which can
 * hold anything, what is past its data must be zero.
 *
 * Of a file that doesn't want all types, each is to be looked at by itself.
 *
 * Return: how many they are; -EINVAL if @size is of no whole records, -EBADMSG for
 * a record that the device can't have made, -EILSEQ for one that it has made but
 * that is not @seq: lost, twice or in another order
 */
ssize_t iodemo_expect(const void *buffer, size_t size, __u64 *seq);

/**
 * iodemo_unplug() - take a device away, also while it is open; iodemo_plug() - and back
 * @index: 0 is /dev/iodemo, n is /dev/iodemon
 *
 * Through /sys/bus/platform/drivers/iodemo, so for root. When they return 0, it is
 * gone and whoever waits has been woken with POLLHUP, or the node is there again;
 * files that are open stay unplugged for ever.
 *
 * Return: 0; -ENODEV if there is none to unplug or to plug, -EBUSY if it is plugged
 * already, -EACCES, -ENOENT if the module isn't loaded
 */
int iodemo_unplug(unsigned int index);
int iodemo_plug(unsigned int index);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* LIBIODEMO_H */
