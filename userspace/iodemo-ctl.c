// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows and changes what the ioctls of /dev/iodemo offer, and follows it
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libiodemo.h"

static const char *device = IODEMO_DEVICE;

static void usage(void)
{
	printf("Usage: %s [-d DEVICE] COMMAND [ARGUMENT]...\n\n"
	       "  info                     what the device is\n"
	       "  config                   how it makes interrupts, and how a new file reads\n"
	       "  stats                    its counters\n"
	       "  set NAME=VALUE...        period=%u..%u (µs), or 0 for only TRIGGER;\n"
	       "                           burst=%u..%u (samples an interrupt)\n"
	       "  trigger [N]              fires the interrupt line N times: 1..%u (default 1)\n"
	       "  write TEXT               sends TEXT, which the device echoes into its ring\n"
	       "  reserve [-- COMMAND...]  keeps others out while COMMAND runs, or until Ctrl-C\n"
	       "  tail [N]                 the last N records, also from before now: 1..%u (default 10)\n"
	       "  monitor [OPTION]...      a line a second, until Ctrl-C\n"
	       "    -r, --records          a line a record instead\n"
	       "    -l, --low-water N      be woken for every N records: 1..capacity (default 1)\n"
	       "    -n, --lines N          end after N lines\n\n"
	       "  -d, --device DEVICE      instead of %s\n"
	       "  -h, --help               this text\n",
	       program_invocation_short_name, IODEMO_PERIOD_US_MIN, IODEMO_PERIOD_US_MAX,
	       IODEMO_BURST_MIN, IODEMO_BURST_MAX, ~0U, IODEMO_CAPACITY_MAX, IODEMO_DEVICE);
}

/* A number that belongs to the device, so that the message names both. */
static __u64 number(const char *name, const char *text, __u64 min, __u64 max)
{
	char full[256];

	snprintf(full, sizeof(full), "%s: %s", device, name);
	return iodemo_number(full, text, min, max);
}

static int show_info(char **arguments)
{
	int fd = iodemo_open(device, O_RDONLY);
	struct iodemo_info info;

	(void)arguments;
	iodemo_ioctl(fd, device, IODEMO_GET_INFO, &info, "GET_INFO");
	printf("version      %u\n", info.version);
	printf("index        %u\n", info.index);
	printf("irq          %u\n", info.irq);
	printf("threaded     %s\n", info.flags & IODEMO_INFO_THREADED ? "yes" : "no");
	printf("URING_WAIT   %s\n", info.flags & IODEMO_INFO_URING_WAIT ? "in every ring" :
	       "in polled rings");
	printf("record size  %u bytes\n", info.record_size);
	printf("capacity     %u records\n", info.capacity);
	printf("tx capacity  %u records\n", info.tx_capacity);
	printf("tx drain     %u records an interrupt\n", info.tx_drain);
	return 0;
}

static int show_config(char **arguments)
{
	int fd = iodemo_open(device, O_RDONLY);
	struct iodemo_client_config client;
	struct iodemo_config config;

	(void)arguments;
	iodemo_ioctl(fd, device, IODEMO_GET_CONFIG, &config, "GET_CONFIG");
	iodemo_ioctl(fd, device, IODEMO_GET_CLIENT, &client, "GET_CLIENT");
	if (config.period_us)
		printf("period     %u µs\n", config.period_us);
	else
		printf("period     0: only TRIGGER\n");
	printf("burst      %u\n", config.burst);
	printf("format     %s\n", client.format == IODEMO_FORMAT_RAW ? "raw" : "text");
	printf("low water  %u\n", client.low_water);
	return 0;
}

static int show_stats(char **arguments)
{
	int fd = iodemo_open(device, O_RDONLY);
	struct iodemo_stats stats;

	(void)arguments;
	iodemo_ioctl(fd, device, IODEMO_GET_STATS, &stats, "GET_STATS");
	printf("interrupts  %llu\n", stats.interrupts);
	printf("overruns    %llu\n", stats.overruns);
	printf("records     %llu\n", stats.records);
	printf("echoes      %llu\n", stats.echoes);
	printf("wake-ups    %llu\n", stats.wakeups);
	printf("signals     %llu\n", stats.signals);
	if (stats.expires)
		printf("next        at %llu.%09llu s of CLOCK_MONOTONIC\n",
		       stats.expires / 1000000000, stats.expires % 1000000000);
	else
		printf("next        with TRIGGER\n");
	return 0;
}

static int set_config(char **arguments)
{
	int fd = iodemo_open(device, O_RDWR);
	struct iodemo_config config;
	char name[256];

	iodemo_ioctl(fd, device, IODEMO_GET_CONFIG, &config, "GET_CONFIG");
	for (; *arguments; arguments++) {
		char *value = strchr(*arguments, '=');
		size_t length = value ? (size_t)(value - *arguments) : 0;

		if (length == 6 && !strncmp(*arguments, "period", length)) {
			snprintf(name, sizeof(name), "%s: period_us", device);
			config.period_us = iodemo_period(name, value + 1);
		} else if (length == 5 && !strncmp(*arguments, "burst", length)) {
			config.burst = number("burst", value + 1,
					      IODEMO_BURST_MIN, IODEMO_BURST_MAX);
		} else {
			errx(1, "set: %s is none of: period=US burst=N", *arguments);
		}
	}
	iodemo_ioctl(fd, device, IODEMO_SET_CONFIG, &config, "SET_CONFIG");
	return 0;
}

static int trigger(char **arguments)
{
	__u32 count = *arguments ? number("trigger", *arguments, 1, ~0U) : 1;
	int fd = iodemo_open(device, O_RDWR);

	iodemo_ioctl(fd, device, IODEMO_TRIGGER, &count, "TRIGGER");
	return 0;
}

static int write_text(char **arguments)
{
	int fd = iodemo_open(device, O_WRONLY);
	const char *text = *arguments;
	ssize_t written;

	if (!*text)
		errx(1, "%s: write: TEXT is empty", device);
	while (*text) {
		written = write(fd, text, strlen(text));
		if (written < 0 && errno == ENODEV)
			errx(1, "%s: write: the device was unplugged", device);
		if (written < 0 && errno == EBUSY)
			errx(1, "%s: write: reserved by another program", device);
		if (written < 0)
			err(1, "%s: write", device);
		text += written;
	}
	return 0;
}

/* What @command ended with, as a shell says it. */
static int run(char **command)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		execvp(*command, command);
		err(127, "%s", *command);
	}

	/* Ctrl-C is for the command; its end is what we wait for. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(1, "waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int reserve(char **arguments)
{
	int fd = iodemo_open(device, O_RDWR);
	int status = 0, sig;
	sigset_t set;

	iodemo_ioctl(fd, device, IODEMO_RESERVE, NULL, "RESERVE");
	if (*arguments) {
		status = run(arguments);
	} else {
		sigemptyset(&set);
		sigaddset(&set, SIGINT);
		sigaddset(&set, SIGTERM);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		printf("%s is reserved; Ctrl-C releases it\n", device);
		fflush(stdout);
		sigwait(&set, &sig);
	}
	iodemo_ioctl(fd, device, IODEMO_RELEASE, NULL, "RELEASE");
	return status;
}

/* @time: how long it took to get here, or how long ago it was */
static void show_record(const struct iodemo_record *record, double time, const char *unit)
{
	unsigned int i;

	printf("%12llu  cpu%-3u  %-6s  %10.1f %s  ", record->seq, record->cpu,
	       record->type == IODEMO_TYPE_ECHO ? "echo" : "sample", time, unit);
	for (i = 0; i < record->len; i++)
		printf(isprint(record->data[i]) ? "%c" : "\\x%02x", record->data[i]);
	putchar('\n');
}

static __u64 age(const struct iodemo_record *record)
{
	return iodemo_now() - record->timestamp;
}

/* A new file reads only what comes from now on; the mapped ring has what was before, too. */
static int tail(char **arguments)
{
	__u64 count = *arguments ? number("tail", *arguments, 1, IODEMO_CAPACITY_MAX) : 10;
	int fd = iodemo_open(device, O_RDONLY);
	struct iodemo_record record;
	struct iodemo_ring ring;
	__u64 seq, head;

	if (iodemo_ring_map(&ring, fd))
		err(1, "%s: can't map the ring", device);
	head = iodemo_ring_head(&ring);
	for (seq = head > count ? head - count : 0; seq < head; seq++)
		if (iodemo_ring_copy(&ring, seq, &record))
			show_record(&record, age(&record) / 1e6, "ms ago");
	iodemo_ring_unmap(&ring);
	return 0;
}

/* A line a record: woken by the device. */
static void follow_records(int fd, __u64 lines)
{
	struct iodemo_record record;
	struct iodemo_stats stats;
	__u64 next;

	iodemo_ioctl(fd, device, IODEMO_GET_STATS, &stats, "GET_STATS");
	next = stats.records - stats.lag;

	printf("         seq  on      type       latency     data\n");
	while (lines) {
		struct pollfd fds[] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = STDOUT_FILENO },
		};
		ssize_t bytes;

		if (poll(fds, 2, -1) < 0)
			err(1, "poll");
		if (fds[1].revents)
			return;
		while (lines && (bytes = read(fd, &record, sizeof(record))) > 0) {
			if (record.seq != next)
				printf("%12llu  lost\n", record.seq - next);
			next = record.seq + 1;
			show_record(&record, age(&record) / 1e3, "µs");
			lines--;
		}
		if (lines && bytes == 0)
			errx(1, "%s: the device was unplugged", device);
		if (lines && errno != EAGAIN)
			err(1, "%s: read", device);
	}
}

/* Reads what waited, so that lag is what one second brought. */
static void skip(int fd, __s64 count)
{
	struct iodemo_record records[IODEMO_BATCH];
	ssize_t bytes;

	while (count > 0) {
		bytes = read(fd, records, sizeof(records));
		if (bytes <= 0)
			return;
		count -= bytes / sizeof(records[0]);
	}
}

/* A line a second: woken by a timer, and by the device only at its end. */
static void follow_seconds(int fd, __u64 lines)
{
	const struct itimerspec second = { .it_value.tv_sec = 1, .it_interval.tv_sec = 1 };
	struct iodemo_stats last, now;
	__u64 ticks, seconds = 0;
	int timer;

	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (timer < 0 || timerfd_settime(timer, 0, &second, NULL))
		err(1, "timerfd");
	iodemo_ioctl(fd, device, IODEMO_GET_STATS, &last, "GET_STATS");

	printf("%8s  %10s  %10s  %10s  %10s  %10s  %6s  %8s\n", "s", "a second", "interrupts",
	       "records", "wake-ups", "signals", "lag", "lost");
	for (; lines; lines--) {
		struct pollfd fds[] = {
			{ .fd = timer, .events = POLLIN },
			{ .fd = fd },
			{ .fd = STDOUT_FILENO },
		};

		if (poll(fds, 3, -1) < 0)
			err(1, "poll");
		if (fds[2].revents)
			return;
		if (fds[1].revents & POLLHUP)
			errx(1, "%s: the device was unplugged", device);
		if (read(timer, &ticks, sizeof(ticks)) < 0)
			err(1, "timerfd");
		seconds += ticks;
		iodemo_ioctl(fd, device, IODEMO_GET_STATS, &now, "GET_STATS");
		skip(fd, now.lag);
		printf("%8llu  %10llu  %10llu  %10llu  %10llu  %10llu  %6llu  %8llu\n", seconds,
		       (now.records - last.records) / ticks, now.interrupts, now.records,
		       now.wakeups, now.signals, now.lag, now.lost);
		last = now;
	}
}

static int monitor(char **arguments)
{
	static const struct option options[] = {
		{ "records",	no_argument,		NULL, 'r' },
		{ "low-water",	required_argument,	NULL, 'l' },
		{ "lines",	required_argument,	NULL, 'n' },
		{ }
	};
	int fd = iodemo_open(device, O_RDONLY | O_NONBLOCK);
	bool records = false;
	struct iodemo_info info;
	__u64 lines = ~0ULL;
	__u32 low_water = 1;
	int argc = 0, option;

	iodemo_ioctl(fd, device, IODEMO_GET_INFO, &info, "GET_INFO");

	/* getopt takes the word before the first argument for the program's name. */
	for (arguments--; arguments[argc]; argc++)
		;
	optind = 0;
	while ((option = getopt_long(argc, arguments, "rl:n:", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			records = true;
			break;
		case 'l':
			low_water = number("low_water", optarg,
					   IODEMO_LOW_WATER_MIN, info.capacity);
			break;
		case 'n':
			lines = iodemo_number("--lines", optarg, 1, ~0ULL);
			break;
		default:
			errx(1, "%s knows --records, --low-water N and --lines N", *arguments);
		}
	}
	if (arguments[optind])
		errx(1, "%s: unexpected argument: %s", *arguments, arguments[optind]);

	setlinebuf(stdout);
	iodemo_set_raw(fd, device, low_water);
	if (records)
		follow_records(fd, lines);
	else
		follow_seconds(fd, lines);
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(char **arguments);
	int min, max;		/* arguments */
} commands[] = {
	{ "info",	show_info,		0, 0 },
	{ "config",	show_config,		0, 0 },
	{ "stats",	show_stats,		0, 0 },
	{ "set",	set_config,		1, INT_MAX },
	{ "trigger",	trigger,		0, 1 },
	{ "write",	write_text,		1, 1 },
	{ "reserve",	reserve,		0, INT_MAX },
	{ "tail",	tail,			0, 1 },
	{ "monitor",	monitor,		0, INT_MAX },
	{ }
};

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device",	required_argument,	NULL, 'd' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	const struct command *command;
	int option, status;

	while ((option = getopt_long(argc, argv, "+d:h", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			device = optarg;
			break;
		case 'h':
			usage();
			return 0;
		default:
			errx(1, "`%s --help` lists the commands", program_invocation_short_name);
		}
	}
	argc -= optind + 1;
	argv += optind;
	if (argc < 0)
		errx(1, "no command: `%s --help` lists them", program_invocation_short_name);

	for (command = commands; command->name; command++)
		if (!strcmp(command->name, *argv))
			break;
	if (!command->name)
		errx(1, "%s is no command: `%s --help` lists them", *argv,
		     program_invocation_short_name);
	if (argc > 0 && command->run == reserve && !strcmp(argv[1], "--")) {
		argc--;
		argv++;
	}
	if (argc < command->min)
		errx(1, "%s: an argument is missing: `%s --help` tells which", command->name,
		     program_invocation_short_name);
	if (argc > command->max)
		errx(1, "%s: unexpected argument: %s", command->name, argv[command->max + 1]);

	status = command->run(argv + 1);
	if (fflush(stdout))
		err(1, "standard output");
	return status;
}
