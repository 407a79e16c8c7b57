// SPDX-License-Identifier: GPL-2.0-only
/*
 * What grows with the number of files and devices, and with the ring
 *
 * An interrupt must cost nothing for files that nobody waits on, and as little
 * as possible for each that it wakes; epoll must not cost more for files where
 * nothing comes; and neither reading nor storing may depend on the ring's size.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "cli.h"

#define LENGTH(array)	(sizeof(array) / sizeof((array)[0]))

#define FILES_MAX	16384
#define FILES_SPARE	64		/* that are open anyway */
#define STACK_SIZE	65536

static const unsigned int counts[] = { 0, 1, 16, 256, 1024 };

static int files[FILES_MAX];
static unsigned int count;		/* how many of them are open */
static int device;			/* the file that makes the interrupts */
static char name[32], about[80];	/* of the figure that is being measured */

/* What is looked at next, with @n of what @format tells of; is it wanted? */
__attribute__((format(printf, 2, 0)))
static bool wanted(const char *what, const char *format, unsigned int n)
{
	snprintf(name, sizeof(name), "%s-%u", what, n);
	snprintf(about, sizeof(about), format, n);
	bench_about(name, about);
	return bench_wanted(name);
}

/* Room for so many open files. Returns NULL, or why there is none. */
static const char *make_room(unsigned int needed)
{
	static char reason[80];
	struct rlimit limit;

	needed += FILES_SPARE;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= needed)
		return NULL;
	limit.rlim_cur = needed;
	if (limit.rlim_max < needed)
		limit.rlim_max = needed;	/* root may */
	if (!setrlimit(RLIMIT_NOFILE, &limit))
		return NULL;
	snprintf(reason, sizeof(reason), "takes %u open files: see `ulimit -Hn`", needed);
	return reason;
}

static void close_files(void)
{
	while (count)
		close(files[--count]);
}

/* Files that are only open: one interrupt ------------------------------- */

static unsigned int others;

static const char *begin_idle(void)
{
	const char *reason = make_room(others);

	if (reason)
		return reason;
	device = bench_open(0, O_RDWR);
	while (count < others)
		files[count++] = bench_open(0, O_RDONLY);
	return NULL;
}

static void run_idle(unsigned int batch)
{
	bench_trigger(device, batch);
}

static void end_idle(void)
{
	close_files();
	close(device);
}

static void measure_idle(void)
{
	const struct bench_cost cost = {
		.name = name, .about = about,
		.begin = begin_idle, .run = run_idle, .end = end_idle,
	};
	unsigned int i;

	for (i = 0; i < LENGTH(counts); i++) {
		others = counts[i];
		if (wanted("interrupt-idle", "an interrupt; other files open: %u", others))
			bench_cost(&cost);
	}
}

/* Files with a thread asleep in read on each: an interrupt that wakes all - */

static pthread_t threads[FILES_MAX];
static unsigned int sleepers;
static atomic_uint have_read;		/* sleepers that got the last record */
static sem_t all_read;
static atomic_bool over;

static void *sleep_and_read(void *file)
{
	struct iodemo_record record;

	while (!over) {
		if (read(*(int *)file, &record, sizeof(record)) != sizeof(record))
			err(1, "%s: read", name);
		if (atomic_fetch_add(&have_read, 1) + 1 == sleepers)
			sem_post(&all_read);
	}
	return NULL;
}

static __u64 wakeups(void)
{
	struct iodemo_stats stats;

	iodemo_ioctl(device, bench_options.device, IODEMO_GET_STATS, &stats, "GET_STATS");
	return stats.wakeups;
}

/*
 * One interrupt, and then all have read its record. What they still have to do
 * until they are asleep again is little; who isn't by then is not woken by the
 * next interrupt, and that shows. Returns nanoseconds, or 0 if not all slept.
 */
static double wake_all(void)
{
	__u64 begin, end, woken;

	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	have_read = 0;
	woken = wakeups();
	begin = iodemo_now();
	bench_trigger(device, 1);
	end = iodemo_now();
	woken = wakeups() - woken;
	while (sem_wait(&all_read))
		;
	return woken == sleepers ? end - begin : 0;
}

static void measure_wakes(void)
{
	unsigned int tries = 2 * bench_options.samples, n = 0;
	double *samples = bench_samples();

	wake_all();			/* the first finds the caches cold */
	while (n < bench_options.samples && tries--) {
		bench_check_stop();
		samples[n] = wake_all();
		n += samples[n] > 0;
	}
	if (n)
		bench_report(name, about, NULL, samples, n);
	else
		bench_missing(name, about, "not all slept, or others too: who uses the device?");
	free(samples);
}

/* Starts the sleepers. Returns NULL, or why there aren't so many. */
static const char *start_sleepers(void)
{
	pthread_attr_t small;
	int error = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_SIZE);
	while (count < sleepers && !error) {
		files[count] = bench_open(0, O_RDONLY);
		if (fcntl(files[count], F_SETFL, 0))
			err(1, "%s: F_SETFL", name);
		error = pthread_create(&threads[count], &small, sleep_and_read, &files[count]);
		count += !error;
	}
	pthread_attr_destroy(&small);
	if (!error)
		return NULL;
	close(files[count]);
	return bench_cannot("pthread_create", error);
}

/* One more record, which all who are there read before they end. */
static void end_sleepers(void)
{
	unsigned int i;

	over = true;
	bench_trigger(device, 1);
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	over = false;
	close_files();
}

/*
 * All on one processor, and who triggers goes before who is woken: so the clock
 * doesn't count what they do. The policy is not inherited by the sleepers.
 */
static const char *go_first(cpu_set_t *old)
{
	const struct sched_param first = { .sched_priority = 1 };
	cpu_set_t here;

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first))
		return "takes SCHED_FIFO: run it as root";
	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (sched_getaffinity(0, sizeof(*old), old) || sched_setaffinity(0, sizeof(here), &here))
		err(1, "%s: affinity", name);
	return NULL;
}

static void go_as_others(const cpu_set_t *old)
{
	if (sched_setaffinity(0, sizeof(*old), old) ||
	    sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ }))
		err(1, "%s: scheduler", name);
}

static void measure_asleep(void)
{
	const char *reason = make_room(sleepers);
	cpu_set_t old;

	if (!reason)
		reason = go_first(&old);
	if (reason) {
		bench_missing(name, about, reason);
		return;
	}

	device = bench_open(0, O_RDWR);
	have_read = 0;
	sem_init(&all_read, 0, 0);
	reason = start_sleepers();
	if (reason)
		bench_missing(name, about, reason);
	else
		measure_wakes();
	end_sleepers();
	sem_destroy(&all_read);
	close(device);
	go_as_others(&old);
}

static void measure_sleepers(void)
{
	unsigned int i;

	for (i = 1; i < LENGTH(counts); i++) {
		sleepers = counts[i];
		if (wanted("interrupt-asleep", "an interrupt; sleepers it wakes: %u", sleepers))
			measure_asleep();
	}
}

/* Files in one epoll: one of them is ready -------------------------------- */

static unsigned int watched;
static int epoll;

/* A device's other files get its records too; a high mark keeps them unready. */
static const char *begin_epoll(void)
{
	const char *reason = make_room(watched);
	struct epoll_event event = { .events = EPOLLIN };
	struct iodemo_info info;

	if (reason)
		return reason;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		err(1, "epoll_create1");
	while (count < watched) {
		int fd = bench_open(count % bench_devices(), O_RDWR);

		iodemo_ioctl(fd, bench_options.device, IODEMO_GET_INFO, &info, "GET_INFO");
		iodemo_set_raw(fd, bench_options.device, count ? info.capacity : 1);
		event.data.fd = fd;
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
			err(1, "%s: EPOLL_CTL_ADD", name);
		files[count++] = fd;
	}
	return NULL;
}

static void prepare_epoll(unsigned int batch)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		bench_drain(files[i]);
	bench_store(files[0], batch);
}

static void run_epoll(unsigned int batch)
{
	struct iodemo_record record;
	struct epoll_event event;

	while (batch--)
		if (epoll_wait(epoll, &event, 1, -1) != 1 ||
		    read(event.data.fd, &record, sizeof(record)) != sizeof(record))
			bench_wrong();
}

static void end_epoll(void)
{
	close_files();
	close(epoll);
}

#define ABOUT_EPOLL	"epoll_wait, read; 1 ready of %u"

static void measure_epoll(void)
{
	const struct bench_cost cost = {
		.name = name, .about = about,
		.begin = begin_epoll, .prepare = prepare_epoll, .run = run_epoll, .end = end_epoll,
	};
	static char title[64];
	const char *missing;
	bool any = false;
	unsigned int i;

	for (i = 1; i < LENGTH(counts); i++)
		any |= wanted("epoll", ABOUT_EPOLL, counts[i]);
	if (!any)
		return;

	missing = bench_load("devices=16 period_us=0");		/* else with what is there */
	snprintf(title, sizeof(title), "growth: an epoll of files; devices: %u", bench_devices());
	bench_title(title, "epoll-1", NULL);
	for (i = 1; i < LENGTH(counts); i++) {
		watched = counts[i];
		if (wanted("epoll", ABOUT_EPOLL, watched))
			bench_cost(&cost);
	}
	if (!missing)
		bench_unload();
}

/* What an open file takes of the kernel's memory -------------------------- */

#define MEMORY_FILES	1024		/* for one sample */
#define MEMORY_SAMPLES	4

static unsigned int open_device(int *fds)
{
	fds[0] = bench_open(0, O_RDWR);
	return 1;
}

static unsigned int open_eventfd(int *fds)
{
	fds[0] = eventfd(0, EFD_CLOEXEC);
	return fds[0] < 0 ? 0 : 1;
}

static unsigned int open_pipe(int *fds)
{
	return pipe2(fds, O_CLOEXEC) ? 0 : 2;
}

static const struct memory {
	const char *name;
	const char *about;
	unsigned int (*open)(int *fds);	/* returns how many descriptors it took */
} memories[] = {
	{ "memory-eventfd", "memory of an eventfd", open_eventfd },
	{ "memory-pipe", "memory of a pipe, both ends, empty", open_pipe },
	{ "memory-file", "memory of an open file of the device", open_device },
};

/*
 * Pages that nobody uses: those that the zones have free, and those that the
 * processors have put aside. Exact, once the processors have added up their
 * counters, as reading stat_refresh has them do; false if we may not.
 */
static bool count_free(long *pages)
{
	char line[128];
	long n;
	FILE *zones;
	int refresh;

	refresh = open("/proc/sys/vm/stat_refresh", O_RDONLY | O_CLOEXEC);
	if (refresh < 0)
		return false;
	if (read(refresh, line, sizeof(line)) < 0)
		err(1, "/proc/sys/vm/stat_refresh");
	close(refresh);

	zones = fopen("/proc/zoneinfo", "re");
	if (!zones)
		err(1, "/proc/zoneinfo");
	*pages = 0;
	while (fgets(line, sizeof(line), zones))
		if (sscanf(line, " pages free %ld", &n) == 1 ||
		    sscanf(line, " count: %ld", &n) == 1)
			*pages += n;
	fclose(zones);
	return true;
}

/* So that the table of descriptors doesn't grow in between. */
static void grow_table(void)
{
	int last = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, FILES_MAX - 1);

	if (last < 0)
		err(1, "%s: F_DUPFD", name);
	close(last);
}

static const char *open_more(const struct memory *memory)
{
	unsigned int i, n;

	for (i = 0; i < MEMORY_FILES; i++) {
		n = memory->open(&files[count]);
		if (!n)
			return bench_cannot(memory->name, errno);
		count += n;
	}
	return NULL;
}

/* The first files fill what the kernel's caches have free, and are not counted. */
static const char *measure_memory(const struct memory *memory, double *samples)
{
	const char *reason = make_room(FILES_MAX);
	long before, after;
	unsigned int i;

	if (reason)
		return reason;
	grow_table();
	memset(files, 0, sizeof(files));	/* our own pages are there */
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);	/* RCU has freed all */
	reason = open_more(memory);
	for (i = 0; i < MEMORY_SAMPLES && !reason; i++) {
		if (!count_free(&before))
			return "takes root, to read /proc/sys/vm/stat_refresh";
		reason = open_more(memory);
		count_free(&after);
		samples[i] = (double)(before - after) * sysconf(_SC_PAGESIZE) / MEMORY_FILES;
	}
	return reason;
}

static void measure_memories(void)
{
	double samples[MEMORY_SAMPLES];
	const struct memory *memory;
	const char *reason;

	for (memory = memories; memory < memories + LENGTH(memories); memory++) {
		bench_about(memory->name, memory->about);
		if (!bench_wanted(memory->name))
			continue;
		reason = measure_memory(memory, samples);
		close_files();
		if (reason)
			bench_missing(memory->name, memory->about, reason);
		else
			bench_report(memory->name, memory->about, "bytes", samples,
				     MEMORY_SAMPLES);
	}
}

/* The ring's size --------------------------------------------------------- */

static const unsigned int capacities[] = { 16, 64, 256, 1024, 4096, 16384, 65536 };

#define RING_BATCH	16		/* the smallest ring holds no more */

static unsigned int capacity;
static unsigned int stored;		/* records that are still to be read */

static const char *begin_ring(void)
{
	static struct iodemo_record record;

	device = bench_open(0, O_RDWR);
	bench_io = (struct bench_io){ device, &record, sizeof(record), sizeof(record) };
	stored = 0;
	return NULL;
}

/* A ring that is full: what is read was stored long ago, if it is a big one. */
static void prepare_ring_read(unsigned int batch)
{
	if (stored < batch) {
		bench_store(device, capacity);
		stored = capacity;
	}
	stored -= batch;
}

static void end_ring(void)
{
	close(device);
}

static void measure_ring_read(void)
{
	const struct bench_cost cost = {
		.name = name, .about = about, .batch = RING_BATCH, .begin = begin_ring,
		.prepare = prepare_ring_read, .run = bench_io_read, .end = end_ring,
	};

	bench_cost(&cost);
}

static void measure_ring_interrupt(void)
{
	const struct bench_cost cost = {
		.name = name, .about = about, .begin = begin_ring, .run = run_idle,
		.end = end_ring,
	};

	bench_cost(&cost);
}

/* The kernel's own list says how many pages it has mapped for whom. */
static void measure_ring_memory(void)
{
	FILE *areas = fopen("/proc/vmallocinfo", "re");
	char line[512], *at;
	unsigned long pages;
	double bytes = 0;

	if (!areas) {
		bench_missing(name, about, "takes root, to read /proc/vmallocinfo");
		return;
	}
	while (fgets(line, sizeof(line), areas)) {
		at = strstr(line, "[iodemo] pages=");
		if (at && sscanf(at, "[iodemo] pages=%lu", &pages) == 1)
			bytes += (double)pages * sysconf(_SC_PAGESIZE);
	}
	fclose(areas);
	bench_report(name, about, "bytes", &bytes, 1);
}

static const struct ring {
	const char *name;
	const char *about;
	void (*measure)(void);
} rings[] = {
	{ "ring-read", "a read of one record; a ring of %u", measure_ring_read },
	{ "ring-interrupt", "an interrupt; a ring of %u", measure_ring_interrupt },
	{ "ring-memory", "memory of a ring of %u", measure_ring_memory },
};

/* One of them, with all sizes. */
static void measure_ring(const struct ring *ring)
{
	char parameters[64];
	const char *reason;
	unsigned int i;

	for (i = 0; i < LENGTH(capacities); i++) {
		capacity = capacities[i];
		if (!wanted(ring->name, ring->about, capacity))
			continue;
		snprintf(parameters, sizeof(parameters), "capacity=%u period_us=0", capacity);
		reason = bench_load(parameters);
		if (reason) {
			bench_missing(name, about, reason);
			continue;
		}
		ring->measure();
		bench_unload();
	}
}

void bench_growth(void)
{
	unsigned int i;

	bench_title("growth: files that nobody waits on", "interrupt-idle-0", NULL);
	measure_idle();

	measure_epoll();

	bench_title("growth: the kernel's memory for an open file", NULL, NULL);
	measure_memories();

	bench_title("growth: the ring's size", NULL, NULL);
	for (i = 0; i < LENGTH(rings); i++)
		measure_ring(&rings[i]);

	/* Last: in a process that has had threads, the C library's read() does more. */
	bench_title("growth: files with a reader asleep on each", "interrupt-idle-0",
		    "interrupt-asleep-1");
	measure_sleepers();
}
