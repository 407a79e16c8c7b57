// SPDX-License-Identifier: GPL-2.0-only
/*
 * What iodemo-bench has measured: what each operation costs, and how that grows
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "page.h"

static const struct group {
	const char *name;
	const char *title;
	const char *references[2];	/* figures that the others are compared with */
} groups[] = {
	{ "floor",	"What nothing can go below",			{ } },
	{ "others",	"What one would use instead",			{ "eventfd", "pipe" } },
	{ "iodemo",	"The device's system calls, and its ring",	{ "eventfd", "pipe" } },
	{ "async",	"Records that are there, by libaio and io_uring", { "eventfd", "pipe" } },
	{ "waking",	"From the timer's expiry to the record",	{ "wake-timerfd-read" } },
	{ "sustained",	"Records a second that get through",		{ } },
};

/* The first line describes the run, each other one is a figure. */
static const struct json *lines;

static const struct json *find(const char *name)
{
	const struct json *line;

	for (line = lines->next; line; line = line->next)
		if (!strcmp(json_text(line, "name"), name) && !json_member(line, "missing"))
			return line;
	return NULL;
}

static double median_of(const char *name)
{
	const struct json *line = find(name);

	return line ? json_number(line, "median") : NAN;
}

static void show_ratio(double median, const char *reference)
{
	double ratio = median / median_of(reference);

	html(isnan(ratio) ? "<td>-</td>" : "<td>%.2f</td>", ratio);
}

/* Said only where it isn't that of the run, which the column's heading says. */
static const char *other_unit(const struct json *line)
{
	const char *unit = json_text(line, "unit");

	return strcmp(unit, json_text(lines, "unit")) ? input_format(" %s", html_escape(unit)) : "";
}

static void show_line(const struct json *line, const struct group *group)
{
	const struct json *missing = json_member(line, "missing");
	double median;
	unsigned int i;

	html("<tr><th scope=\"row\">%s</th>", html_escape(json_text(line, "about")));
	if (missing) {
		html("<td colspan=\"3\" class=\"reason\">%s</td></tr>\n",
		     html_escape(json_text(line, "missing")));
		return;
	}
	median = json_number(line, "median");
	html("<td>%.*f%s</td>", median < 99.95, median, other_unit(line));
	for (i = 0; i < ARRAY_LENGTH(group->references) && group->references[i]; i++)
		show_ratio(median, group->references[i]);
	html("</tr>\n");
}

static void begin_group(const struct group *group)
{
	unsigned int i;

	html_table(group->title);
	html("<tr class=\"head\"><th scope=\"col\">operation</th><th scope=\"col\">%s</th>",
	     html_escape(json_text(lines, "unit")));
	for (i = 0; i < ARRAY_LENGTH(group->references) && group->references[i]; i++)
		html("<th scope=\"col\">× %s</th>", group->references[i]);
	html("</tr>\n");
}

static void show_group(const struct group *group)
{
	const struct json *line;
	bool begun = false;

	for (line = lines->next; line; line = line->next) {
		if (strcmp(json_text(line, "group"), group->name))
			continue;
		if (!begun)
			begin_group(group);
		begun = true;
		show_line(line, group);
	}
	if (begun)
		html_table_end();
}

/* Charts ------------------------------------------------------------------ */

struct bar {
	const char *name;
	const char *label;
	const char *class;
};

static void show_bars(struct chart *chart, const struct bar *bars, unsigned int count)
{
	struct chart_row rows[16];
	unsigned int i, shown = 0;

	for (i = 0; i < count; i++) {
		double median = median_of(bars[i].name);

		if (!isnan(median))
			rows[shown++] = (struct chart_row){
				.label = bars[i].label,
				.class = bars[i].class,
				.value = median,
				.text = input_format("%.0f", median),
			};
	}
	chart->unit = json_text(lines, "unit");
	if (shown)
		chart_rows(chart, rows, shown);
}

static void show_reads(void)
{
	static const struct bar bars[] = {
		{ "timerfd", "timerfd", "other" },
		{ "eventfd", "eventfd", "other" },
		{ "pipe", "pipe", "other" },
		{ "socketpair", "socketpair", "other" },
		{ "kmsg", "/dev/kmsg", "other" },
		{ "read", "iodemo", "device" },
		{ "text", "iodemo, as text", "device" },
		{ "mapped", "iodemo, mapped", "device" },
	};
	struct chart chart = {
		.id = "bench-read",
		.title = "One read of what is there",
		.text = "The device beside what one would use instead of it (grey).",
	};

	show_bars(&chart, bars, ARRAY_LENGTH(bars));
}

static void show_wakes(void)
{
	static const struct bar bars[] = {
		{ "wake-timerfd-read", "timerfd: read", "other" },
		{ "wake-timerfd-poll", "timerfd: poll", "other" },
		{ "wake-timerfd-epoll", "timerfd: epoll", "other" },
		{ "wake-read", "iodemo: read", "blocking" },
		{ "wake-poll", "iodemo: poll", "multiplexing" },
		{ "wake-epoll", "iodemo: epoll", "multiplexing" },
		{ "wake-sigio", "iodemo: SIGIO", "signal" },
		{ "wake-libaio", "iodemo: libaio", "async" },
		{ "wake-uring", "iodemo: io_uring", "async" },
	};
	struct chart chart = {
		.id = "bench-wake",
		.title = "From the interrupt to the record",
		.text = "How much of it is the timer, which a timerfd shows, and what each model "
			"adds to being blocked in read.",
	};

	show_bars(&chart, bars, ARRAY_LENGTH(bars));
}

/* The figures NAME-N, at N and what each file counts besides. */
static unsigned int read_curve(struct chart_curve *curve, const char *label, const char *name,
			       unsigned int besides)
{
	size_t length = strlen(name);
	const struct json *line;
	const char *full;

	curve->label = label;
	curve->count = 0;
	for (line = lines->next; line && curve->count < CHART_POINTS_MAX; line = line->next) {
		full = json_text(line, "name");
		if (strncmp(full, name, length) || full[length] != '-' ||
		    json_member(line, "missing"))
			continue;
		curve->points[curve->count].x = strtod(full + length + 1, NULL) + besides;
		curve->points[curve->count++].y = json_number(line, "median");
	}
	return curve->count;
}

/* The file that makes the interrupt is open too. */
static void show_growth(void)
{
	struct chart_curve curves[2];
	struct chart chart = {
		.id = "growth-interrupt",
		.title = "One interrupt, with many open files",
		.text = "With nobody waiting, whether it stays level: it looks at no open file. "
			"Where a reader sleeps on each, all of them are woken.",
		.unit = json_text(lines, "unit"),
		.logarithmic = true,
	};

	html("<h3 id=\"growth\">How it grows</h3>\n");
	if (!read_curve(&curves[0], "a reader asleep on each", "interrupt-asleep", 1) ||
	    !read_curve(&curves[1], "nobody waits", "interrupt-idle", 1)) {
		html_missing("group growth in bench.json", "make report");
		return;
	}
	html("<div class=\"charts\">\n");
	chart_curves(&chart, "open files", curves, 2);
	if (read_curve(&curves[0], "one file ready", "epoll", 0)) {
		chart.id = "growth-epoll";
		chart.title = "epoll_wait and read, with many files in the epoll";
		chart.text = "Whether it stays level: one file is ready, and to find it must not "
			     "take longer among many.";
		chart.logarithmic = false;
		chart_curves(&chart, "files", curves, 1);
	}
	html("</div>\n");
}

void section_bench(void)
{
	const char *kernel = input_text("kernel");
	unsigned int i;

	html_section("bench", "What it costs", "the ratios. They are of the same run, so they hold "
		     "on other machines too, where the numbers differ.");
	lines = json_read("bench.json");
	if (!lines) {
		html_missing("bench.json", "make report");
		return;
	}
	if (kernel && !strstr(kernel, json_text(lines, "kernel"))) {
		html("<p class=\"missing\">Not of this kernel: the last benchmark was on %s. "
		     "<code>make report</code> measures.</p>\n",
		     html_escape(json_text(lines, "kernel")));
		return;
	}
	html("<p>Measured by <code>iodemo-bench</code> in a run of its own, on Linux %s, %s, in "
	     "%s: the median of up to %.0f samples.</p>\n", html_escape(json_text(lines, "kernel")),
	     input_time("bench.json"), html_escape(json_text(lines, "unit")),
	     json_number(lines, "samples"));
	html("<div class=\"charts\">\n");
	show_reads();
	show_wakes();
	html("</div>\n");
	show_growth();
	for (i = 0; i < ARRAY_LENGTH(groups); i++)
		show_group(&groups[i]);
}
