// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzz test: every system call that an open device takes, at random, mostly
 * right and with something odd in it
 *
 * It does what the chaos of the stress test does, but it neither kills nor
 * unbinds: so it is the calls that reach deep, and this is counted. The result
 * tells of each operation how often it did well, and how often it gave which
 * error; one that never did well has tried nothing, and has failed. No call
 * sleeps for long, a signal ends it.
 *
 * The calls are divided into rounds, each with a module loaded anew, with other
 * parameters; after each the devices must work, with exact counts, and the
 * module must be free. A seed gives each thread the same choices every time.
 */
#include "stress.h"

#include <err.h>
#include <getopt.h>

#define ROUND_CALLS	20000
#define PATIENCE_NS	10000000	/* that a call may sleep */

static __u64 calls = 100000;
static __u64 minutes;			/* or 0: until so many calls are done */
static unsigned long rounds;

static bool goes_on(__u64 begin, unsigned long until_calls)
{
	if (minutes && clock_ns() - begin >= minutes * 60 * SECOND)
		return false;
	return board->calls < until_calls;
}

static void show_progress(__u64 begin)
{
	printf("# %llu s: %lu calls, %lu rounds; ", (clock_ns() - begin) / SECOND, board->calls,
	       rounds);
	show_deaths();
}

static void run_round(__u64 begin, unsigned long until_calls)
{
	__u64 dice = dice_of(seed, ~rounds);
	static __u64 shown;

	if (!begin_round(&dice))
		return;
	while (!hung && goes_on(begin, until_calls)) {
		wait_for_child(SECOND / 100);
		reap(true);
		watch_deaths();
		watch_progress();
		if (clock_ns() - begin > shown + 30 * SECOND) {
			shown = clock_ns() - begin;
			show_progress(begin);
		}
	}
	end_round();
	rounds++;
}

static void usage(void)
{
	printf("Usage: %s [OPTION]...\n\n"
	       "Makes every system call that an open device takes, at random, as root.\n\n"
	       "  -c, --calls N       so many: 1..1000000000000 (default %llu)\n"
	       "  -m, --minutes N     for so long instead: 1..10000\n"
	       "  -s, --seed N        the same choices as in the run that printed N (default: by the clock)\n"
	       "  -p, --processes N   of %d threads: 1..%u (default %u)\n"
	       "  -h, --help          this text\n",
	       program_invocation_short_name, calls, THREADS, WORKERS_MAX, processes);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "calls",	required_argument,	NULL, 'c' },
		{ "minutes",	required_argument,	NULL, 'm' },
		{ "seed",	required_argument,	NULL, 's' },
		{ "processes",	required_argument,	NULL, 'p' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	__u64 begin = clock_ns();
	int option;

	processes = 3;
	seed = seed_of_now();
	while ((option = getopt_long(argc, argv, "c:m:s:p:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			calls = number("--calls", optarg, 1, 1000000000000);
			break;
		case 'm':
			minutes = number("--minutes", optarg, 1, 10000);
			break;
		case 's':
			seed = number("--seed", optarg, 0, ~0ULL);
			break;
		case 'p':
			processes = number("--processes", optarg, 1, WORKERS_MAX);
			break;
		case 'h':
			usage();
			return 0;
		default:
			errx(1, "`%s --help` lists the options", program_invocation_short_name);
		}
	}

	watch_init();
	board->patience = PATIENCE_NS;
	if (minutes)
		calls = ~0ULL;
	printf("TAP version 13\n# seed %llu, %u processes of %d threads\n", seed, processes,
	       THREADS);
	fflush(stdout);
	while (!hung && goes_on(begin, calls))
		run_round(begin, calls - board->calls < ROUND_CALLS ? calls :
			  board->calls + ROUND_CALLS);
	show_progress(begin);
	return show_result(true);
}
