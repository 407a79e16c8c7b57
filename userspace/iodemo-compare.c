// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the demos, one after the other on the same device, and shows their
 * figures in three tables: the five models; the ways of the fifth; zero-copy
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo/demo.h"

#define RECORDS		200
#define RECORDS_MAX	1000000
#define PERIOD_US	2000
#define FILES		4
#define WIDTH		99

static const struct row {
	const char *model;
	const char *api;
	bool typical;		/* stands for its model in the table of the five */
	bool many;		/* reads from several files, as that is its point */
} rows[] = {
	{ "blocking",		"read",			true,	false },
	{ "nonblocking",	"read",			true,	false },
	{ "multiplexing",	"select",		true,	true },
	{ "multiplexing",	"poll",			true,	true },
	{ "multiplexing",	"epoll",		true,	true },
	{ "signal",		"sigio",		true,	false },
	{ "signal",		"realtime",		true,	false },
	{ "async",		"posix",		true,	false },
	{ "async",		"libaio",		false,	false },
	{ "async",		"io_uring",		true,	false },
	{ "async",		"io_uring-multishot",	false,	false },
	{ "async",		"uring_cmd",		false,	false },
	{ "zerocopy",		"read",			false,	false },
	{ "zerocopy",		"mmap",			false,	false },
	{ "zerocopy",		"splice",		false,	false },
};

#define ROWS	(sizeof(rows) / sizeof(rows[0]))

/* What a demo said of itself, on one line; empty if it failed. */
static char lines[ROWS][1024];
static unsigned int done;	/* rows, so far */

static const char *device = IODEMO_DEVICE;
static unsigned int records = RECORDS;	/* of each file */
static unsigned int period_us = PERIOD_US;
static unsigned int files = FILES;
static atomic_bool stopped;

static void usage(void)
{
	printf("Usage: %s [OPTION]...\n\n"
	       "Runs the demos and shows what each model costs and what it leaves for other work.\n\n"
	       "  -n, --records N      end each run after N records of each file: 1..%u (default %u)\n"
	       "  -d, --device PATH    read from PATH (default %s)\n"
	       "  -p, --period US      microseconds between two interrupts: %u..%u (default %u)\n"
	       "  -f, --files N        that multiplexing waits for at once: 1..%u (default %u)\n"
	       "  -j, --json           an array of what the demos say with --json\n"
	       "  -h, --help           this text\n",
	       program_invocation_short_name, RECORDS_MAX, RECORDS, IODEMO_DEVICE,
	       IODEMO_PERIOD_US_MIN, IODEMO_PERIOD_US_MAX, PERIOD_US, IODEMO_FILES_MAX, FILES);
}

/* The demo that lies beside this program, or else the one on PATH. */
static void exec_demo(const struct row *row)
{
	char path[4096], count[16], period[16];
	char *argv[16 + 2 * IODEMO_FILES_MAX];
	unsigned int i, n = row->many ? files : 1;
	char **arg = argv;
	ssize_t length;
	char *name;

	length = readlink("/proc/self/exe", path, sizeof(path) - 64);
	path[length < 0 ? 0 : length] = '\0';
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	sprintf(name, "iodemo-%s", row->model);
	sprintf(count, "%u", records * n);
	sprintf(period, "%u", period_us);

	*arg++ = name;
	*arg++ = "--json";
	*arg++ = "--api";
	*arg++ = (char *)row->api;
	*arg++ = "--records";
	*arg++ = count;
	*arg++ = "--period";
	*arg++ = period;
	for (i = 0; i < n; i++) {
		*arg++ = "--device";
		*arg++ = (char *)device;
	}
	*arg = NULL;

	execv(path, argv);
	execvp(name, argv);
	err(127, "%s", name);
}

/*
 * Gets the line of figures, an empty one if there is none; returns whether all
 * went well, as it also did if this kernel is too old (status 2).
 */
static bool run_demo(const struct row *row, char *line, size_t size)
{
	FILE *output;
	int pipes[2];
	int status;
	pid_t pid;

	if (pipe(pipes))
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		exec_demo(row);
	}

	close(pipes[1]);
	output = fdopen(pipes[0], "r");
	if (!output)
		err(1, "fdopen");
	if (!fgets(line, size, output))
		*line = '\0';
	fclose(output);
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) && (!WEXITSTATUS(status) || WEXITSTATUS(status) == 2);
}

/* The number that stands behind a key in a line of figures. */
static double figure(const char *line, const char *key)
{
	char quoted[32];
	const char *found;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	found = strstr(line, quoted);
	if (!found)
		errx(1, "no %s among the figures: %s", quoted, line);
	return strtod(found + strlen(quoted), NULL);
}

/* What a line of figures affirms. */
static bool says(const char *line, const char *key)
{
	char affirmed[32];

	snprintf(affirmed, sizeof(affirmed), "\"%s\":true", key);
	return strstr(line, affirmed);
}

/* Six characters, whatever it is. */
static const char *six(char *text, double value)
{
	if (value < 999999.5)
		sprintf(text, "%6.0f", value);
	else if (value < 999.5e6)
		sprintf(text, "%5.3gM", value / 1e6);
	else
		sprintf(text, "%5.3gG", value / 1e9);
	return text;
}

/* Figures of one record. */
static double a_record(const char *line, double value)
{
	double records = figure(line, "records");

	return records ? value / records : 0;
}

/* Shows why a row has no figures, if it has none. */
static bool show_reason(const char *line)
{
	const char *reason = strstr(line, "\"unavailable\":\"");

	if (reason) {
		reason += strlen("\"unavailable\":\"");
		printf("     -  %.*s\n", (int)strcspn(reason, "\""), reason);
	} else if (!*line) {
		printf("failed\n");
	}
	return reason || !*line;
}

static void show_model(const struct row *row, const char *line)
{
	bool first = row == rows || strcmp(row->model, row[-1].model);
	char calls[16], eagains[16], work[16];

	printf("%-12s %-8s ", first ? row->model : "", row->api);
	if (show_reason(line))
		return;
	printf("%5.0f %7.0f %s%c%s %5.0f %5.0f %6.0f %5.0f %5.0f %6.0f %4.0f %s\n",
	       figure(line, "files"), figure(line, "records"),
	       six(calls, figure(line, "calls")), says(line, "more_calls") ? '+' : ' ',
	       six(eagains, figure(line, "eagains")),
	       figure(line, "voluntary"), figure(line, "involuntary"), figure(line, "cpu_ms"),
	       figure(line, "p50_us"), figure(line, "p99_us"), figure(line, "max_us"),
	       figure(line, "lost"),
	       six(work, figure(line, "work") / figure(line, "elapsed_ms")));
}

static void show_async(const struct row *row, const char *line)
{
	char work[16];

	printf("%-19s ", row->api);
	if (show_reason(line))
		return;
	printf("%6.0f %8.2f %8.0f %6.0f %6.0f %9.0f %9.2f%c %6.0f %6.0f %s\n",
	       figure(line, "submit_us"),
	       a_record(line, figure(line, "submit_us") * figure(line, "submits")),
	       figure(line, "p50_us"), figure(line, "p99_us"), figure(line, "max_us"),
	       figure(line, "threads"),
	       a_record(line, figure(line, "calls")), says(line, "more_calls") ? '+' : ' ',
	       figure(line, "voluntary"), figure(line, "cpu_ms"),
	       six(work, figure(line, "work") / figure(line, "elapsed_ms")));
}

static void show_zerocopy(const struct row *row, const char *line)
{
	printf("%-19s ", row->api);
	if (show_reason(line))
		return;
	printf("%6.2f %12.0f %10.0f %8.0f %6.0f %6.0f %6.0f\n",
	       a_record(line, figure(line, "calls")),
	       a_record(line, figure(line, "copied_to_program")),
	       a_record(line, figure(line, "copied_in_kernel")),
	       figure(line, "cpu_ms"),
	       figure(line, "p50_us"), figure(line, "p99_us"), figure(line, "max_us"));
}

static void show_rule(unsigned int width)
{
	while (width--)
		putchar('-');
	putchar('\n');
}

static void show_models(void)
{
	unsigned int i;

	printf("%42s%19s%7s%20s%12s\n",	/* µ is two bytes */
	       "system", "switches", "CPU", "latency, µs", "other");
	printf("%-12s %-8s %5s %7s %6s %6s %5s %5s %6s %5s %5s %6s %4s %6s\n",
	       "model", "api", "files", "records", "calls", "EAGAIN", "vol.", "inv.", "ms",
	       "p50", "p99", "max", "lost", "work");
	show_rule(WIDTH);
	for (i = 0; i < done; i++)
		if (rows[i].typical)
			show_model(&rows[i], lines[i]);
	printf("\nwork   done meanwhile, in units a ms: asleep none, asking some, told most\n");
	printf("calls  what it took; multiplexing sleeps once for all its files;\n");
	printf("       + and those of glibc's hidden thread, which only strace -f counts\n");
}

static void show_asyncs(void)
{
	unsigned int i;

	printf("\nasync, one API after the other\n\n");
	printf("%37s%25s%16s%9s%8s%6s%7s\n", "submit, µs", "completion, µs", "other",
	       "calls", "vol.", "CPU", "other");
	printf("%-19s %6s %8s %8s %6s %6s %9s %9s  %6s %6s %6s\n", "api", "a call", "a record",
	       "p50", "p99", "max", "threads", "a record", "switch", "ms", "work");
	show_rule(WIDTH);
	for (i = 0; i < done; i++)
		if (!strcmp(rows[i].model, "async"))
			show_async(&rows[i], lines[i]);
}

static void show_zerocopies(void)
{
	unsigned int i;

	printf("\nzero-copy: who copies the bytes of a record, and how often\n\n");
	printf("%26s%24s%9s%22s\n", "calls", "bytes copied a record", "CPU", "latency, µs");
	printf("%-19s %6s %12s %10s %8s %6s %6s %6s\n", "api", "a rec.", "to program",
	       "in kernel", "ms", "p50", "p99", "max");
	show_rule(WIDTH);
	for (i = 0; i < done; i++)
		if (!strcmp(rows[i].model, "zerocopy"))
			show_zerocopy(&rows[i], lines[i]);
}

/* A table that Ctrl-C left without rows is not shown. */
static void show_tables(void)
{
	const char *last = done ? rows[done - 1].model : "";

	printf("%u interrupts, one each %u µs\n\n", records, period_us);
	show_models();
	if (!strcmp(last, "async") || !strcmp(last, "zerocopy"))
		show_asyncs();
	if (!strcmp(last, "zerocopy"))
		show_zerocopies();
}

static void show_json(void)
{
	unsigned int i;

	for (i = 0; i < done; i++)
		printf("%s%.*s", i ? ",\n " : "[", (int)strcspn(lines[i], "\n"), lines[i]);
	printf("]\n");
}

/* For what takes more than two seconds: where that is possible, one line that goes away again. */
static bool can_clear(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
}

static void clear_progress(void)
{
	if (can_clear())
		fprintf(stderr, "\r\033[K");
}

static void show_progress(void)
{
	if (ROWS * records * (period_us / 1e6) <= 2)
		return;
	clear_progress();
	fprintf(stderr, "%u of %zu: %s, %s%s", done + 1, ROWS, rows[done].model,
		rows[done].api, can_clear() ? " ..." : "\n");
}

static void stop(int sig)
{
	(void)sig;
	stopped = true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "records",	required_argument,	NULL, 'n' },
		{ "device",	required_argument,	NULL, 'd' },
		{ "period",	required_argument,	NULL, 'p' },
		{ "files",	required_argument,	NULL, 'f' },
		{ "json",	no_argument,		NULL, 'j' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	bool json = false, good = true;
	int option;

	while ((option = getopt_long(argc, argv, "n:d:p:f:jh", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			records = iodemo_number("--records", optarg, 1, RECORDS_MAX);
			break;
		case 'd':
			device = optarg;
			break;
		case 'p':
			/* Nobody would TRIGGER, so 0 is not for us. */
			period_us = iodemo_number("--period", optarg, IODEMO_PERIOD_US_MIN,
						  IODEMO_PERIOD_US_MAX);
			break;
		case 'f':
			files = iodemo_number("--files", optarg, 1, IODEMO_FILES_MAX);
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			usage();
			return 0;
		default:
			errx(1, "`%s --help` lists the options", program_invocation_short_name);
		}
	}
	if (optind < argc)
		errx(1, "unexpected argument: %s", argv[optind]);
	close(iodemo_open(device, O_RDWR));

	/*
	 * Ctrl-C ends the running demo too, and what it had by then is the last
	 * row. A demo that got figures and still failed has lost its device.
	 */
	signal(SIGINT, stop);
	while (done < ROWS && !stopped) {
		char *line = lines[done];

		show_progress();
		good &= run_demo(&rows[done], line, sizeof(lines[done]));
		done++;
		if (!good && *line)
			break;
	}
	clear_progress();

	if (json)
		show_json();
	else
		show_tables();
	if (fflush(stdout))
		err(1, "standard output");
	return good ? 0 : 1;
}
