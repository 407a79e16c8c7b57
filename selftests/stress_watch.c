// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: the workers, and who watches them
 *
 * Whoever is killed must be gone soon, whoever is a witness must come back from
 * what it does, and when all are gone the devices are whole, and the module free.
 */
#include "stress.h"

#include <err.h>
#include <sys/prctl.h>
#include <time.h>

#define DEATH_MAX	(10 * SECOND * board->slow)	/* longer is a hang */
#define IDLE_CHAOS	(3 * SECOND)	/* all its threads wait: time for another one */
#define IDLE_WITNESS	(20 * SECOND * board->slow) /* one of its threads waits: it should not */
#define FREE_MAX	(10 * SECOND * board->slow)	/* for the last file to be closed */
#define TURN_MAX	(SECOND / 10)

__u64 seed;
unsigned int processes = 6;
bool witnesses;
bool hung;
pid_t binder;
struct worker workers[WORKERS_MAX];

static __u64 worst_death;
static char worst_place[64];		/* what its threads had begun */
static unsigned long deaths, crashes;

/*
 * The watcher's time. Where the machine stands still for a while, or its clock runs
 * away, who is watched has got on no more than the watcher, and is not late: of each
 * of his turns only so much counts.
 */
__u64 watch_time(void)
{
	static __u64 last;
	__u64 now = clock_ns(), turn = now - last;

	last = now;
	board->watched += turn < TURN_MAX ? turn : TURN_MAX;
	return board->watched;
}

/* Workers */

void start_worker(unsigned int place)
{
	struct worker *w = &workers[place];
	unsigned int i;

	w->killed = 0;
	w->stopped = 0;
	w->is_witness = witnesses && place % 3 == 2;
	for (i = 0; i < THREADS; i++)
		w->moved[i] = watch_time();
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

void kill_worker(struct worker *w)
{
	if (w->killed || !w->pid)
		return;
	w->killed = watch_time();
	kill(-w->pid, SIGKILL);
	board->done[OP_kill]++;
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

/* And all the others: it may wait for one of them. */
void hang(enum stress_op op, pid_t pid, const char *what)
{
	unsigned int i;

	hung = true;
	wrong(op, "process %d %s", pid, what);
	show_tasks(pid);
	for (i = 0; i < processes; i++)
		if (workers[i].pid && workers[i].pid != pid)
			show_tasks(workers[i].pid);
}

/* Watching */

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
	__u64 took = watch_time() - w->killed;
	unsigned int i, len = 0;

	deaths++;
	if (w->killed)
		board->well[OP_kill]++;
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
int reap(bool again)
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

void watch_deaths(void)
{
	__u64 now = watch_time(), since = board->binding_since;
	unsigned int i;

	for (i = 0; i < processes; i++)
		if (workers[i].pid && workers[i].killed && now - workers[i].killed > DEATH_MAX)
			hang(OP_kill, workers[i].pid, "has outlived SIGKILL");
	if (since && now > since + DEATH_MAX)
		hang(OP_unbind, binder, "doesn't come back from unbinding or binding a device");
}

static void watch_one(unsigned int place)
{
	struct worker *w = &workers[place];
	unsigned int i, idle = 0;
	__u64 now = watch_time();

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

void watch_progress(void)
{
	unsigned int i;

	for (i = 0; i < processes; i++)
		watch_one(i);
}

void wait_for_child(__u64 ns)
{
	struct timespec timeout = { .tv_nsec = ns };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigtimedwait(&set, NULL, &timeout);
}

/* The device after all that: each record comes whole and once, and the counts are exact. */

#define AFTER	5	/* interrupts */

/* Whoever held it can be about to close it, a little later. */
static long calm_down(int fd)
{
	__u64 since = watch_time();
	long ret;

	do {
		ret = set_config(fd, 0, 1);
	} while (ret == -EBUSY && watch_time() - since < FREE_MAX && !sched_yield());
	return ret ?: result(ioctl(fd, IODEMO_FLUSH));
}

static void see_works(int index)
{
	struct iodemo_stats before, after;
	int first = open_raw(index, O_RDWR), fd;
	const char *fault;
	long ret;

	board->done[OP_works]++;
	ret = first < 0 ? first : calm_down(first);
	if (ret) {
		wrong(OP_works, "iodemo.%d can't be configured: %ld", index, ret);
		return;
	}
	fd = open_raw(index, O_RDWR);
	before = get_stats(fd);
	ret = trigger(fd, AFTER);
	fault = ret ? "TRIGGER failed" : read_fault(fd, before.records, AFTER);
	after = get_stats(fd);
	if (*fault)
		wrong(OP_works, "iodemo.%d: %s", index, fault);
	else if (before.read || before.lost || before.lag || after.read != AFTER || after.lost ||
		 after.lag || after.records != before.records + AFTER)
		wrong(OP_works,
		      "iodemo.%d: %llu read, %llu lost, %llu wait of %llu (%llu echoes, %llu polls)",
		      index, after.read, after.lost, after.lag, after.records - before.records,
		      after.echoes - before.echoes, after.polls - before.polls);
	else
		board->well[OP_works]++;
	close(fd);
	close(first);
}

/* A file that nobody has read since the round began: what it has not lost waits for it. */
static struct unread {
	int fd;
	__u64 from;
} unread[DEVICES];

static void open_unread(void)
{
	struct iodemo_stats stats;
	int i;

	for (i = 0; i < DEVICES; i++) {
		unread[i].fd = open_raw(i, O_RDONLY);
		stats = get_stats(unread[i].fd);
		unread[i].from = stats.records - stats.lag - stats.lost;
	}
}

static void see_unread(int index)
{
	struct unread *u = &unread[index];
	struct iodemo_stats stats = get_stats(u->fd);

	/* Of a device that is gone there are none */
	if (stats.records != ~0ULL &&
	    (stats.read || stats.lost + stats.lag != stats.records - u->from))
		wrong(OP_works, "iodemo.%d: %llu read, %llu lost, %llu wait, of %llu, by nobody",
		      index, stats.read, stats.lost, stats.lag, stats.records - u->from);
	close(u->fd);
}

/* The last files of a killed process can be closed by somebody else a little later. */
static void end_module(void)
{
	char text[4096] = "";
	__u64 since = watch_time();
	int ret;

	do {
		ret = unload();
		if (!ret)
			break;
		sched_yield();
	} while (watch_time() - since < FREE_MAX);
	board->done[OP_unload]++;
	if (!ret)
		board->well[OP_unload]++;
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

static bool load_at_random(__u64 *dice)
{
	static const unsigned int capacities[] = { 16, 64, 1024, 65536 };
	static const unsigned int periods[] = { 0, 0, 1000, 10000 };
	static const char * const services[] = {
		"", "threaded=1", "service=hybrid", "service=polling",
	};
	unsigned int capacity = capacities[roll(dice) % 4];
	unsigned int period = periods[roll(dice) % 4];
	const char *service = services[roll(dice) % 4];
	int ret;

	do {
		ret = load("devices=%d capacity=%u period_us=%u %s", DEVICES, capacity, period,
			   service);
		service = "";
	} while (ret == -EOPNOTSUPP);	/* a kernel without irq_poll */
	if (!ret)
		return true;
	wrong(OP_unload, "the module can't be loaded: %d", ret);
	hung = true;
	return false;
}

/* A round */

bool begin_round(__u64 *dice)
{
	unsigned int i;

	if (!load_at_random(dice))
		return false;
	open_unread();
	if (!witnesses)	/* who would be misled */
		share_files();
	board->over = false;
	board->binding_since = 0;
	for (i = 0; i < processes; i++)
		start_worker(i);
	return true;
}

/* Everybody is killed at once, and all of their children; then the device is looked at. */
void end_round(void)
{
	__u64 since = watch_time();
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
	for (since = watch_time(); !hung && reap(false) >= 0; wait_for_child(SECOND / 50)) {
		watch_deaths();
		if (watch_time() - since > 2 * DEATH_MAX)
			hang(OP_kill, 0, "which is a worker's child has outlived its parents");
	}
	if (hung)
		return;
	unshare_files();
	for (i = 0; i < DEVICES; i++) {
		see_works(i);
		see_unread(i);
	}
	end_module();
}

void show_deaths(void)
{
	printf("%lu processes died, %lu of a crash; SIGKILL took %llu ms at most (%s)\n", deaths,
	       crashes, worst_death / 1000000, worst_place);
	fflush(stdout);
}

void watch_init(void)
{
	sigset_t set;

	board_init();
	/* Owners of files can be anybody */
	signal(SIGIO, SIG_IGN);
	signal(SIGRTMIN, SIG_IGN);
	signal(SIGRTMIN + 1, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* The command line */

__u64 seed_of_now(void)
{
	return clock_ns() ^ ((__u64)time(NULL) << 20);
}

__u64 number(const char *name, const char *text, __u64 min, __u64 max)
{
	__u64 value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || !*text || *text == '-' || value < min || value > max)
		errx(1, "%s=%s is out of range: %llu..%llu", name, text, min, max);
	return value;
}
