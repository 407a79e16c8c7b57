// SPDX-License-Identifier: GPL-2.0-only
/*
 * tsc: how fast this machine's time stamp counter runs, in kHz; for scripts/vm.sh
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define TRIES		1000
#define INTERVAL_NS	50000000

struct moment {
	unsigned long long ticks, ns;
};

/* Of many, the one in which least else was done between the two clocks */
static struct moment now(void)
{
	unsigned long long least = ~0ULL, before, took;
	struct moment moment = { };
	struct timespec time;
	int i;

	for (i = 0; i < TRIES; i++) {
		before = __rdtsc();
		clock_gettime(CLOCK_MONOTONIC, &time);
		took = __rdtsc() - before;
		if (took >= least)
			continue;
		least = took;
		moment.ticks = before + took / 2;
		moment.ns = time.tv_sec * 1000000000ULL + time.tv_nsec;
	}
	return moment;
}

int main(void)
{
	struct timespec interval = { .tv_nsec = INTERVAL_NS };
	struct moment begin = now(), end;

	nanosleep(&interval, NULL);
	end = now();
	printf("%llu\n", (end.ticks - begin.ticks) * 1000000 / (end.ns - begin.ns));
	return 0;
}
