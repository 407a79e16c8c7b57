// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: a worker, and what its threads draw
 */
#include "stress.h"

#include <sys/prctl.h>
#include <time.h>

struct choice {
	void (*act)(struct actor *a);
	enum stress_op op;
	unsigned int weight;
};

#define CHOICE(name, weight) { op_##name, OP_##name, weight },
static const struct choice chaos[] = { CHAOS_OPS(CHOICE) { } };

static const struct choice witness[] = { WITNESS_OPS(CHOICE) { } };

/* So many, or 0: for ever. What one draws doesn't change what the next one is. */
static void act(struct actor *a, const struct choice *choices, __u64 sequence, __u64 count)
{
	const struct choice *choice;
	unsigned int all = 0, drawn;
	__u64 number;

	for (choice = choices; choice->weight; choice++)
		all += choice->weight;
	for (number = 1; !count || number <= count; number++) {
		a->dice = dice_of(sequence, number);
		drawn = pick(a, all);
		for (choice = choices; drawn >= choice->weight; choice++)
			drawn -= choice->weight;
		if (!choice->act)
			continue;
		a->op = choice->op;
		if (a->seat)
			a->seat->op = choice->op;
		choice->act(a);
		board->done[choice->op]++;
		if (a->seat)
			a->seat->progress++;
	}
}

static void act_witness(struct actor *a, __u64 sequence, __u64 count)
{
	act(a, witness, sequence, count);
}

static void nothing(int sig)
{
}

static void set_signals(__u64 *dice, bool is_witness)
{
	struct sigaction action = { .sa_handler = is_witness ? SIG_IGN : nothing };
	sigset_t set;

	if (roll(dice) & 1)
		action.sa_flags = SA_RESTART;
	sigaction(SIGIO, &action, NULL);
	sigaction(SIGRTMIN, &action, NULL);
	sigaction(SIGRTMIN + 1, &action, NULL);
	sigemptyset(&set);
	/* They queue up, until the queue is full. */
	if (!is_witness && roll(dice) & 1) {
		sigaddset(&set, SIGIO);
		sigaddset(&set, SIGRTMIN);
	}
	sigprocmask(SIG_SETMASK, &set, NULL);
}

/* Whatever the thread sleeps in, a signal ends it. */
static void set_patience(__u64 ns)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerspec every = {
		.it_interval.tv_nsec = ns,
		.it_value.tv_nsec = ns,
	};
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGUSR1,
	};
	timer_t timer;

	event._sigev_un._tid = gettid();
	if (sigaction(SIGUSR1, &action, NULL) || timer_create(CLOCK_MONOTONIC, &event, &timer) ||
	    timer_settime(timer, 0, &every, NULL))
		_exit(1);
}

/* A child has none of its parent's timers. */
static void act_chaos(struct actor *a, __u64 sequence, __u64 count)
{
	if (!a->seat && board->patience)
		set_patience(board->patience);
	act(a, chaos, sequence, count);
}

struct start {
	unsigned int place;
	unsigned int thread;
	bool is_witness;
	__u64 sequence;
};

static void *run_thread(void *arg)
{
	const struct start *start = arg;
	struct actor a = {
		.dice = start->sequence,
		.seat = &board->seat[start->place][start->thread],
		.go_on = start->is_witness ? act_witness : act_chaos,
	};
	int i;

	for (i = 0; !start->is_witness && i < 4; i++)
		op_open(&a);
	if (board->patience)
		set_patience(board->patience);
	if (pipe2(a.pipe, O_CLOEXEC | O_NONBLOCK))
		_exit(1);
	a.go_on(&a, start->sequence, 0);
	return NULL;
}

void run_worker(unsigned int place, bool is_witness, __u64 sequence)
{
	struct start start[THREADS];
	pthread_t thread;
	unsigned int i;

	setpgid(0, 0);
	set_signals(&sequence, is_witness);
	memory_init();
	/* An ordinary user gets EBUSY, and pays for what is pinned. */
	if (roll(&sequence) % 3 == 0 && (setresgid(65534, 65534, 65534) ||
					 setresuid(65534, 65534, 65534)))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < THREADS; i++) {
		start[i] = (struct start){ place, i, is_witness, dice_of(sequence, i) };
		if (i && pthread_create(&thread, NULL, run_thread, &start[i]))
			_exit(1);
	}
	run_thread(&start[0]);
}

bool worker_can(enum stress_op op)
{
	const struct choice *choice;

	for (choice = chaos; choice->weight; choice++)
		if (choice->op == op)
			return choice->act;
	for (choice = witness; choice->weight; choice++)
		if (choice->op == op)
			return choice->act;
	return true;
}
