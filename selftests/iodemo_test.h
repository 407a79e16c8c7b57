/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the iodemo tests share.
 *
 * The tests wait for events and never for time: they fire the device by hand,
 * TRIGGER returns when all wake-ups are done, and whether a thread sleeps is
 * asked of /proc. A wait that never ends is ended by the harness.
 *
 * They are about the timer's device, unless the environment names another one and
 * its module: IODEMO_NODE=/dev/iodemo-edu IODEMO_MODULE=iodemo-edu. That is loaded
 * with those of the parameters which it has too, and device 0 is its.
 *
 * Nothing in here asserts: functions give results that the tests compare.
 */
#ifndef IODEMO_TEST_H
#define IODEMO_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iodemo.h"

/* The harness has a setjmp() in what TEST_F() becomes, and gcc suspects it. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

#define RECORD		((long)sizeof(struct iodemo_record))
#define TX_CAPACITY	64
#define TX_DRAIN	4
#define LINE_MAX_BYTES	255

/* What a system call gave: its value, or -errno. */
static inline long result(long ret)
{
	return ret == -1 ? -errno : ret;
}

/* The module */

/*
 * Load the module with these parameters (period_us=0 unless they say so); what
 * an earlier test left behind is unloaded first. Return 0 or -errno.
 */
int load(const char *format, ...) __attribute__((format(printf, 1, 2)));
int unload(void);
int unload_when_free(void);	/* io_uring's files are closed behind one's back */
int open_module(const char *module, int *flags);	/* a file for finit_module(); or -errno */
/* Any module: 0 or -errno; -ENOENT if there is none */
int load_module(const char *module, const char *parameters);
int unload_module(const char *module);
/* Close whatever file a test has opened. */
void close_all(void);

/* Is it about another device than the timer's? That has shorter bursts, and is the only one. */
bool other_source(void);
/* What /proc/interrupts calls its line */
const char *line_name(void);

int bind_device(int index);
int unbind_device(int index);

/*
 * Is this kernel so new? It is asked for by its number: a test that looked for a
 * feature could be skipped where the feature is broken.
 */
bool since_linux(int major, int minor);
/*
 * With lockdep and KASAN, or with KCSAN, each step takes long: time tells of them, and
 * of the host.
 */
bool kernel_watches(void);
/* PREEMPT_RT: a handler is a thread, and where and when it runs is the scheduler's choice. */
bool kernel_is_realtime(void);

/* Linux 6.7 has multishot reads, and commands of io_uring that can be cancelled. */
static inline bool since_6_7(void)
{
	return since_linux(6, 7);
}

/* What GET_INFO says of a timer on this kernel, but for IODEMO_INFO_THREADED */
static inline __u32 timer_flags(void)
{
	return IODEMO_INFO_CONFIG | IODEMO_INFO_TRIGGER |
	       (since_6_7() ? IODEMO_INFO_URING_WAIT : 0);
}

/* Files under /proc and /sys: the number of bytes, or -errno. */
long read_file(const char *path, char *buf, size_t size);
long write_file(const char *path, const char *text);	/* 0, or -errno */
/* The interrupts that /proc/interrupts counts for this name, or -1: no line. */
long proc_interrupts(const char *name);

/* The device */

int open_device(int index, int flags);		/* as open() leaves it: text */
int open_raw(int index, int flags);		/* ready to read or write records */
long trigger(int fd, __u32 count);
long set_client(int fd, __u32 format, __u32 low_water);
long set_low_water(int fd, __u32 low_water);
long set_config(int fd, __u32 period_us, __u32 burst);

/* CLOCK_MONOTONIC, in nanoseconds. */
__u64 clock_ns(void);
struct iodemo_stats get_stats(int fd);

#define STAT(fd, name) ((long long)get_stats(fd).name)

/* Records: "" when all is right, else what is wrong */

const char *sample_fault(const struct iodemo_record *record, __u64 seq);
/* One read() of @count records must give the samples from @seq on. */
const char *read_fault(int fd, __u64 seq, long count);
/* The next record is this echo. */
const char *echo_fault(int fd, const char *data, size_t len);

#define EXPECT_SAMPLE(record, seq)	EXPECT_STREQ("", sample_fault(record, seq))
#define EXPECT_READ(fd, seq, count)	EXPECT_STREQ("", read_fault(fd, seq, count))
#define EXPECT_ECHO(fd, data, len)	EXPECT_STREQ("", echo_fault(fd, data, len))

/* read() and write() that can't sleep: RWF_NOWAIT */
long read_nowait(int fd, void *buf, size_t size);
long write_nowait(int fd, const void *buf, size_t size);

/* A record to write, and @count copies of it in one write(). */
struct iodemo_record raw_record(const char *data);
long write_records(int fd, long count);
/* Fill the transmit queue. Return the number of records that went in. */
long fill_queue(int fd);

/* poll() with no time: the events that are there now */
int poll_now(int fd, int events);

/* Signals */

/* Count this signal in signals_caught; flags as SA_RESTART. */
int catch_signal(int sig, int flags);
extern atomic_int signals_caught;
/* Take a pending signal: its number, or -EAGAIN when none pends. */
long take_signal(siginfo_t *info);
/* Block and queue: signal @sig (0: SIGIO) tells of this file to this process. */
long signal_on(int fd, int sig);

#include "iodemo_memory.h"
#include "iodemo_sleeper.h"
#include "iodemo_victim.h"
#include "iodemo_fixture.h"

#endif /* IODEMO_TEST_H */
