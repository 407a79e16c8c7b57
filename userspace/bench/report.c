// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was measured: in a table, and in a file
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "figures.h"
#include "iodemo.h"

#define ABOUT	56	/* columns of the table */

static const char *title;	/* until it is shown */
static const char *column_unit;
static const char *references[2];
static FILE *json;
static const char *json_path;

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
	const struct bench_figure *figure = bench_find(reference);
	int width = ratio_width(reference);

	if (figure && figure->measured)
		printf("%*.2f", width, median / figure->median);
	else
		printf("%*s", width, "-");
}

void bench_title(const char *group_title, const char *first, const char *second)
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

void bench_json(const char *path)
{
	struct utsname name;

	json_path = path;
	json = fopen(path, "we");
	if (!json)
		err(1, "--json=%s", path);
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
	put_string('{', "group", bench_entered());
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

static int compare(const void *a, const void *b)
{
	const double *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

double bench_median(double *samples, unsigned int count)
{
	qsort(samples, count, sizeof(*samples), compare);
	return (samples[(count - 1) / 2] + samples[count / 2]) / 2;
}

void bench_report(const char *name, const char *about, const char *unit, double *samples,
		  unsigned int count)
{
	double median = bench_median(samples, count);
	double low = samples[count / 4], high = samples[count - 1 - count / 4];
	struct bench_figure *figure;

	bench_about(name, about);
	figure = bench_find(name);
	figure->median = median;
	figure->measured = true;
	show_figure(about, unit ?: time_unit(), low, median, high);
	put_figure(name, about, unit ?: time_unit(), low, median, high, count);
	bench_check_stop();
}

void bench_note(const char *name, const char *about, const char *unit, double value)
{
	put_figure(name, about, unit ?: time_unit(), value, value, value, 1);
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
