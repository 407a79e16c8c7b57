// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the demos, one after the other on the same device, and shows their
 * figures in three tables: the five models; the ways of the fifth; zero-copy
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo/demo.h"

#define RECORDS		200
#define RECORDS_MAX	1000000
#define PERIOD_US	2000
#define FILES		4

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
static char lines[ROWS][4096];
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
	       "  -j, --json           all figures, and what the tables leave out, for programs\n"
	       "  -o, --output FILE    the same, to FILE, and the tables all the same\n"
	       "  -h, --help           this text\n"
	       "  -V, --version        which iodemo this is\n",
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

/* What stands behind a key in a line of figures. */
static const char *value_of(const char *line, const char *key)
{
	char quoted[64];
	const char *found;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	found = strstr(line, quoted);
	return found ? found + strlen(quoted) : NULL;
}

/* A number; NAN for null, which is what was never measured. */
static double figure(const char *line, const char *key)
{
	const char *value = value_of(line, key);

	if (!value)
		errx(1, "no \"%s\" among the figures: %s", key, line);
	return !strncmp(value, "null", strlen("null")) ? NAN : strtod(value, NULL);
}

/* What a line of figures affirms. */
static bool says(const char *line, const char *key)
{
	const char *value = value_of(line, key);

	return value && !strncmp(value, "true", strlen("true"));
}

/* A table is its columns: what stands above each, and what the legend says of it. */
struct column {
	const char *name;
	const char *key;	/* of the figure */
	int width;
	int digits;		/* behind the point */
	const char *legend;
	bool more;		/* marked with + if hidden threads make more of them */
};

static const struct column model_columns[] = {
	{ "files", "files", 5, 0, "read by one program; multiplexing sleeps once for all", false },
	{ "records", "records", 7, 0, "read, of all files", false },
	{ "calls", "calls", 6, 0,
	  "system calls; + and those of a hidden thread, which strace -f counts", true },
	{ "EAGAIN", "eagains", 6, 0, "of these, that asked in vain", false },
	{ "slept", "voluntary", 5, 0, "times it let others run (voluntary switches)", false },
	{ "aside", "involuntary", 5, 0, "times it was put aside (involuntary switches)", false },
	{ "CPU", "cpu_ms", 5, 0, "processor time in ms, of user and kernel, of all its threads",
	  false },
	{ "p50", "p50_us", 6, 0,
	  "latency in µs: from the interrupt until the program has the record; of half", false },
	{ "p99", "p99_us", 6, 0, "of 99 % of the records it was no more", false },
	{ "max", "max_us", 6, 0, "nor of any", false },
	{ "lost", "lost", 4, 0, "records, overwritten before they were read", false },
	{ "work", "work_percent", 4, 0,
	  "% of its processor time left for other work: asleep none, asking some, told most",
	  false },
	{ }
};

static const struct column async_columns[] = {
	{ "submit", "submit_us", 6, 0, "µs that a call took which hands over reads", false },
	{ "each", "submit_us_a_record", 6, 2, "the same, shared out among the records", false },
	{ "p50", "p50_us", 6, 0,
	  "latency in µs: from the interrupt until the program has the record; of half", false },
	{ "p99", "p99_us", 6, 0, "of 99 % of the records it was no more", false },
	{ "max", "max_us", 6, 0, "nor of any", false },
	{ "threads", "threads", 7, 0, "besides the program's own, at most", false },
	{ "calls", "calls_a_record", 6, 2,
	  "system calls a record; + and those of the hidden thread", true },
	{ "slept", "voluntary", 6, 0, "times that a thread let others run", false },
	{ "CPU", "cpu_ms", 6, 0, "processor time in ms", false },
	{ "work", "work_percent", 5, 0, "% of it left for other work", false },
	{ }
};

static const struct column zerocopy_columns[] = {
	{ "calls", "calls_a_record", 6, 2, "system calls a record", false },
	{ "to program", "copied_to_program_a_record", 10, 0,
	  "bytes a record that were copied to the program's memory", false },
	{ "in kernel", "copied_in_kernel_a_record", 9, 0,
	  "bytes a record that were copied from one place in the kernel to another", false },
	{ "CPU", "cpu_ms", 6, 0, "processor time in ms", false },
	{ "p50", "p50_us", 6, 0,
	  "latency in µs: from the interrupt until the program has the record; of half", false },
	{ "p99", "p99_us", 6, 0, "of 99 % of the records it was no more", false },
	{ "max", "max_us", 6, 0, "nor of any", false },
	{ }
};

static void show_legend(const struct column *column)
{
	for (; column->name; column++)
		printf("  %-10s  %s\n", column->name, column->legend);
	putchar('\n');
}

static void show_rule(unsigned int width)
{
	while (width--)
		putchar('-');
	putchar('\n');
}

static void show_head(const char *first, const struct column *column)
{
	unsigned int width = printf("%-21s", first);

	for (; column->name; column++)
		width += printf(" %*s%s", column->width, column->name, column->more ? " " : "");
	putchar('\n');
	show_rule(width);
}

/* Never wider than its column, and the one blank before it. */
static void show_figure(const char *line, const struct column *column)
{
	double value = figure(line, column->key);
	char text[32];
	int length;

	length = snprintf(text, sizeof(text), "%.*f", column->digits, value);
	if (isnan(value))
		sprintf(text, "-");
	else if (length > column->width && value >= 1e9)
		sprintf(text, "%.1fG", value / 1e9);
	else if (length > column->width && value >= 1e6)
		sprintf(text, "%.1fM", value / 1e6);
	else if (length > column->width)
		sprintf(text, "%.0fk", value / 1e3);
	printf(" %*s", column->width, text);
	if (column->more)
		putchar(says(line, "more_calls") ? '+' : ' ');
}

/* Or why there are no figures */
static void show_row(const char *line, const struct column *column)
{
	const char *reason = value_of(line, "unavailable");

	if (!*line) {
		printf(" failed");
	} else if (reason) {
		reason++;
		printf(" %*s  %.*s", column->width, "-", (int)strcspn(reason, "\""), reason);
	} else {
		for (; column->name; column++)
			show_figure(line, column);
	}
	putchar('\n');
}

static void show_models(void)
{
	const char *model, *last = "";
	unsigned int i;

	show_legend(model_columns);
	show_head("model        api", model_columns);
	for (i = 0; i < done; i++) {
		if (!rows[i].typical)
			continue;
		model = rows[i].model;
		printf("%-12s %-8s", strcmp(model, last) ? model : "", rows[i].api);
		show_row(lines[i], model_columns);
		last = model;
	}
}

static void show_apis(const char *model, const char *title, const struct column *columns)
{
	unsigned int i;

	printf("\n%s\n\n", title);
	show_legend(columns);
	show_head("api", columns);
	for (i = 0; i < done; i++) {
		if (strcmp(rows[i].model, model))
			continue;
		printf("%-21s", rows[i].api);
		show_row(lines[i], columns);
	}
}

/* The rows that tell of the machine as much as of the model, some to a line */
static void show_busy(void)
{
	unsigned int i, shown = 0;

	for (i = 0; i < done; i++) {
		if (!says(lines[i], "busy"))
			continue;
		if (!shown)
			printf("\nThis machine was busy; run again for true figures of:");
		printf("%s%s %s", !shown ? "\n  " : shown % 5 ? ", " : ",\n  ",
		       rows[i].model, rows[i].api);
		shown++;
	}
	if (shown)
		putchar('\n');
}

/* A table that Ctrl-C left without rows is not shown. */
static void show_tables(void)
{
	const char *last = done ? rows[done - 1].model : "";

	printf("%u interrupts, one each %u µs\n\n", records, period_us);
	show_models();
	if (!strcmp(last, "async") || !strcmp(last, "zerocopy"))
		show_apis("async", "async, one API after the other", async_columns);
	if (!strcmp(last, "zerocopy"))
		show_apis("zerocopy", "zero-copy: who copies the bytes of a record, and how often",
			  zerocopy_columns);
	show_busy();
}

/* What the run was, and each demo's own line */
static void write_json(FILE *file)
{
	struct utsname kernel;
	bool busy = false;
	unsigned int i;

	uname(&kernel);
	for (i = 0; i < done; i++)
		busy |= says(lines[i], "busy");
	fprintf(file, "{\"kernel\":\"%s\",\"machine\":\"%s\",\"processors\":%ld,",
		kernel.release, kernel.machine, sysconf(_SC_NPROCESSORS_ONLN));
	fprintf(file, "\"interrupts\":%u,\"period_us\":%u,\"files\":%u,", records, period_us,
		files);
	fprintf(file, "\"complete\":%s,\"busy\":%s,\"runs\":[\n", done == ROWS ? "true" : "false",
		busy ? "true" : "false");
	for (i = 0; i < done; i++) {
		int length = strcspn(lines[i], "\n");

		if (length)
			fprintf(file, "%.*s", length, lines[i]);
		else
			fprintf(file, "{\"model\":\"%s\",\"api\":\"%s\",\"failed\":true}",
				rows[i].model, rows[i].api);
		fprintf(file, "%s\n", i + 1 < done ? "," : "");
	}
	fprintf(file, "]}\n");
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
		{ "output",	required_argument,	NULL, 'o' },
		{ "help",	no_argument,		NULL, 'h' },
		{ "version",	no_argument,		NULL, 'V' },
		{ }
	};
	FILE *output = NULL;
	bool json = false, good = true;
	int option;

	while ((option = getopt_long(argc, argv, "n:d:p:f:jo:hV", options, NULL)) != -1) {
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
		case 'o':
			output = fopen(optarg, "w");
			if (!output)
				err(1, "--output=%s", optarg);
			break;
		case 'h':
			usage();
			return 0;
		case 'V':
			iodemo_show_version();
		default:
			errx(1, "`%s --help` lists the options", program_invocation_short_name);
		}
	}
	if (optind < argc)
		errx(1, "unexpected argument: %s", argv[optind]);
	close(iodemo_open_or_exit(device, O_RDWR));

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

	if (output)
		write_json(output);
	if (output && (ferror(output) | fclose(output)))
		err(1, "--output");
	if (json)
		write_json(stdout);
	else
		show_tables();
	if (fflush(stdout))
		err(1, "standard output");
	return good ? 0 : 1;
}
