// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: everything that can be done with the device, at random,
 * while it is unbound and bound again and the processes are killed
 *
 * Here is who unbinds and kills. The time is divided into rounds, each with a
 * module loaded anew, with other parameters; at a round's end everybody is
 * killed, and the module must be free. Who watches is in stress_watch.c, what a
 * worker does in the other stress_*.c; see stress.h.
 *
 * A seed gives each process the same sequence of choices every time; what
 * happens between the processes is up to the machine.
 */
#include "stress.h"

#include <err.h>
#include <getopt.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define ROUND		((unbinds ? 5 : 20) * SECOND)
/* How long a device stays bound, and then unbound, at most */
#define BOUND		(unbinds ? SECOND / 20 : SECOND)
#define UNBOUND		(unbinds ? SECOND / 100 : SECOND / 10)
#define STOPPED		(SECOND / 20)

static __u64 minutes = 10;
static __u64 unbinds;		/* at most, or 0 */
static unsigned long rounds;

/* The binder: a process of its own, since unbinding waits for who is in the driver */

/* Until SIGTERM, which says that it is over, but not longer than that */
static void pass_time(__u64 ns)
{
	struct timespec time = { .tv_sec = ns / SECOND, .tv_nsec = ns % SECOND };
	sigset_t over;

	sigemptyset(&over);
	sigaddset(&over, SIGTERM);
	sigprocmask(SIG_BLOCK, &over, NULL);
	sigtimedwait(&over, NULL, &time);
}

/*
 * In a storm the binder, and the kernel's threads that it waits for, would mostly wait
 * for their turn beside so many who compute. So these come last.
 */
static void set_nice(int nice)
{
	if (unbinds && setpriority(PRIO_PROCESS, 0, nice))
		err(1, "priority");
}

static void run_binder(__u64 dice)
{
	int index, ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_nice(0);
	while (!board->over && (!unbinds || board->done[OP_unbind] < unbinds)) {
		pass_time(roll(&dice) % BOUND);
		index = roll(&dice) % DEVICES;
		board->binding_since = board->watched;
		ret = unbind_device(index);
		if (ret)
			wrong(OP_unbind, "iodemo.%d: %d", index, ret);
		came(OP_unbind, ret);
		board->done[OP_unbind]++;
		pass_time(roll(&dice) % UNBOUND);
		ret = bind_device(index);
		if (ret)
			wrong(OP_bind, "iodemo.%d: %d", index, ret);
		came(OP_bind, ret);
		board->done[OP_bind]++;
		board->binding_since = 0;
	}
	_exit(0);
}

/* A round */

/* Kill one, stop one: chaos rather than witnesses, which need some time to see something */
static void strike(__u64 *dice)
{
	struct worker *w = &workers[roll(dice) % processes];
	bool stops = roll(dice) % 4 == 0, spared = w->is_witness && roll(dice) % 8;

	if (w->killed || w->stopped || !w->pid)
		return;
	if (stops) {
		kill(-w->pid, SIGSTOP);
		w->stopped = watch_time();
		board->done[OP_stop]++;
	} else if (!spared) {
		kill_worker(w);
	}
}

/* Go on, or die asleep */
static void wake_stopped(__u64 *dice)
{
	unsigned int i, j;

	for (i = 0; i < processes; i++) {
		struct worker *w = &workers[i];

		if (!w->stopped || watch_time() - w->stopped < STOPPED)
			continue;
		w->stopped = 0;
		for (j = 0; j < THREADS; j++)
			w->moved[j] = watch_time();
		if (!w->killed && !w->is_witness && roll(dice) % 4 == 0)
			kill_worker(w);
		else if (!w->killed)
			kill(-w->pid, SIGCONT);
	}
}

static void show_progress(__u64 since)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < OPS; i++)
		sum += board->done[i];
	printf("# %llu s: %lu operations, %lu rounds, %lu rebinds; ", (clock_ns() - since) / SECOND,
	       sum, rounds, board->done[OP_bind]);
	show_deaths();
}

static bool goes_on(__u64 until)
{
	return clock_ns() < until && (!unbinds || board->done[OP_unbind] < unbinds);
}

static void run_round(__u64 begin, __u64 until)
{
	__u64 dice = dice_of(seed, ~rounds), next = clock_ns();
	static __u64 shown;

	if (!begin_round(&dice))
		return;
	binder = fork();
	if (!binder)
		run_binder(dice_of(dice, 0));
	while (!hung && goes_on(until)) {
		wait_for_child(SECOND / 100);
		reap(true);
		wake_stopped(&dice);
		watch_deaths();
		watch_progress();
		if (clock_ns() > next) {
			strike(&dice);
			next = clock_ns() + roll(&dice) % (SECOND / 3);
		}
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
	       "Does everything that can be done with the device, at random, as root.\n\n"
	       "  -m, --minutes N     for so long: 1..10000 (default %llu)\n"
	       "  -u, --unbinds N     but only until devices were unbound so often, and that as fast as it goes;\n"
	       "                      fewer is a failure\n"
	       "  -s, --seed N        the same choices as in the run that printed N (default: by the clock)\n"
	       "  -p, --processes N   at a time: 1..%u (default %u)\n"
	       "  -h, --help          this text\n",
	       program_invocation_short_name, minutes, WORKERS_MAX, processes);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "minutes",	required_argument,	NULL, 'm' },
		{ "unbinds",	required_argument,	NULL, 'u' },
		{ "seed",	required_argument,	NULL, 's' },
		{ "processes",	required_argument,	NULL, 'p' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	__u64 begin = clock_ns(), until;
	int option;

	witnesses = true;
	seed = seed_of_now();
	while ((option = getopt_long(argc, argv, "m:u:s:p:h", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			minutes = number("--minutes", optarg, 1, 10000);
			break;
		case 'u':
			unbinds = number("--unbinds", optarg, 1, 10000000);
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
	set_nice(19);
	printf("TAP version 13\n# seed %llu, %llu minutes, %u processes\n", seed, minutes,
	       processes);
	fflush(stdout);
	until = begin + minutes * 60 * SECOND;
	while (!hung && goes_on(until))
		run_round(begin, until < clock_ns() + ROUND ? until : clock_ns() + ROUND);
	if (board->done[OP_unbind] < unbinds)
		wrong(OP_unbind, "only %lu of %llu", board->done[OP_unbind], unbinds);
	show_progress(begin);
	return show_result(false);
}
