// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: everything that can be done with the device, at random,
 * while it is unbound and bound again and the processes are killed
 *
 * Here is who watches. The time is divided into rounds, each with a module
 * loaded anew, with other parameters; at a round's end everybody is killed, and
 * the module must be free. Whoever is killed at any time must be gone soon.
 * What a worker does is in the other stress_*.c; see stress.h.
 *
 * A seed gives each process the same sequence of choices every time; what
 * happens between the processes is up to the machine.
 */
#include "stress.h"

#include <err.h>
#include <getopt.h>
#include <sys/prctl.h>
#include <time.h>

#define SECOND		1000000000ULL
#define ROUND		(20 * SECOND)
#define DEATH_MAX	(10 * SECOND * board->slow)	/* longer is a hang */
#define IDLE_CHAOS	(3 * SECOND)	/* all its threads wait: time for another one */
#define IDLE_WITNESS	(20 * SECOND * board->slow) /* one of its threads waits: it should not */
#define STOPPED		(SECOND / 20)
#define FREE_MAX	(10 * SECOND * board->slow)	/* for the last file to be closed */

static __u64 seed;
static unsigned int processes = 6;
static __u64 minutes = 10;

/* The workers, by place. When one dies the next one gets its place. */
static struct worker {
	pid_t pid;
	unsigned int life;		/* how many had the place before */
	bool is_witness;
	__u64 killed;			/* clock_ns(), or 0 */
	__u64 stopped;			/* likewise */
	__u64 moved[THREADS];		/* when that thread last made progress */
	unsigned long progress[THREADS];
} workers[WORKERS_MAX];

static pid_t binder;
static bool hung;			/* somebody can't be killed: it is over */
static __u64 worst_death;
static char worst_place[64];		/* what its threads had begun */
static unsigned long rounds, deaths, crashes;

/* Workers */

static void start_worker(unsigned int place)
{
	struct worker *w = &workers[place];
	unsigned int i;

	w->killed = 0;
	w->stopped = 0;
	w->is_witness = place % 3 == 2;
	for (i = 0; i < THREADS; i++)
		w->moved[i] = clock_ns();
	w->pid = fork();
	if (w->pid < 0)
		err(1, "fork");
	if (!w->pid) {
		run_worker(place, w->is_witness, dice_of(seed, 1 + place + w->life * WORKERS_MAX));
		_exit(1);
	}
	setpgid(w->pid, w->pid);
	w->life++;
}

static void kill_worker(struct worker *w)
{
	if (w->killed || !w->pid)
		return;
	w->killed = clock_ns();
	kill(-w->pid, SIGKILL);
	board->done[OP_kill]++;
}

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

static void run_binder(__u64 dice)
{
	int index, ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!board->over) {
		pass_time(roll(&dice) % SECOND);
		index = roll(&dice) % DEVICES;
		board->binding_since = clock_ns();
		ret = unbind_device(index);
		if (ret)
			wrong(OP_unbind, "iodemo.%d: %d", index, ret);
		board->done[OP_unbind]++;
		pass_time(roll(&dice) % (SECOND / 10));
		ret = bind_device(index);
		if (ret)
			wrong(OP_bind, "iodemo.%d: %d", index, ret);
		board->done[OP_bind]++;
		board->binding_since = 0;
	}
	_exit(0);
}

/* Who can't be killed */

static void show_file(const char *folder, const char *name)
{
	char path[300], text[4096], *line, *next;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (read_file(path, text, sizeof(text)) <= 0)
		return;
	for (line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next))
		printf("#   %s: %s\n", name, line);
}

static void show_tasks(pid_t pid)
{
	char folder[64];
	pid_t tid;

	/* Thread ids are near their process's */
	for (tid = pid; tid < pid + 4096; tid++) {
		snprintf(folder, sizeof(folder), "/proc/%d/task/%d", pid, tid);
		if (access(folder, F_OK))
			continue;
		printf("# task %d of %d\n", tid, pid);
		show_file(folder, "comm");
		show_file(folder, "syscall");
		show_file(folder, "stack");
	}
	fflush(stdout);
}

static void hang(enum stress_op op, pid_t pid, const char *what)
{
	hung = true;
	wrong(op, "process %d %s", pid, what);
	show_tasks(pid);
}

/* A round */

static bool load_at_random(__u64 *dice)
{
	static const unsigned int capacities[] = { 16, 64, 1024, 65536 };
	static const unsigned int periods[] = { 0, 0, 1000, 10000 };
	unsigned int capacity = capacities[roll(dice) % 4];
	unsigned int period = periods[roll(dice) % 4];
	unsigned int threaded = roll(dice) % 2;
	int ret;

	ret = load("devices=%d capacity=%u period_us=%u threaded=%u", DEVICES, capacity, period,
		   threaded);
	if (ret)
		wrong(OP_unload, "the module can't be loaded: %d", ret);
	return !ret;
}

static struct worker *worker_of(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < processes; i++)
		if (workers[i].pid == pid)
			return &workers[i];
	return NULL;
}

/* Chaos may crash, for others scribble in its memory; a witness may not. */
static void bury(struct worker *w, int status, bool again)
{
	__u64 took = clock_ns() - w->killed;
	unsigned int i, len = 0;

	deaths++;
	if (w->killed && took > worst_death) {
		worst_death = took;
		for (i = 0; i < THREADS; i++)
			len += snprintf(worst_place + len, sizeof(worst_place) - len, "%s%s",
					i ? " " : "", stress_names[board->seat[w - workers][i].op]);
	}
	if (!w->killed && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
		crashes++;
		if (w->is_witness)
			wrong(OP_kill, "a witness died of signal %d", WTERMSIG(status));
	}
	/* Others of the group may live on, if it ended by itself */
	kill(-w->pid, SIGKILL);
	w->pid = 0;
	if (again)
		start_worker(w - workers);
}

/* Until nobody is left that has died; -1: nobody is left at all */
static int reap(bool again)
{
	struct worker *w;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		w = worker_of(pid);
		if (w)
			bury(w, status, again);
		else if (pid == binder)
			binder = 0;
	}
	return pid;
}

static void watch_deaths(void)
{
	__u64 now = clock_ns();
	unsigned int i;

	for (i = 0; i < processes; i++)
		if (workers[i].pid && workers[i].killed && now - workers[i].killed > DEATH_MAX)
			hang(OP_kill, workers[i].pid, "has outlived SIGKILL");
	if (board->binding_since && now > board->binding_since + DEATH_MAX)
		hang(OP_unbind, binder, "doesn't come back from unbinding or binding a device");
}

static void watch_progress(unsigned int place)
{
	struct worker *w = &workers[place];
	unsigned int i, idle = 0;
	__u64 now = clock_ns();

	if (w->killed || w->stopped)
		return;
	for (i = 0; i < THREADS; i++) {
		struct seat *seat = &board->seat[place][i];
		unsigned long progress = seat->progress;

		if (progress != w->progress[i])
			w->moved[i] = now;
		w->progress[i] = progress;
		idle += now - w->moved[i] > IDLE_CHAOS;
		if (w->is_witness && now - w->moved[i] > IDLE_WITNESS) {
			wrong(seat->op, "process %d doesn't come back from it", w->pid);
			show_tasks(w->pid);
			kill_worker(w);
			return;
		}
	}
	if (!w->is_witness && idle == THREADS)
		kill_worker(w);
}

/* Kill one, stop one: chaos rather than witnesses, which need some time to see something */
static void strike(__u64 *dice)
{
	struct worker *w = &workers[roll(dice) % processes];
	bool stops = roll(dice) % 4 == 0, spared = w->is_witness && roll(dice) % 8;

	if (w->killed || w->stopped || !w->pid)
		return;
	if (stops) {
		kill(-w->pid, SIGSTOP);
		w->stopped = clock_ns();
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

		if (!w->stopped || clock_ns() - w->stopped < STOPPED)
			continue;
		w->stopped = 0;
		for (j = 0; j < THREADS; j++)
			w->moved[j] = clock_ns();
		if (!w->killed && !w->is_witness && roll(dice) % 4 == 0)
			kill_worker(w);
		else if (!w->killed)
			kill(-w->pid, SIGCONT);
	}
}

static void wait_for_child(__u64 ns)
{
	struct timespec timeout = { .tv_nsec = ns };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &timeout);
}

/* The last files of a killed process can be closed by somebody else a little later. */
static void end_module(void)
{
	char text[4096] = "";
	__u64 since = clock_ns();
	int ret;

	do {
		ret = unload();
		if (!ret)
			break;
		sched_yield();
	} while (clock_ns() - since < FREE_MAX);
	board->done[OP_unload]++;
	if (ret) {
		read_file("/sys/kernel/debug/iodemo/iodemo/stats", text, sizeof(text));
		wrong(OP_unload, "everybody is gone, and rmmod gives %d; %s", ret, text);
		hung = true;
		return;
	}
	if (!access("/sys/kernel/debug/iodemo", F_OK) || !access("/dev/iodemo", F_OK) ||
	    proc_interrupts("iodemo") >= 0 || proc_interrupts("iodemo1") >= 0)
		wrong(OP_unload, "the module has left something behind");
}

/* Everybody is killed at once, and all of their children. */
static void end_round(void)
{
	__u64 since = clock_ns();
	unsigned int i;

	board->over = true;
	if (binder)
		kill(binder, SIGTERM);
	while (binder && !hung) {
		wait_for_child(SECOND / 20);
		reap(true);
		watch_deaths();
	}
	for (i = 0; i < processes; i++)
		kill_worker(&workers[i]);
	for (since = clock_ns(); !hung && reap(false) >= 0; wait_for_child(SECOND / 50)) {
		watch_deaths();
		if (clock_ns() - since > 2 * DEATH_MAX)
			hang(OP_kill, 0, "which is a worker's child has outlived its parents");
	}
	if (!hung)
		end_module();
}

static void show_progress(__u64 since)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < OPS; i++)
		sum += board->done[i];
	printf("# %llu s: %lu operations, %lu rounds, %lu rebinds; ", (clock_ns() - since) / SECOND,
	       sum, rounds, board->done[OP_bind]);
	printf("%lu processes died, %lu of a crash; SIGKILL took %llu ms at most (%s)\n", deaths,
	       crashes, worst_death / 1000000, worst_place);
	fflush(stdout);
}

static void run_round(__u64 begin, __u64 until)
{
	__u64 dice = dice_of(seed, ~rounds), next = clock_ns();
	static __u64 shown;
	unsigned int i;

	if (!load_at_random(&dice)) {
		hung = true;
		return;
	}
	board->over = false;
	board->binding_since = 0;
	binder = fork();
	if (!binder)
		run_binder(dice_of(dice, 0));
	for (i = 0; i < processes; i++)
		start_worker(i);
	while (!hung && clock_ns() < until) {
		wait_for_child(SECOND / 100);
		reap(true);
		wake_stopped(&dice);
		watch_deaths();
		for (i = 0; i < processes; i++)
			watch_progress(i);
		if (clock_ns() > next) {
			strike(&dice);
			next = clock_ns() + roll(&dice) % (SECOND / 3);
		}
		if (clock_ns() - begin > shown + 30 * SECOND) {
			shown += 30 * SECOND;
			show_progress(begin);
		}
	}
	end_round();
	rounds++;
}

/* The result: a case for each operation; what was built has to happen */

static bool show_case(enum stress_op op)
{
	const char *about = op == OP_kill ? ": nobody outlived SIGKILL" :
			    op == OP_unload ? ": the module could be unloaded" : "";
	unsigned long done = board->done[op], well = board->well[op], bad = board->wrong[op];
	bool ok = !bad && (done || !worker_can(op));

	printf("%s %d %s%s #", ok ? "ok" : "not ok", op + 1, stress_names[op], about);
	if (!done && ok)
		printf(" SKIP built without liburing\n");
	else
		printf(" %lu times, %lu calls did well, %lu wrong\n", done, well, bad);
	return ok;
}

static int show_result(void)
{
	bool failed = false;
	int i;

	printf("1..%d\n", OPS);
	for (i = 0; i < OPS; i++)
		failed |= !show_case(i);
	return failed;
}

static __u64 number(const char *name, const char *text, __u64 min, __u64 max)
{
	__u64 value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || !*text || *text == '-' || value < min || value > max)
		errx(1, "%s=%s is out of range: %llu..%llu", name, text, min, max);
	return value;
}

static void usage(void)
{
	printf("Usage: %s [OPTION]...\n\n"
	       "Does everything that can be done with the device, at random, as root.\n\n"
	       "  -m, --minutes N     for so long: 1..10000 (default %llu)\n"
	       "  -s, --seed N        the same choices as in the run that printed N (default: by the clock)\n"
	       "  -p, --processes N   at a time: 1..%u (default %u)\n"
	       "  -h, --help          this text\n",
	       program_invocation_short_name, minutes, WORKERS_MAX, processes);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "minutes",	required_argument,	NULL, 'm' },
		{ "seed",	required_argument,	NULL, 's' },
		{ "processes",	required_argument,	NULL, 'p' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	__u64 begin = clock_ns(), until;
	sigset_t set;
	int option;

	seed = begin ^ ((__u64)time(NULL) << 20);
	while ((option = getopt_long(argc, argv, "m:s:p:h", options, NULL)) != -1) {
		switch (option) {
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

	board_init();
	/* Owners of files can be anybody */
	signal(SIGIO, SIG_IGN);
	signal(SIGRTMIN, SIG_IGN);
	signal(SIGRTMIN + 1, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);

	printf("TAP version 13\n# seed %llu, %llu minutes, %u processes\n", seed, minutes,
	       processes);
	fflush(stdout);
	until = begin + minutes * 60 * SECOND;
	while (!hung && clock_ns() < until)
		run_round(begin, until < clock_ns() + ROUND ? until : clock_ns() + ROUND);
	show_progress(begin);
	return show_result();
}
