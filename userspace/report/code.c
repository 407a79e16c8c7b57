// SPDX-License-Identifier: GPL-2.0-only
/*
 * The code that made the figures, quoted
 *
 * It comes in the file "code": for each function a line
 *	@@ MODEL FILE FIRST NAME MARKED
 * and its source, whose first line is FIRST, and whose line MARKED the figure
 * shows at work.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"

struct quote {
	char *model;
	char *file;
	char *name;
	unsigned int first;
	unsigned int marked;
	char *source;
	struct quote *next;
};

static struct quote *quotes;

void code_read(void)
{
	char *text = input_text("code"), *heading;
	struct quote **last = &quotes;

	while (text) {
		struct quote *quote = calloc(1, sizeof(*quote));

		if (!quote)
			err(1, NULL);
		heading = strsep(&text, "\n");
		if (sscanf(heading, "@@ %ms %ms %u %ms %u", &quote->model, &quote->file,
			   &quote->first, &quote->name, &quote->marked) != 5 || !text)
			errx(1, "%s: \"@@ MODEL FILE FIRST NAME MARKED\" expected, before: %s",
			     input_path("code"), heading);
		quote->source = text;
		text = strstr(text, "\n@@ ");
		if (text)
			*text++ = '\0';
		*last = quote;
		last = &quote->next;
	}
}

void code_links(const char *model)
{
	const struct quote *quote;

	html("<p class=\"links\">The code that made it:");
	if (!quotes)
		html(" not in this run, see <a href=\"#code\">below</a>");
	for (quote = quotes; quote; quote = quote->next)
		if (!strcmp(quote->model, model))
			html("\n<a href=\"#%s:%u\"><code>%s</code>, %s:%u</a>", quote->file,
			     quote->marked, quote->name, quote->file, quote->marked);
	html("</p>\n");
}

/* For a model before, as some have a function in common. */
static bool is_shown(const struct quote *quote)
{
	const struct quote *before;

	for (before = quotes; before != quote; before = before->next)
		if (!strcmp(before->file, quote->file) && !strcmp(before->name, quote->name))
			return true;
	return false;
}

static bool is_marked(const char *file, unsigned int line)
{
	const struct quote *quote;

	for (quote = quotes; quote; quote = quote->next)
		if (!strcmp(quote->file, file) && quote->marked == line)
			return true;
	return false;
}

static void show(const struct quote *quote)
{
	unsigned int number = quote->first;
	char *source = quote->source, *line;

	html("<h3><code>%s</code>, %s</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
	     "aria-label=\"%s\">\n<pre class=\"code\">", quote->name, quote->file, quote->name);
	while ((line = strsep(&source, "\n")) && (*line || source)) {
		html("<span id=\"%s:%u\"%s><i>%u</i>%s\n</span>", quote->file, number,
		     is_marked(quote->file, number) ? " class=\"marked\"" : "", number,
		     html_escape(line));
		number++;
	}
	html("</pre>\n</div>\n");
}

void section_code(void)
{
	const struct quote *quote;

	html_section("code", "The code", "the marked lines, where the program calls and where the "
		     "kernel waits, tells or copies. All is quoted from the files that ran.");
	if (!quotes)
		html_missing("code", "make demo");
	for (quote = quotes; quote; quote = quote->next)
		if (!is_shown(quote))
			show(quote);
}
