// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page itself: it is written to memory first, so that an error leaves none
 */
#include <err.h>
#include <stdarg.h>
#include <stdlib.h>

#include "page.h"

static FILE *page;
static char *page_text;
static size_t page_size;

void html_begin(void)
{
	page = open_memstream(&page_text, &page_size);
	if (!page)
		err(1, NULL);
}

void html_end(FILE *output)
{
	if (fclose(page))
		err(1, NULL);
	fwrite(page_text, 1, page_size, output);
}

void html(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(page, format, arguments);
	va_end(arguments);
}

const char *html_escape(const char *text)
{
	char *escaped;
	size_t size;
	FILE *file = open_memstream(&escaped, &size);

	if (!file)
		err(1, NULL);
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", file);
			break;
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		case '\'':
			fputs("&#39;", file);
			break;
		default:
			putc(*text, file);
		}
	}
	if (fclose(file))
		err(1, NULL);
	return escaped;
}

void html_section(const char *id, const char *title, const char *look)
{
	static bool another;

	html("%s<section id=\"%s\">\n<h2>%s</h2>\n", another ? "</section>\n" : "", id, title);
	another = true;
	html("<p class=\"look\"><b>What to look at:</b> %s</p>\n", look);
}

void html_missing(const char *file, const char *command)
{
	html("<p class=\"missing\">Not in this run: there is no <code>%s</code>. "
	     "<code>%s</code> writes it.</p>\n", file, command);
}

void html_table(const char *caption)
{
	html("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n"
	     "<table>\n<caption>%s</caption>\n", caption, caption);
}

void html_table_end(void)
{
	html("</table>\n</div>\n");
}
