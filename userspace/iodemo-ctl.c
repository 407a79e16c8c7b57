// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows and changes what the ioctls of /dev/iodemo offer, and follows it
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "ctl/ctl.h"

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
	       "  flush                    empties the queue of what was written and is not yet sent\n"
	       "  reserve [-- COMMAND...]  keeps others out while COMMAND runs, or until Ctrl-C\n"
	       "  read [types=TYPE,...] [low_water=N] [-- COMMAND...]\n"
	       "                           lines as they come, of these types only: sample, echo,\n"
	       "                           received; or COMMAND, with the device as its standard\n"
	       "                           input\n"
	       "  tail [N]                 the last N records, also from before now: 1..%u (default 10)\n"
	       "  monitor [OPTION]...      the device and its readers, each second, until Ctrl-C\n"
	       "    -r, --records          a line a record instead\n"
	       "    -l, --low-water N      with -r: be woken for every N: 1..capacity (default 1)\n"
	       "    -t, --types TYPE,...   with -r: only records of these types: sample, echo,\n"
	       "                           received, all\n"
	       "    -n, --lines N          end after N records, or N looks at the device\n\n"
	       "  -d, --device DEVICE      instead of %s\n"
	       "  -h, --help               this text\n"
	       "  -V, --version            which iodemo this is\n",
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
	int fd = iodemo_open_or_exit(device, O_RDONLY);
	struct iodemo_info info;

	(void)arguments;
	iodemo_ioctl(fd, device, IODEMO_GET_INFO, &info, "GET_INFO");
	printf("version      %u\n", info.version);
	printf("source       %.*s\n", IODEMO_SOURCE_SIZE, info.source);
	printf("can          %s%s%s\n", info.flags & IODEMO_INFO_CONFIG ? "be configured" : "",
	       info.flags & IODEMO_INFO_CONFIG && info.flags & IODEMO_INFO_TRIGGER ? ", " : "",
	       info.flags & IODEMO_INFO_TRIGGER ? "be fired" : "");
	printf("when full    %s\n", info.flags & IODEMO_INFO_WAITS ? "waits" : "overwrites");
	printf("index        %u\n", info.index);
	if (info.irq)
		printf("irq          %u\n", info.irq);
	printf("polled       %s\n", !(info.flags & IODEMO_INFO_POLLED) ? "no" :
	       info.irq ? "once an interrupt has come" : "yes");
	printf("threaded     %s\n", info.flags & IODEMO_INFO_THREADED ? "yes" : "no");
	printf("URING_WAIT   %s\n", info.flags & IODEMO_INFO_URING_WAIT ? "in every ring" :
	       "in polled rings");
	printf("record size  %u bytes\n", info.record_size);
	printf("capacity     %u records\n", info.capacity);
	printf("tx capacity  %u records\n", info.tx_capacity);
	if (info.tx_drain)
		printf("tx drain     %u records an interrupt\n", info.tx_drain);
	return 0;
}

static int show_config(char **arguments)
{
	int fd = iodemo_open_or_exit(device, O_RDONLY);
	struct iodemo_client_config client;
	struct iodemo_config config;
	struct iodemo_info info;

	(void)arguments;
	iodemo_ioctl(fd, device, IODEMO_GET_INFO, &info, "GET_INFO");
	iodemo_ioctl(fd, device, IODEMO_GET_CLIENT, &client, "GET_CLIENT");
	if (info.flags & IODEMO_INFO_CONFIG) {
		iodemo_ioctl(fd, device, IODEMO_GET_CONFIG, &config, "GET_CONFIG");
		if (config.period_us)
			printf("period     %u µs\n", config.period_us);
		else
			printf("period     0: only TRIGGER\n");
		printf("burst      %u\n", config.burst);
	}
	printf("format     %s\n", client.format == IODEMO_FORMAT_RAW ? "raw" : "text");
	printf("low water  %u\n", client.low_water);
	return 0;
}

static int show_stats(char **arguments)
{
	int fd = iodemo_open_or_exit(device, O_RDONLY);
	struct iodemo_stats stats;

	(void)arguments;
	iodemo_ioctl(fd, device, IODEMO_GET_STATS, &stats, "GET_STATS");
	printf("interrupts  %llu\n", stats.interrupts);
	printf("overruns    %llu\n", stats.overruns);
	if (stats.polls)
		printf("polls       %llu, %llu of them took all that one may\n", stats.polls,
		       stats.exhausted);
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
	int fd = iodemo_open_or_exit(device, O_RDWR);
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
	int fd = iodemo_open_or_exit(device, O_RDWR);

	iodemo_ioctl(fd, device, IODEMO_TRIGGER, &count, "TRIGGER");
	return 0;
}

static int write_text(char **arguments)
{
	int fd = iodemo_open_or_exit(device, O_WRONLY);
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

static int flush(char **arguments)
{
	int fd = iodemo_open_or_exit(device, O_WRONLY);

	(void)arguments;
	iodemo_ioctl(fd, device, IODEMO_FLUSH, NULL, "FLUSH");
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
	int fd = iodemo_open_or_exit(device, O_RDWR);
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

/* Is it name=value? */
static bool has_value(const char *argument, const char *name, const char **value)
{
	size_t length = strlen(name);

	*value = argument + length + 1;
	return !strncmp(argument, name, length) && argument[length] == '=';
}

/* The rest of the file, as any program would. */
static void copy(int fd)
{
	char buffer[65536];
	ssize_t bytes;

	while ((bytes = read(fd, buffer, sizeof(buffer))) > 0) {
		ssize_t done = 0, ret;

		for (; done < bytes; done += ret) {
			ret = write(STDOUT_FILENO, buffer + done, bytes - done);
			if (ret < 0)
				err(1, "standard output");
		}
	}
	if (bytes < 0)
		err(1, "%s: read", device);
}

/*
 * In place of us, COMMAND reads the open file, and so is itself what the device wakes
 * or leaves asleep.
 */
static int read_lines(char **arguments)
{
	struct iodemo_client_config client = {
		.format = IODEMO_FORMAT_TEXT, .low_water = IODEMO_LOW_WATER_MIN,
	};
	int fd = iodemo_open_or_exit(device, O_RDONLY);
	struct iodemo_info info;
	const char *value;

	iodemo_ioctl(fd, device, IODEMO_GET_INFO, &info, "GET_INFO");
	for (; *arguments && strcmp(*arguments, "--"); arguments++) {
		if (has_value(*arguments, "types", &value))
			client.types = ctl_types(value);
		else if (has_value(*arguments, "low_water", &value))
			client.low_water = number("low_water", value, IODEMO_LOW_WATER_MIN,
						  info.capacity);
		else
			errx(1, "read: %s is none of: types=TYPE,... low_water=N -- COMMAND",
			     *arguments);
	}
	iodemo_ioctl(fd, device, IODEMO_SET_CLIENT, &client, "SET_CLIENT");
	if (!*arguments || !arguments[1]) {
		copy(fd);
		return 0;
	}
	if (dup2(fd, STDIN_FILENO) < 0)
		err(1, "standard input");
	execvp(arguments[1], arguments + 1);
	err(127, "%s", arguments[1]);
}

static int tail(char **arguments)
{
	__u64 count = *arguments ? number("tail", *arguments, 1, IODEMO_CAPACITY_MAX) : 10;

	ctl_show_tail(iodemo_open_or_exit(device, O_RDONLY), device, count);
	return 0;
}

static int monitor(char **arguments)
{
	static const struct option options[] = {
		{ "records",	no_argument,		NULL, 'r' },
		{ "low-water",	required_argument,	NULL, 'l' },
		{ "types",	required_argument,	NULL, 't' },
		{ "lines",	required_argument,	NULL, 'n' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	const char *low_water = NULL, *types = NULL;
	struct iodemo_client_config client = { .format = IODEMO_FORMAT_RAW };
	bool records = false;
	struct iodemo_info info;
	__u64 lines = ~0ULL;
	int argc = 0, option, fd;

	/* getopt takes the word before the first argument for the program's name. */
	for (arguments--; arguments[argc]; argc++)
		;
	optind = 0;
	while ((option = getopt_long(argc, arguments, "rl:t:n:h", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			records = true;
			break;
		case 'l':
			low_water = optarg;
			break;
		case 't':
			types = optarg;
			break;
		case 'n':
			lines = iodemo_number("--lines", optarg, 1, ~0ULL);
			break;
		case 'h':
			usage();
			return 0;
		default:
			errx(1, "%s knows --records, --low-water N, --types TYPE,... and --lines N",
			     *arguments);
		}
	}
	if (arguments[optind])
		errx(1, "%s: unexpected argument: %s", *arguments, arguments[optind]);

	if (low_water && !records)
		errx(1, "%s: --low-water=%s is for --records", *arguments, low_water);
	if (types && !records)
		errx(1, "%s: --types=%s is for --records", *arguments, types);

	fd = iodemo_open_or_exit(device, O_RDONLY | O_NONBLOCK);
	if (!records) {
		ctl_monitor(fd, device, lines);
		return 0;
	}
	iodemo_ioctl(fd, device, IODEMO_GET_INFO, &info, "GET_INFO");
	client.low_water = low_water ? number("low_water", low_water, IODEMO_LOW_WATER_MIN,
					      info.capacity) : IODEMO_LOW_WATER_MIN;
	client.types = types ? ctl_types(types) : 0;
	iodemo_ioctl(fd, device, IODEMO_SET_CLIENT, &client, "SET_CLIENT");
	setlinebuf(stdout);
	ctl_follow_records(fd, device, lines);
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
	{ "flush",	flush,			0, 0 },
	{ "reserve",	reserve,		0, INT_MAX },
	{ "read",	read_lines,		0, INT_MAX },
	{ "tail",	tail,			0, 1 },
	{ "monitor",	monitor,		0, INT_MAX },
	{ }
};

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device",	required_argument,	NULL, 'd' },
		{ "help",	no_argument,		NULL, 'h' },
		{ "version",	no_argument,		NULL, 'V' },
		{ }
	};
	const struct command *command;
	int option, status;

	while ((option = getopt_long(argc, argv, "+d:hV", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			device = optarg;
			break;
		case 'h':
			usage();
			return 0;
		case 'V':
			iodemo_show_version();
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
