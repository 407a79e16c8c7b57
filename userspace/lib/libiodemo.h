/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libiodemo: what the programs for /dev/iodemo share
 *
 * The I/O itself stays in the programs. Here is what surrounds it: the command
 * line, opening and configuring, and the figures, counted and shown in the same
 * way for all of them.
 *
 * Functions that meet an error say what was wrong, with the name, the value and
 * the range, and end the program with status 1. Only those of libiodemo-ring.h return it.
 */
#ifndef LIBIODEMO_H
#define LIBIODEMO_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "iodemo.h"
#include "libiodemo-ring.h"

#define IODEMO_DEVICE		"/dev/iodemo"
#define IODEMO_FILES_MAX	16	/* that one demo has open */
#define IODEMO_BATCH		64	/* records that one read asks for at most */

/* number.c */

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

/* figures.c */

/* Nanoseconds of CLOCK_MONOTONIC, as in a record's timestamp. */
__u64 iodemo_now(void);

/* device.c */

/**
 * iodemo_open() - open a device, check that it is one and that we understand it
 * @path: the device node
 * @flags: as for open(); O_CLOEXEC is added
 */
int iodemo_open(const char *path, int flags);

/* An ioctl; @what says in the message what was to be done. */
void iodemo_ioctl(int fd, const char *path, unsigned long request, void *arg, const char *what);

/* From text, which open() gives, to struct iodemo_record. */
void iodemo_set_raw(int fd, const char *path, __u32 low_water);

/* demo.c and figures.c: a run of one demo, from its command line to its report */

/* How many nanoseconds something took: a histogram with steps of 3 %. */
struct iodemo_histogram {
	__u64 count;
	__u64 max;
	__u64 bucket[1920];
};

/* One open file of a run. */
struct iodemo_file {
	const char *path;
	int fd;
	__u64 next;			/* the seq that should come next */
	struct iodemo_config config;	/* as it was before the run */
	bool changed;			/* so that it is to be put back */
};

struct iodemo_run;

/* A model can have several system call interfaces: one row each, the first is the default. */
struct iodemo_api {
	const char *name;
	void (*loop)(struct iodemo_run *run);
};

struct iodemo_run {
	/* What the demo says about itself. apis ends with an empty row. */
	const char *model;
	const char *about;
	const struct iodemo_api *apis;
	unsigned int files_max;		/* how often --device may be given; 0 is once */
	bool has_overflow;		/* it knows --overflow */

	/* What the command line says. */
	const struct iodemo_api *api;
	__u64 wanted;			/* the run ends after so many records */
	__s64 period_us;		/* -1: leave the device's own */
	bool overflow;
	bool json;
	unsigned int files;
	struct iodemo_file file[IODEMO_FILES_MAX];

	/* What the demo counts, where it happens. */
	__u64 calls;			/* system calls */
	__u64 eagains;			/* of these, that got EAGAIN */
	bool more_calls;		/* others make some for it, which it can't count */
	bool counts_copies;
	__u64 copied_to_program;	/* bytes */
	__u64 copied_in_kernel;		/* bytes */

	/* What the library counts. */
	__u64 submits;			/* see iodemo_submitted() */
	__u64 submit_ns;
	unsigned int threads;		/* at most, besides the program's own */
	__u64 records;
	__u64 lost;			/* gaps in seq */
	__u64 corrupt;			/* records that the device can't have made */
	bool unplugged;
	struct iodemo_histogram latency;
	__u64 work;			/* units */
	__u64 work_state;
	__u64 elapsed_ns;
	struct rusage usage;		/* of the time between start and stop */
};

/* Set by SIGINT, SIGTERM and SIGHUP: the run is to end with what it has. */
extern atomic_bool iodemo_stopped;

/* Reads the command line into @run. */
void iodemo_options(struct iodemo_run *run, int argc, char **argv);

/**
 * iodemo_open_files() - open what --device named, for raw records
 * @run: the run
 * @flags: O_NONBLOCK or 0; O_RDWR is chosen if --period makes it necessary
 */
void iodemo_open_files(struct iodemo_run *run, int flags);

/**
 * iodemo_hold_stop() - let Ctrl-C come only where the program waits
 * @wait_mask: for pselect(), ppoll() or epoll_pwait()
 *
 * Otherwise a signal that arrives between the look at iodemo_stopped and the
 * wait would be slept through.
 */
void iodemo_hold_stop(sigset_t *wait_mask);

/* The time between these two is what the figures are about. */
void iodemo_start(struct iodemo_run *run);
void iodemo_stop(struct iodemo_run *run);

/* Enough records, or stopped, or unplugged: nothing more to read. */
bool iodemo_over(const struct iodemo_run *run);

/* Bytes that the next read should ask for: @size, or less near the end. */
size_t iodemo_room(const struct iodemo_run *run, size_t size);

/**
 * iodemo_take() - account for what a read gave
 * @run: the run
 * @file: what was read
 * @records: where it was read to
 * @bytes: what read() returned; if that is -1, errno counts
 *
 * Checks order and payload of each record and notes its latency. Nothing
 * comes of EINTR. May be called in a signal handler.
 */
void iodemo_take(struct iodemo_run *run, struct iodemo_file *file,
		 const struct iodemo_record *records, ssize_t bytes);

/**
 * iodemo_take_mapped() - account for all that is in the mapped ring
 * @run: the run
 * @file: what was mapped
 * @ring: the mapping
 *
 * Looks at each record where it lies, as iodemo_take() does.
 */
void iodemo_take_mapped(struct iodemo_run *run, struct iodemo_file *file,
			struct iodemo_ring *ring);

/* The device was unplugged, and there is nothing left to read: the run is over. */
void iodemo_take_unplugged(struct iodemo_run *run, const struct iodemo_file *file);

/**
 * iodemo_submitted() - account for a call that has handed over reads
 * @run: the run
 * @begin: iodemo_now() before the call
 *
 * The threads of the process are counted too, here and at the end of the run.
 */
void iodemo_submitted(struct iodemo_run *run, __u64 begin);

/**
 * iodemo_unavailable() - this kernel doesn't have what --api names; exit with 2
 * @run: the run
 * @reason: what is missing
 * @advice: what to do instead
 */
noreturn void iodemo_unavailable(const struct iodemo_run *run, const char *reason,
				 const char *advice);

/*
 * One unit of other work: IODEMO_WORK_STEPS steps of arithmetic that need
 * nothing but a processor.
 */
#define IODEMO_WORK_STEPS	1000
void iodemo_work(struct iodemo_run *run);

/* Puts the configuration back, shows the figures; returns the exit status. */
int iodemo_end(struct iodemo_run *run);

#endif /* LIBIODEMO_H */
