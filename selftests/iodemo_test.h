/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the iodemo tests share.
 *
 * The tests wait for events and never for time: they fire the device by hand,
 * TRIGGER returns when all wake-ups are done, and whether a thread sleeps is
 * asked of /proc. A wait that never ends is ended by the harness.
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
/* For those whose files the kernel closes behind their back: io_uring. */
int unload_when_free(void);
/* Close whatever file a test has opened. */
void close_all(void);

int bind_device(int index);
int unbind_device(int index);

/* Files under /proc and /sys: the number of bytes, or -errno. */
long read_file(const char *path, char *buf, size_t size);
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

#define STAT(fd, name) ((long)get_stats(fd).name)

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

/* A thread that makes one system call, in which it is to fall asleep */

#define SLEEPER_RECORDS 80

struct sleeper {
	long (*call)(struct sleeper *s);	/* gives a result() */
	int fd;
	int events;		/* for poll */
	long size;		/* of what is read or written */
	long result;		/* what the call gave */
	siginfo_t info;		/* from sigwaitinfo() */
	__u32 count;		/* for TRIGGER */
	sigset_t signals;	/* for sigwaitinfo() */
	void *buf;		/* NULL: records */
	struct iodemo_record records[SLEEPER_RECORDS];

	pthread_t thread;
	atomic_int tid;		/* 0 until the thread is about to call */
	atomic_bool done;
	long switches;		/* voluntary context switches when it slept */
};

struct sleeper reader(int fd, long count);	/* count: of records, as all */
struct sleeper writer(int fd, long count);
struct sleeper poller(int fd, int events);
struct sleeper selecter(int fd, int events);
struct sleeper epoller(int epfd);
struct sleeper triggerer(int fd, __u32 count);
struct sleeper signal_waiter(int sig);

bool sleeper_start(struct sleeper *s);
/* Wait until the thread is asleep in its call. false: the call has returned. */
bool sleeper_sleeps(struct sleeper *s);
/* Both: what most tests want. */
bool falls_asleep(struct sleeper *s);
/* It is asleep, and has not run since it was last seen asleep. */
bool undisturbed(struct sleeper *s);
/* Wait for the call to return; what it gave. */
long sleeper_result(struct sleeper *s);

/* The same for any thread or process. */
bool task_sleeps(pid_t tid, long *switches);
/* Number of times that the calling thread gave up the processor by itself */
long own_switches(void);

/* Signals */

/* Count this signal in signals_caught; flags as SA_RESTART. */
int catch_signal(int sig, int flags);
extern atomic_int signals_caught;
/* Send it to the sleeper and wait until its handler has run. */
int interrupt_sleeper(struct sleeper *s, int sig);
/* Take a pending signal: its number, or -EAGAIN when none pends. */
long take_signal(siginfo_t *info);
/* Block and queue: signal @sig (0: SIGIO) tells of this file to this process. */
long signal_on(int fd, int sig);

/* Memory that can't be copied to, or not yet */

/* Two pages, the second without access; the start of the second. */
void *page_end(void);
extern void *const bad_pointer;	/* to nothing */

/* One page whose first touch sleeps until stuck_page_free(). */
struct stuck_page {
	int uffd;
	void *page;
};

bool stuck_page_make(struct stuck_page *p);	/* false: no userfaultfd here */
long stuck_page_wait(struct stuck_page *p);	/* until somebody is stuck */
long stuck_page_free(struct stuck_page *p, const void *data, size_t size);

/* Processes: what they leave to the kernel when they die */

/* Threads of a process, those that the kernel makes for it included; or -1 */
long count_tasks(pid_t pid);

enum death {
	DEATH_EXIT,
	DEATH_SIGKILL,
	DEATH_EXEC,	/* of a program that lives on, until victim_end() */
};

/*
 * A process that has begun something, and then dies. It shares no file of the
 * driver's with the test, if the test has none open when it starts it.
 */
struct victim {
	enum death death;
	long (*begin)(void *arg);	/* in it; 0 or -errno */
	void *arg;

	pid_t pid;
	int go;		/* written or closed by us: it shall die */
	int gone;	/* at its end when it has executed a program */
};

/* Start it. When begin() is done: what it gave */
long victim_start(struct victim *v);
/* Let it die; return when that is done. How long it took, in nanoseconds */
long victim_dies(struct victim *v);
void victim_end(struct victim *v);

/* What a process with 1,000 requests pending may take to die. */
long death_limit_ns(void);

/*
 * The fixture of most tests: a fresh module, /dev/iodemo open for reading and
 * writing of raw records. Whatever a test opens is closed for it; that the
 * module can be unloaded then is part of each test.
 */
#define IODEMO_FIXTURE_TEARDOWN(name)					\
	FIXTURE_TEARDOWN(name)						\
	{								\
		close_all();						\
		EXPECT_EQ(0, unload());					\
	}

#define IODEMO_FIXTURE(name, parameters)				\
	FIXTURE(name) {							\
		int fd;							\
	};								\
	FIXTURE_SETUP(name)						\
	{								\
		ASSERT_EQ(0, load(parameters));				\
		self->fd = open_raw(0, O_RDWR);				\
		ASSERT_LE(0, self->fd);					\
	}								\
	IODEMO_FIXTURE_TEARDOWN(name)

/* The same, woken from the hard handler and from the irq thread */
#define IODEMO_FIXTURE_BOTH(name, parameters)				\
	FIXTURE(name) {							\
		int fd;							\
	};								\
	FIXTURE_VARIANT(name) {						\
		int threaded;						\
	};								\
	FIXTURE_VARIANT_ADD(name, hard) {				\
		.threaded = 0,						\
	};								\
	FIXTURE_VARIANT_ADD(name, threaded) {				\
		.threaded = 1,						\
	};								\
	FIXTURE_SETUP(name)						\
	{								\
		ASSERT_EQ(0, load(parameters " threaded=%d", variant->threaded)); \
		self->fd = open_raw(0, O_RDWR);				\
		ASSERT_LE(0, self->fd);					\
	}								\
	IODEMO_FIXTURE_TEARDOWN(name)

#endif /* IODEMO_TEST_H */
