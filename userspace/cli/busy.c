// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a processor had something to do. Where instructions are counted: by
 * /proc/timer_list, which alone tells of idle time in nanoseconds, or by what another
 * process, that takes what nobody else wants, has got done
 */
#include <err.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "hardware.h"

#define SPINS	10000		/* to learn what one costs */
#define LEARNS	10

static atomic_ullong *spins;	/* what it has got done; shared */
static double spin_ns;		/* what each took */
static pid_t spinner;

/* The same code for both, so that it costs the same. */
static __attribute__((noinline)) void spin(atomic_ullong *count, __u64 end)
{
	__u64 done = 0;

	while (done != end)
		atomic_store_explicit(count, ++done, memory_order_relaxed);
}

static noreturn void spin_for_ever(pid_t parent, int policy)
{
	static const struct sched_param none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || sched_setscheduler(0, policy, &none))
		_exit(1);
	for (;;)
		spin(spins, -1);
}

/* So many, undisturbed by a tick, with the two looks at the clock */
static double time_of(__u64 count)
{
	double least = 0;
	unsigned int i;

	for (i = 0; i < LEARNS; i++) {
		atomic_ullong done;
		__u64 begin = iodemo_now();
		double took;

		spin(&done, count);
		took = iodemo_now() - begin;
		if (!least || took < least)
			least = took;
	}
	return least;
}

static void begin_to_spin(int policy)
{
	pid_t parent = getpid();

	if (!spins) {
		spins = mmap(NULL, sizeof(*spins), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (spins == MAP_FAILED)
			err(1, "mmap");
	}
	*spins = 0;
	spin_ns = (time_of(2 * SPINS) - time_of(SPINS)) / SPINS;
	spinner = fork();
	if (spinner < 0)
		err(1, "fork");
	if (!spinner)
		spin_for_ever(parent, policy);
}

static void end_spinning(void)
{
	if (!spinner)
		return;
	kill(spinner, SIGKILL);
	waitpid(spinner, NULL, 0);
	spinner = 0;
}

void iodemo_keep_busy(bool on)
{
	if (on)
		begin_to_spin(SCHED_IDLE);
	else
		end_spinning();
}

void iodemo_compete(bool on)
{
	if (on)
		begin_to_spin(SCHED_OTHER);
	else
		end_spinning();
}

double iodemo_competed(void)
{
	return *spins * spin_ns;
}

static __u64 thread_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

__u64 iodemo_busy(bool instructions)
{
	static const char key[] = ".idle_sleeptime";
	char *line = NULL;
	__u64 idle = 0, now;
	size_t size = 0;
	bool known = false;
	FILE *file;

	if (!instructions)
		return thread_time();
	if (spinner)
		return iodemo_now() - iodemo_competed();

	file = fopen("/proc/timer_list", "re");
	if (!file)
		err(1, "/proc/timer_list, which tells how long the processor was idle");
	now = iodemo_now();
	while (getline(&line, &size, file) > 0) {
		const char *found = strstr(line, key), *colon = found ? strchr(found, ':') : NULL;

		if (!colon)
			continue;
		idle += strtoull(colon + 1, NULL, 10);
		known = true;
	}
	free(line);
	fclose(file);
	if (!known)
		errx(1, "/proc/timer_list doesn't tell how long the processor was idle");
	return now - idle;
}
