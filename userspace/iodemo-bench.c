// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures what the device costs, beside what one would use instead of it
 *
 * What is measured, and how, is in bench/. Here are the command line, which
 * says what is wanted, and the figures, which go into a table and into a file.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/bench.h"
#include "libiodemo.h"

#define SAMPLES		31
#define SAMPLES_MIN	3
#define SAMPLES_MAX	10001
#define ABOUT		56	/* columns of the table */

static const struct group {
	const char *name;
	void (*run)(void);
	bool device;		/* no figure without one */
} groups[] = {
	{ "floor",	bench_floor,		false },
	{ "others",	bench_others,		false },
	{ "iodemo",	bench_iodemo,		true },
	{ "async",	bench_async,		true },
	{ "waking",	bench_waking,		true },
	{ "growth",	bench_growth,		true },
	{ "sustained",	bench_sustained,	true },
	{ }
};

/* All that there are, in the order in which they run. */
static struct figure {
	char *name;
	char *about;
	const struct group *group;
	bool wanted;
	bool measured;
	double median;
} *figures;

static unsigned int figures_count;

struct bench_options bench_options = {
	.device = IODEMO_DEVICE,
	.samples = SAMPLES,
};

static bool counting = true;	/* the first pass: which figures are there? */
static const struct group *group;
static const char *title;	/* until it is shown */
static const char *column_unit;
static const char *references[2];
static FILE *json;
static const char *json_path;
static atomic_int stopped;	/* by this signal */

static void usage(void)
{
	printf("Usage: %s [OPTION]... [GROUP|FIGURE]...\n\n"
	       "Measures what one operation costs, of the device and of what one would use instead.\n"
	       "A FIGURE can be a pattern, like 'uring-*'; without any, all are measured.\n\n"
	       "  -d, --device PATH    measure PATH (default %s)\n"
	       "  -n, --samples N      of each figure: %u..%u (default %u)\n"
	       "  -i, --instructions   a nanosecond of this machine is an instruction, as with\n"
	       "                       QEMU's -icount shift=0; the group sustained is left out\n"
	       "  -r, --reload         as root, load the module anew for figures that need it\n"
	       "  -m, --module FILE    load FILE then, instead of what modprobe finds\n"
	       "  -j, --json FILE      write the figures to FILE too, each as a line\n"
	       "  -l, --list           the groups and their figures\n"
	       "  -h, --help           this text\n",
	       program_invocation_short_name, IODEMO_DEVICE, SAMPLES_MIN, SAMPLES_MAX, SAMPLES);
}

/* Which figures there are, and which are wanted --------------------------- */

static struct figure *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < figures_count; i++)
		if (!strcmp(figures[i].name, name))
			return &figures[i];
	return NULL;
}

static char *copy(const char *text)
{
	char *copied = strdup(text);

	if (!copied)
		err(1, "no memory for '%s'", text);
	return copied;
}

void bench_about(const char *name, const char *about)
{
	struct figure *figure = find(name);

	if (!figure) {
		figures = realloc(figures, (figures_count + 1) * sizeof(*figures));
		if (!figures)
			err(1, "no memory for '%s'", name);
		figure = &figures[figures_count++];
		*figure = (struct figure){ .name = copy(name), .group = group };
	}
	if (!figure->about && about)
		figure->about = copy(about);
}

bool bench_wanted(const char *name)
{
	bench_about(name, NULL);
	return !counting && find(name)->wanted;
}

static void run_groups(void)
{
	unsigned int i;

	for (group = groups; group->name; group++) {
		bool wanted = counting;

		for (i = 0; i < figures_count; i++)
			wanted |= figures[i].group == group && figures[i].wanted;
		if (wanted)
			group->run();
	}
}

static void choose_all(void)
{
	unsigned int i;

	for (i = 0; i < figures_count; i++)
		figures[i].wanted = true;
}

static void choose(const char *pattern)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < figures_count; i++) {
		if (fnmatch(pattern, figures[i].name, 0) &&
		    strcmp(pattern, figures[i].group->name))
			continue;
		figures[i].wanted = true;
		found = true;
	}
	if (found)
		return;

	fprintf(stderr, "%s: %s is no figure%s (`%s --list` shows them), and none of the groups:",
		program_invocation_short_name, pattern,
		bench_options.instructions ? " with --instructions" : "",
		program_invocation_short_name);
	for (i = 0; i < figures_count; i++)
		if (!i || figures[i].group != figures[i - 1].group)
			fprintf(stderr, " %s", figures[i].group->name);
	fputc('\n', stderr);
	exit(1);
}

static void list(void)
{
	const struct group *last = NULL;
	unsigned int i;

	for (i = 0; i < figures_count; i++) {
		const struct figure *figure = &figures[i];

		if (figure->group != last)
			printf("%s%s\n", last ? "\n" : "", figure->group->name);
		last = figure->group;
		printf("  %-24s%s%s\n", figure->name, figure->about ? " " : "",
		       figure->about ?: "");
	}
}

/* Better now than after the groups that need none; with --reload it can still come. */
static void check_device(void)
{
	unsigned int i;

	if (bench_options.reload)
		return;
	for (i = 0; i < figures_count; i++) {
		if (figures[i].wanted && figures[i].group->device) {
			close(iodemo_open(bench_options.device, O_RDWR));
			return;
		}
	}
}

/* The table --------------------------------------------------------------- */

static const char *time_unit(void)
{
	return bench_options.instructions ? "instructions" : "ns";
}

/* Three digits at least, and no more behind the point than one. */
static const char *number(char *text, double value)
{
	sprintf(text, "%.*f", value < 99.95 ? 1 : 0, value);
	return text;
}

/* printf() counts bytes, and µ is two. */
static int width_of(const char *text, int columns)
{
	for (; *text; text++)
		columns += (*text & 0xc0) == 0x80;
	return columns;
}

static void show_about(const char *about)
{
	printf("%-*s", width_of(about, ABOUT), about);
}

/* The columns of ratios are as wide as what stands above them. */
static int ratio_width(const char *reference)
{
	int width = strlen("  x ") + strlen(reference);

	return width < 11 ? 11 : width;
}

static void show_ratio(const char *reference, double median)
{
	const struct figure *figure = find(reference);
	int width = ratio_width(reference);

	if (figure && figure->measured)
		printf("%*.2f", width, median / figure->median);
	else
		printf("%*s", width, "-");
}

void bench_group(const char *group_title, const char *first, const char *second)
{
	title = group_title;
	references[0] = first;
	references[1] = second;
}

/* Above the group's first row, whose unit is that of the column. */
static void show_title(const char *unit)
{
	static bool another;
	int width = ABOUT;
	unsigned int i;

	if (!title)
		return;
	if (another)
		putchar('\n');
	another = true;
	show_about(title);
	column_unit = unit;
	width += printf(" %12s", unit);
	if (!bench_options.instructions)
		width += printf("  %20s", "[25 %..75 %]");
	for (i = 0; i < 2 && references[i]; i++)
		width += printf("%*s%s", ratio_width(references[i]) - (int)strlen(references[i]),
				"x ", references[i]);
	putchar('\n');
	while (width--)
		putchar('-');
	putchar('\n');
	title = NULL;
}

static void show_figure(const char *about, const char *unit, double low, double median,
			double high)
{
	char first[32], last[32], text[128];
	unsigned int i;

	show_title(unit);
	snprintf(text, sizeof(text), "%s, %s", about, unit);
	show_about(strcmp(unit, column_unit) ? text : about);
	printf(" %12s", number(first, median));
	if (!bench_options.instructions) {
		snprintf(text, sizeof(text), "[%s..%s]", number(first, low), number(last, high));
		printf("  %20s", text);
	}
	for (i = 0; i < 2 && references[i]; i++)
		show_ratio(references[i], median);
	putchar('\n');
	fflush(stdout);
}

/* The file ---------------------------------------------------------------- */

/* With what JSON doesn't allow in a string left out. */
static void put_string(char before, const char *key, const char *value)
{
	fprintf(json, "%c\"%s\":\"", before, key);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putc('\\', json);
		if ((unsigned char)*value >= ' ')
			putc(*value, json);
	}
	putc('"', json);
}

/* Each line is there as soon as it is known. */
static void end_line(void)
{
	fputs("}\n", json);
	if (fflush(json))
		err(1, "--json=%s", json_path);
}

static void put_run(void)
{
	struct utsname name;

	if (!json)
		return;
	uname(&name);
	put_string('{', "kernel", name.release);
	fprintf(json, ",\"version\":%u", IODEMO_VERSION);
	put_string(',', "unit", time_unit());
	fprintf(json, ",\"samples\":%u", bench_options.samples);
	put_string(',', "device", bench_options.device);
	end_line();
}

static void put_name(const char *name, const char *about)
{
	put_string('{', "group", group->name);
	put_string(',', "name", name);
	put_string(',', "about", about);
}

static void put_figure(const char *name, const char *about, const char *unit, double low,
		       double median, double high, unsigned int samples)
{
	if (!json)
		return;
	put_name(name, about);
	put_string(',', "unit", unit);
	fprintf(json, ",\"median\":%.1f,\"low\":%.1f,\"high\":%.1f,\"samples\":%u", median, low,
		high, samples);
	end_line();
}

static void put_missing(const char *name, const char *about, const char *reason)
{
	if (!json)
		return;
	put_name(name, about);
	put_string(',', "missing", reason);
	end_line();
}

/* Figures ----------------------------------------------------------------- */

void bench_figure(const char *name, const char *about, const char *unit, double *samples,
		  unsigned int count)
{
	double median = bench_median(samples, count);
	double low = samples[count / 4], high = samples[count - 1 - count / 4];
	struct figure *figure;

	bench_about(name, about);
	figure = find(name);
	figure->median = median;
	figure->measured = true;
	show_figure(about, unit ?: time_unit(), low, median, high);
	put_figure(name, about, unit ?: time_unit(), low, median, high, count);
	bench_check_stop();
}

void bench_missing(const char *name, const char *about, const char *reason)
{
	show_title(time_unit());
	show_about(about);
	printf(" %12s  %s\n", "-", reason);
	fflush(stdout);
	put_missing(name, about, reason);
	bench_check_stop();
}

/* Not in the handler: what was changed is put back on the way out. */
void bench_check_stop(void)
{
	if (stopped)
		exit(128 + stopped);
}

static void stop(int sig)
{
	stopped = sig;
}

/* The second signal is not held up. */
static void catch_signals(void)
{
	const struct sigaction action = {
		.sa_handler = stop,
		.sa_flags = SA_RESTART | SA_RESETHAND,
	};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device",		required_argument,	NULL, 'd' },
		{ "samples",		required_argument,	NULL, 'n' },
		{ "instructions",	no_argument,		NULL, 'i' },
		{ "reload",		no_argument,		NULL, 'r' },
		{ "module",		required_argument,	NULL, 'm' },
		{ "json",		required_argument,	NULL, 'j' },
		{ "list",		no_argument,		NULL, 'l' },
		{ "help",		no_argument,		NULL, 'h' },
		{ }
	};
	bool only_list = false;
	int option;

	while ((option = getopt_long(argc, argv, "d:n:irm:j:lh", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			bench_options.device = optarg;
			break;
		case 'n':
			bench_options.samples = iodemo_number("--samples", optarg, SAMPLES_MIN,
							      SAMPLES_MAX);
			break;
		case 'i':
			bench_options.instructions = true;
			break;
		case 'r':
			bench_options.reload = true;
			break;
		case 'm':
			bench_options.module = optarg;
			break;
		case 'j':
			json_path = optarg;
			break;
		case 'l':
			only_list = true;
			break;
		case 'h':
			usage();
			return 0;
		default:
			errx(1, "`%s --help` lists the options", program_invocation_short_name);
		}
	}
	if (bench_options.module && !bench_options.reload)
		errx(1, "--module=%s is of no use without --reload", bench_options.module);

	run_groups();
	counting = false;
	if (optind == argc)
		choose_all();
	while (optind < argc)
		choose(argv[optind++]);

	if (only_list) {
		list();
	} else {
		check_device();
		if (json_path) {
			json = fopen(json_path, "we");
			if (!json)
				err(1, "--json=%s", json_path);
		}
		catch_signals();
		put_run();
		run_groups();
	}
	if (fflush(stdout) || ferror(stdout))
		err(1, "standard output");
	return 0;
}
