// SPDX-License-Identifier: GPL-2.0-only
/*
 * What iodemo-compare has measured: tables, and charts of the five models
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "page.h"

#define RUNS_MAX	32	/* in a chart */

/* A table is its columns, as in iodemo-compare. */
struct column {
	const char *name;
	const char *key;
	unsigned int digits;		/* behind the point */
	const char *legend;		/* NULL: that of the column before says it too */
};

#define LATENCY	"latency in µs, from the interrupt until the program has the record: " \
		"half of them, 99 %, and all took no longer"

static const struct column model_columns[] = {
	{ "files", "files", 0, "read by one program; multiplexing sleeps once for all" },
	{ "records", "records", 0, "read, of all files" },
	{ "calls", "calls", 0,
	  "system calls; + and those of glibc's hidden thread, which <code>strace -f</code> "
	  "counts" },
	{ "EAGAIN", "eagains", 0, "of these, that asked in vain" },
	{ "slept", "voluntary", 0, "times that it gave its processor away" },
	{ "aside", "involuntary", 0, "times that it was put aside for another task" },
	{ "CPU", "cpu_ms", 0, "processor time in ms, of user and kernel, of all its threads" },
	{ "p50", "p50_us", 0, LATENCY },
	{ "p99", "p99_us", 0, NULL },
	{ "max", "max_us", 0, NULL },
	{ "lost", "lost", 0, "records that were overwritten before they were read" },
	{ "work", "work_percent", 0, "% of its processor time that was left for other work" },
	{ }
};

static const struct column async_columns[] = {
	{ "submit", "submit_us", 0, "µs that a call took which hands over reads" },
	{ "each", "submit_us_a_record", 2, "the same, shared out among the records" },
	{ "p50", "p50_us", 0, LATENCY },
	{ "p99", "p99_us", 0, NULL },
	{ "max", "max_us", 0, NULL },
	{ "threads", "threads", 0, "besides the program's own, at most" },
	{ "calls", "calls_a_record", 2,
	  "system calls a record; + and those of glibc's hidden thread" },
	{ "slept", "voluntary", 0, "times that a thread gave its processor away" },
	{ "CPU", "cpu_ms", 0, "processor time in ms" },
	{ "work", "work_percent", 0, "% of it that was left for other work" },
	{ }
};

static const struct column zerocopy_columns[] = {
	{ "calls", "calls_a_record", 2, "system calls a record" },
	{ "to program", "copied_to_program_a_record", 0,
	  "bytes a record that were copied to the program's memory" },
	{ "in kernel", "copied_in_kernel_a_record", 0,
	  "bytes a record that were copied from one place in the kernel to another" },
	{ "CPU", "cpu_ms", 0, "processor time in ms" },
	{ "p50", "p50_us", 0, LATENCY },
	{ "p99", "p99_us", 0, NULL },
	{ "max", "max_us", 0, NULL },
	{ }
};

static bool has_figures(const struct json *run)
{
	return !json_member(run, "unavailable") && !json_member(run, "failed");
}

/* Does it stand for its model among the five? Two of the many of async, which all kernels have. */
static bool is_typical(const struct json *run)
{
	const char *model = json_text(run, "model"), *api = json_text(run, "api");

	if (!strcmp(model, "async"))
		return !strcmp(api, "posix") || !strcmp(api, "io_uring");
	return strcmp(model, "zerocopy");
}

static bool is_async(const struct json *run)
{
	return !strcmp(json_text(run, "model"), "async");
}

static bool is_zerocopy(const struct json *run)
{
	return !strcmp(json_text(run, "model"), "zerocopy");
}

/* Its model, and the interface if there is a choice. */
static const char *label_of(const struct json *run)
{
	const char *model = json_text(run, "model"), *api = json_text(run, "api");

	return strcmp(api, "read") ? input_format("%s %s", model, api) : model;
}

static const char *api_of(const struct json *run)
{
	return json_text(run, "api");
}

/* Tables ------------------------------------------------------------------ */

static void show_legend(const struct column *column)
{
	html("<dl class=\"legend\">\n");
	while (column->name) {
		const char *legend = column->legend;

		html("<div><dt>%s", column->name);
		while ((++column)->name && !column->legend)
			html(", %s", column->name);
		html("</dt><dd>%s</dd></div>\n", legend);
	}
	html("</dl>\n");
}

static void show_figure(const struct json *run, const struct column *column)
{
	double value = json_number(run, column->key);
	bool more = !strncmp(column->key, "calls", strlen("calls")) && json_bool(run, "more_calls");

	if (isnan(value))
		html("<td>-</td>");
	else
		html("<td>%.*f%s</td>", column->digits, value, more ? "+" : "");
}

static void show_row(const struct json *run, const char *label, const struct column *columns)
{
	const struct column *column;
	unsigned int count = 0;

	html("<tr><th scope=\"row\">%s</th>", html_escape(label));
	for (column = columns; column->name; column++) {
		count++;
		if (has_figures(run))
			show_figure(run, column);
	}
	if (!has_figures(run))
		html("<td colspan=\"%u\" class=\"reason\">%s</td>", count,
		     json_member(run, "failed") ? "failed" :
		     html_escape(json_text(run, "unavailable")));
	html("</tr>\n");
}

static void show_table(const char *caption, const struct json *runs, const struct column *columns,
		       bool (*is_row)(const struct json *run),
		       const char *(*label)(const struct json *run))
{
	const struct column *column;
	const struct json *run;

	show_legend(columns);
	html_table(caption);
	html("<tr class=\"head\"><th scope=\"col\">%s</th>",
	     label == api_of ? "interface" : "model and interface");
	for (column = columns; column->name; column++)
		html("<th scope=\"col\">%s</th>", column->name);
	html("</tr>\n");
	for (run = runs; run; run = run->next)
		if (is_row(run))
			show_row(run, label(run), columns);
	html_table_end();
}

/* Charts ------------------------------------------------------------------ */

static double calls(const struct json *run)
{
	return json_number(run, "calls_a_record");
}

static double processor(const struct json *run)
{
	return 100 * json_number(run, "cpu_ms") / json_number(run, "elapsed_ms");
}

static double work(const struct json *run)
{
	return json_number(run, "work_percent");
}

static const char *with_digits(double value)
{
	return input_format("%.*f", value < 9.95 ? 2 : 0, value);
}

static const char *percent(double value)
{
	return input_format("%.0f %%", value);
}

static void show_chart(const struct chart *chart, const struct json *runs,
		       double (*value_of)(const struct json *run),
		       const char *(*text_of)(double value))
{
	struct chart_row rows[RUNS_MAX];
	const struct json *run;
	unsigned int count = 0;
	double value;

	for (run = runs; run && count < RUNS_MAX; run = run->next) {
		if (!is_typical(run) || !has_figures(run))
			continue;
		value = value_of(run);
		rows[count++] = (struct chart_row){
			.label = label_of(run),
			.class = html_escape(json_text(run, "model")),
			.value = value,
			.text = isnan(value) ? "-" : text_of(value),
		};
	}
	chart_rows(chart, rows, count);
}

static void show_latencies(const struct json *runs)
{
	static const struct chart chart = {
		.id = "latency",
		.title = "Latency",
		.text = "How long after the interrupt the program had its records: bars for how "
			"many, a circle for the half, a diamond for 99 %, a tick for the slowest. "
			"Look how far right a model's slowest lies, not only its half.",
		.unit = "µs; each line ten times the one before",
	};
	struct chart_spread spreads[RUNS_MAX];
	const struct json *run;
	unsigned int count = 0;

	for (run = runs; run && count < RUNS_MAX; run = run->next)
		if (is_typical(run) && has_figures(run))
			spreads[count++] = (struct chart_spread){
				.label = label_of(run),
				.class = html_escape(json_text(run, "model")),
				.p50 = json_number(run, "p50_us"),
				.p99 = json_number(run, "p99_us"),
				.max = json_number(run, "max_us"),
				.histogram = json_array(run, "latency_histogram_ns"),
			};
	chart_spreads(&chart, spreads, count);
}

static void show_charts(const struct json *runs)
{
	static const struct chart processor_chart = {
		.id = "cpu",
		.title = "CPU used",
		.text = "Who sleeps uses next to none. Who doesn't uses all, for questions or for "
			"other work: the next chart tells which.",
		.unit = "% of the time of the run",
	}, work_chart = {
		.id = "work",
		.title = "Work done meanwhile",
		.text = "What was left of its processor time for other work: a program that sleeps "
			"does none; one that asks pays for each unit with a question; one that is "
			"told does most.",
		.unit = "% of its processor time",
	}, calls_chart = {
		.id = "calls",
		.title = "System calls a record",
		.text = "Asking takes many calls for one record, and a chain of reads handed over "
			"at once takes one call for many records.",
		.unit = "calls; each line ten times the one before",
		.logarithmic = true,
	};

	html("<div class=\"charts\">\n");
	show_latencies(runs);
	show_chart(&processor_chart, runs, processor, percent);
	show_chart(&work_chart, runs, work, percent);
	show_chart(&calls_chart, runs, calls, with_digits);
	html("</div>\n");
}

/* What the figures tell of the machine as much as of the models. */
static void show_doubts(const struct json *compare, const struct json *runs)
{
	const char *before = "This machine was busy; run again for the latencies of: ";
	const struct json *run;

	if (!json_bool(compare, "complete"))
		html("<p class=\"missing\">The comparison ended early: not all models ran.</p>\n");
	if (!json_bool(compare, "busy"))
		return;
	html("<p class=\"missing\">");
	for (run = runs; run; run = run->next) {
		if (!has_figures(run) || !json_bool(run, "busy"))
			continue;
		html("%s%s", before, html_escape(label_of(run)));
		before = ", ";
	}
	html("</p>\n");
}

static void show_models(const struct json *compare, const struct json *runs)
{
	html("<p><code>iodemo-compare</code>: %.0f interrupts for each model, one each %.0f µs; "
	     "multiplexing reads %.0f files at once.</p>\n", json_number(compare, "interrupts"),
	     json_number(compare, "period_us"), json_number(compare, "files"));
	show_doubts(compare, runs);
	show_charts(runs);
	show_table("The five models", runs, model_columns, is_typical, label_of);
}

void section_compare(void)
{
	const struct json *compare = json_read("compare.json"), *runs;

	html_section("compare", "The comparison", "the rows. All models got the same interrupts "
		     "from the same device, so what differs is what each model costs, and what it "
		     "leaves for other work.");
	runs = compare ? json_array(compare, "runs") : NULL;
	if (compare)
		show_models(compare, runs);
	else
		html_missing("compare.json", "make demo");

	html("<h3 id=\"async-apis\">Asynchronous, one interface after the other</h3>\n"
	     "<p class=\"look\"><b>What to look at:</b> who needs a thread, and how many calls a "
	     "record it takes to hand over and to fetch.</p>\n");
	if (compare)
		show_table("The interfaces of model five", runs, async_columns, is_async, api_of);

	html("<h3 id=\"zerocopy\">Zero-copy</h3>\n"
	     "<p class=\"look\"><b>What to look at:</b> who copies the bytes of a record, and how "
	     "often: the mapped ring needs no copy, and a splice never comes by the program.</p>\n");
	if (compare)
		show_table("Three ways of reading, which all sleep for each record", runs,
			   zerocopy_columns, is_zerocopy, api_of);
}
