/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A run of one demo, from its command line to its report: what the demos share
 *
 * As in the library, functions that meet an error say so and end the program.
 */
#ifndef DEMO_H
#define DEMO_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "cli.h"

#define IODEMO_FILES_MAX	16	/* that one demo has open */

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
	const struct iodemo_api *overflow_api;	/* the row that --overflow is about, if any */

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

	/* What is counted for it. */
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
	__u64 work_ns;
	__u64 handler_ns;		/* in signal handlers, which interrupt the work */

	/* Of the time between start and stop. */
	__u64 elapsed_ns;
	__u64 expected_ns;		/* what its interrupts should have taken; 0: who knows */
	__u64 waited_ns;		/* the program's own thread, for a processor */
	struct rusage usage;		/* of all threads */
	struct rusage own_usage;	/* of the program's own */
};

/* Around the loop (demo.c) */

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

/*
 * The time between these two is what the figures are about. What the device has
 * stored before is passed over: nobody waited for it in this model.
 */
void iodemo_start(struct iodemo_run *run);
void iodemo_stop(struct iodemo_run *run);

/**
 * iodemo_submitted() - account for a call that has handed over reads
 * @run: the run
 * @begin: iodemo_now() before the call
 *
 * The threads of the process are counted too, here and at the end of the run.
 */
void iodemo_submitted(struct iodemo_run *run, __u64 begin);

/* The figures (figures.c) */

/* Set by SIGINT, SIGTERM and SIGHUP: the run is to end with what it has. */
extern atomic_bool iodemo_stopped;

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

#endif /* DEMO_H */
