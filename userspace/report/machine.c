// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ran where: the kernel, the processor, and who got the interrupts
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "page.h"

static void fact(const char *name, const char *value)
{
	if (value)
		html("<dt>%s</dt><dd>%s</dd>\n", name, html_escape(value));
}

void section_machine(void)
{
	const char *kernel = input_text("kernel");

	html_section("machine", "What was run", "on which kernel and processor: an emulated "
		     "processor is many times slower than yours, so compare the models, "
		     "not the microseconds.");
	if (!kernel) {
		html_missing("kernel", "make demo");
		return;
	}
	html("<dl>\n");
	fact("Kernel", kernel);
	fact("Processor", input_text("processor"));
	fact("Recorded", input_time("kernel"));
	html("</dl>\n");
}

/* A line of /proc/interrupts: a row for each processor. */
static void read_line(char *line, const char *device, struct chart_row *rows,
		      unsigned int processors)
{
	char *end = strchr(line, ':');
	double count;
	unsigned int i;

	if (end)
		line = end + 1;
	for (i = 0; i < processors; i++, line = end) {
		count = strtoull(line, &end, 10);
		if (end == line)
			break;
		rows[i] = (struct chart_row){
			.label = input_format("%s, CPU %u", device, i),
			.class = "device",
			.value = count,
			.text = input_format("%.0f", count),
		};
	}
	if (i < processors)
		errx(1, "%s: a colon and %u numbers expected, before: %s",
		     input_path("interrupts"), processors, line);
}

static unsigned int count_processors(const char *heading)
{
	unsigned int processors = 0;

	while ((heading = strstr(heading, "CPU"))) {
		heading += strlen("CPU");
		processors++;
	}
	if (!processors)
		errx(1, "%s: no CPU in the first line", input_path("interrupts"));
	return processors;
}

/* Our lines end with the device's name: iodemo, iodemo1, ... */
void section_interrupts(void)
{
	static const struct chart chart = {
		.id = "interrupts-chart",
		.title = "Interrupts of the device",
		.text = "All that it made in this run, by the processor whose handler they ran in.",
		.unit = "interrupts",
	};
	char *text = input_text("interrupts"), *line, *name;
	struct chart_row *rows = NULL;
	unsigned int processors, count = 0;

	html_section("interrupts", "Interrupts by CPU", "the device has a line of its own, like "
		     "any hardware; each interrupt runs its handler on one processor, and that "
		     "interrupts whatever runs there.");
	if (!text) {
		html_missing("interrupts", "make demo");
		return;
	}
	line = strsep(&text, "\n");
	processors = count_processors(line);
	while ((line = strsep(&text, "\n"))) {
		name = strrchr(line, ' ');
		if (!name || strncmp(name + 1, "iodemo", strlen("iodemo")))
			continue;
		rows = reallocarray(rows, count + processors, sizeof(*rows));
		if (!rows)
			err(1, NULL);
		read_line(line, name + 1, rows + count, processors);
		count += processors;
	}
	if (count)
		chart_rows(&chart, rows, count);
	else
		html("<p class=\"missing\">None of the lines in <code>interrupts</code> is the "
		     "device's: the module was not loaded.</p>\n");
}
