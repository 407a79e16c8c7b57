/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of hostile programs share: how the kernel was booted, busy
 * programs that measure what is left to them, and a user who may be refused
 */
#ifndef IODEMO_HOSTILE_H
#define IODEMO_HOSTILE_H

#include "iodemo_test.h"

#include <sys/resource.h>

/* How long an event that must come may take, in seconds */
#define PATIENCE	60
#define LONG_TEST	(2 * PATIENCE + 60)

/* Is this word on the kernel's command line? */
bool booted_with(const char *word);

long processors_online(void);
/* Let the calling thread run on this processor alone. */
long pin_to(int cpu);
long allow_files(rlim_t count);

/*
 * The device after a storm of interrupts, with the timer off: "" if the line is
 * alive, and had stayed so in a longer storm. The kernel switches a line off when
 * of 100,000 interrupts, from the first unhandled one on, no more than 99 were
 * handled; so a part of 100,000 tells whether that was to come.
 */
const char *line_fault(int fd);
/* So many interrupts, or a tenth where each takes long: line_fault() tells from a part. */
long enough(long interrupts);

/* Busy programs, which find out what the device leaves to them */

/* A thread that does nothing else on its processor, for so long */
struct meter {
	int cpu;
	__u64 duration;		/* nanoseconds */

	atomic_bool runs;
	pthread_t thread;
	long loops;
	__u64 gap;		/* the longest time in which it did not run */
};

bool meter_start(struct meter *m);	/* and wait until it runs */
void meter_wait(struct meter *m);	/* for its end */
/*
 * One on each processor at the same time, for so long: how often the slowest
 * went round.
 */
long measure_busy_loops(__u64 duration);

/* A process of an ordinary user, which opens the device and closes it when asked to */
struct opener {
	pid_t pid;
	int ask;
	int answer;
};

bool opener_start(struct opener *o);
/* What open() gave there: 0 or -errno */
long user_opens(struct opener *o, int flags);

#endif /* IODEMO_HOSTILE_H */
