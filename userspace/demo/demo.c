// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens around the loop of a demo: its command line, its files, its
 * start and its end
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "demo.h"

#define RECORDS_DEFAULT	50
#define RECORDS_MAX	1000000000

/* The run of this program, for the signal handler and for exit(). */
static struct iodemo_run *this_run;

static void usage(const struct iodemo_run *run)
{
	const struct iodemo_api *api;

	printf("Usage: %s [OPTION]...\n\n%s: %s\n\n", program_invocation_short_name,
	       run->model, run->about);
	printf("  -n, --records N      end after N records: 1..%u (default %u)\n",
	       RECORDS_MAX, RECORDS_DEFAULT);
	printf("  -d, --device PATH    read from PATH (default %s)%s\n", IODEMO_DEVICE,
	       run->files_max > 1 ? "; up to 16 times," : "");
	if (run->files_max > 1)
		printf("                       the same PATH too: each is a file of its own\n");
	printf("  -p, --period US      microseconds between two interrupts during the run:\n"
	       "                       %u..%u, or 0 for only TRIGGER\n",
	       IODEMO_PERIOD_US_MIN, IODEMO_PERIOD_US_MAX);
	if (run->apis[1].name) {
		printf("  -a, --api API        ");
		for (api = run->apis; api->name; api++)
			printf("%s%s", api->name, api[1].name ? "|" : "");
		printf(" (default %s)\n", run->apis->name);
	}
	if (run->overflow_api)
		printf("      --overflow       more signals than the queue holds, on purpose\n");
	printf("  -j, --json           the figures on one line, for programs\n"
	       "  -h, --help           this text\n"
	       "  -V, --version        which iodemo this is\n\n"
	       "Ctrl-C ends the run early. What the figures mean: man iodemo-demos\n");
}

static const struct iodemo_api *find_api(const struct iodemo_run *run, const char *name)
{
	const struct iodemo_api *api;

	for (api = run->apis; api->name; api++)
		if (!strcmp(api->name, name))
			return api;

	fprintf(stderr, "%s: --api=%s is none of:", program_invocation_short_name, name);
	for (api = run->apis; api->name; api++)
		fprintf(stderr, " %s", api->name);
	fputc('\n', stderr);
	exit(1);
}

void iodemo_options(struct iodemo_run *run, int argc, char **argv)
{
	enum { OVERFLOW = 256 };
	static const struct option options[] = {
		{ "records",	required_argument,	NULL, 'n' },
		{ "device",	required_argument,	NULL, 'd' },
		{ "period",	required_argument,	NULL, 'p' },
		{ "api",	required_argument,	NULL, 'a' },
		{ "json",	no_argument,		NULL, 'j' },
		{ "help",	no_argument,		NULL, 'h' },
		{ "version",	no_argument,		NULL, 'V' },
		{ "overflow",	no_argument,		NULL, OVERFLOW },
		{ }
	};
	unsigned int files_max = run->files_max ?: 1;
	int option;

	run->wanted = RECORDS_DEFAULT;
	run->period_us = -1;

	while ((option = getopt_long(argc, argv, "n:d:p:a:jhV", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			run->wanted = iodemo_number("--records", optarg, 1, RECORDS_MAX);
			break;
		case 'd':
			if (run->files == files_max)
				errx(1, "--device=%s is one too many: 1..%u", optarg, files_max);
			run->file[run->files++].path = optarg;
			break;
		case 'p':
			run->period_us = iodemo_period("--period", optarg);
			break;
		case 'a':
			if (run->api)
				errx(1, "--api=%s is one too many: one is allowed", optarg);
			run->api = find_api(run, optarg);
			break;
		case 'j':
			run->json = true;
			break;
		case 'h':
			usage(run);
			exit(0);
		case 'V':
			iodemo_show_version();
		case OVERFLOW:
			if (!run->overflow_api)
				errx(1, "--overflow is an option of iodemo-signal");
			run->overflow = true;
			break;
		default:
			errx(1, "`%s --help` lists the options", program_invocation_short_name);
		}
	}
	if (optind < argc)
		errx(1, "unexpected argument: %s", argv[optind]);
	if (!run->files)
		run->file[run->files++].path = IODEMO_DEVICE;
	if (!run->api)
		run->api = run->overflow ? run->overflow_api : run->apis;
	else if (run->overflow && run->api != run->overflow_api)
		errx(1, "--overflow is about --api=%s, and not --api=%s",
		     run->overflow_api->name, run->api->name);
}

/*
 * The flag alone would not end a read() that begins to sleep just after the
 * flag was looked at, so no read may sleep from here on.
 */
static void stop(int sig)
{
	int saved = errno;
	unsigned int i;

	(void)sig;
	iodemo_stopped = true;
	for (i = 0; i < this_run->files; i++) {
		int fd = this_run->file[i].fd;

		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	}
	errno = saved;
}

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP, 0 };

void iodemo_hold_stop(sigset_t *wait_mask)
{
	const int *sig;
	sigset_t held;

	sigemptyset(&held);
	for (sig = stop_signals; *sig; sig++)
		sigaddset(&held, *sig);
	sigprocmask(SIG_BLOCK, &held, wait_mask);
}

/* An unplugged device has nothing to put back. */
static void put_back(void)
{
	unsigned int i;

	for (i = 0; i < this_run->files; i++) {
		struct iodemo_file *file = &this_run->file[i];

		if (!file->changed)
			continue;
		file->changed = false;
		if (ioctl(file->fd, IODEMO_SET_CONFIG, &file->config) && errno != ENODEV)
			warn("%s: period_us=%u was not put back", file->path,
			     file->config.period_us);
	}
}

void iodemo_open_files(struct iodemo_run *run, int flags)
{
	struct sigaction action = { .sa_handler = stop };
	const int *sig;
	unsigned int i;

	flags |= run->period_us < 0 ? O_RDONLY : O_RDWR;
	for (i = 0; i < run->files; i++) {
		struct iodemo_file *file = &run->file[i];

		file->fd = iodemo_open_or_exit(file->path, flags);
		iodemo_set_raw(file->fd, file->path, 1);
		iodemo_ioctl(file->fd, file->path, IODEMO_GET_CONFIG, &file->config, "GET_CONFIG");
	}

	this_run = run;
	atexit(put_back);
	for (sig = stop_signals; *sig; sig++)
		sigaction(*sig, &action, NULL);
}

static __u32 period_us(const struct iodemo_run *run)
{
	return run->period_us < 0 ? run->file[0].config.period_us : run->period_us;
}

/* What so many records take, if nobody is late. 0: that is up to TRIGGER. */
static double expected_seconds(const struct iodemo_run *run, __u64 records)
{
	return records * (period_us(run) / 1e6) / run->file[0].config.burst / run->files;
}

/* What takes longer than two seconds says so. */
static void announce(const struct iodemo_run *run)
{
	double seconds = expected_seconds(run, run->wanted);

	if (!period_us(run) && !run->overflow)
		fprintf(stderr,
			"%s: %s has period 0, so records come only from `iodemo-ctl trigger N`\n",
			program_invocation_short_name, run->file[0].path);
	else if (seconds > 2)
		fprintf(stderr, "%s: %llu records take about %.0f s; Ctrl-C ends it earlier\n",
			program_invocation_short_name, run->wanted, seconds);
}

/*
 * How long the calling thread could have run, and others did, in nanoseconds. A
 * kernel without CONFIG_SCHED_INFO doesn't tell.
 */
static __u64 waited_ns(void)
{
	FILE *file = fopen("/proc/thread-self/schedstat", "r");
	__u64 ns = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*u %llu", &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

/*
 * Passes over what was stored between open() and now. Not beyond what was there
 * when we looked: a device can be faster than we are.
 */
static void go_to_head(struct iodemo_file *file)
{
	static struct iodemo_record passed[1024];
	struct iovec iov = { .iov_base = passed, .iov_len = sizeof(passed) };
	struct iodemo_stats stats;
	ssize_t bytes;

	iodemo_ioctl(file->fd, file->path, IODEMO_GET_STATS, &stats, "GET_STATS");
	file->next = stats.records - stats.lag;
	do {
		bytes = preadv2(file->fd, &iov, 1, -1, RWF_NOWAIT);
		if (bytes > 0)
			file->next = passed[bytes / sizeof(*passed) - 1].seq + 1;
	} while (bytes > 0 && file->next < stats.records);
}

/* What comes last is next to the loop: a record that arrives in between is late for it. */
void iodemo_start(struct iodemo_run *run)
{
	unsigned int i;

	announce(run);
	run->waited_ns = waited_ns();
	for (i = 0; i < run->files && run->period_us >= 0; i++) {
		struct iodemo_file *file = &run->file[i];
		struct iodemo_config config = file->config;

		config.period_us = run->period_us;
		file->changed = true;
		iodemo_ioctl(file->fd, file->path, IODEMO_SET_CONFIG, &config, "SET_CONFIG");
	}
	for (i = 0; i < run->files; i++)
		go_to_head(&run->file[i]);
	getrusage(RUSAGE_SELF, &run->usage);
	getrusage(RUSAGE_THREAD, &run->own_usage);
	run->elapsed_ns = iodemo_now();
}

/* Besides the program's own. A folder's links are two, and one for each folder in it. */
static void count_threads(struct iodemo_run *run)
{
	struct stat tasks;
	unsigned int threads;

	if (stat("/proc/self/task", &tasks))
		err(1, "/proc/self/task");
	threads = tasks.st_nlink - 2 - 1;
	if (threads > run->threads)
		run->threads = threads;
}

void iodemo_submitted(struct iodemo_run *run, __u64 begin)
{
	run->submit_ns += iodemo_now() - begin;
	run->submits++;
}

/* What was used since it was asked for the first time */
static void used_since(int who, struct rusage *usage)
{
	struct rusage begin = *usage;

	getrusage(who, usage);
	timersub(&usage->ru_utime, &begin.ru_utime, &usage->ru_utime);
	timersub(&usage->ru_stime, &begin.ru_stime, &usage->ru_stime);
	usage->ru_nvcsw -= begin.ru_nvcsw;
	usage->ru_nivcsw -= begin.ru_nivcsw;
}

void iodemo_stop(struct iodemo_run *run)
{
	run->elapsed_ns = iodemo_now() - run->elapsed_ns;
	used_since(RUSAGE_SELF, &run->usage);
	used_since(RUSAGE_THREAD, &run->own_usage);
	run->waited_ns = waited_ns() - run->waited_ns;
	run->expected_ns = expected_seconds(run, run->records + run->lost) * 1e9;
	if (run->submits)
		count_threads(run);
	put_back();
}
