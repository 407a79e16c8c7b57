// SPDX-License-Identifier: GPL-2.0-only
/*
 * The five figures
 */
#include <err.h>
#include <string.h>

#include "page.h"

static const struct model {
	const char *name;
	const char *title;
	const char *look;
} models[] = {
	{ "blocking", "1. Blocking",
	  "<code>read</code> is called before there is anything. The program sleeps in it until the "
	  "interrupt wakes it, and the same call copies: both phases in one call." },
	{ "nonblocking", "2. Nonblocking",
	  "call after call comes back at once, with <code>EAGAIN</code>. Nobody sleeps and nobody "
	  "is woken; the call that happens to find a record copies it." },
	{ "multiplexing", "3. Multiplexing",
	  "the program sleeps here too, but in another call, which can wait for many files; the "
	  "<code>read</code> that follows only copies." },
	{ "signal", "4. Signal-driven",
	  "the program works until a signal interrupts it, wherever it is; the <code>read</code> "
	  "in the handler only copies." },
	{ "async", "5. Asynchronous",
	  "the program works, and no call of its own copies: when it is told, the record is in its "
	  "memory, and both phases are over." },
};

/* It comes with its own words, for who can't see it; ids have the model's name before them. */
static void show_svg(const char *file, const char *text)
{
	const char *begin = strstr(text, "<svg"), *end = begin ? strstr(begin, "</svg>") : NULL;

	if (!end)
		errx(1, "%s: <svg> or </svg> is missing", input_path(file));
	html("%.*s</svg>\n", (int)(end - begin), begin);
}

/* The same in characters, for who can't see the other. */
static void show_text(const char *model)
{
	const char *text = input_text(input_format("%s.txt", model));

	if (text)
		html("<details>\n<summary>The same in characters</summary>\n"
		     "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n"
		     "<pre>%s</pre>\n</div>\n</details>\n", model, html_escape(text));
}

/* The demo that was recorded, in its own figures. */
static void show_run(const char *model)
{
	const struct json *run = json_read(input_format("%s.json", model));

	if (!run)
		return;
	html("<p>The recorded run: <code>iodemo-%s</code>, with %s, got %.0f records by %.0f "
	     "system calls, of which %.0f found nothing, and slept %.0f times.</p>\n", model,
	     html_escape(json_text(run, "api")), json_number(run, "records"),
	     json_number(run, "calls"), json_number(run, "eagains"), json_number(run, "voluntary"));
}

static void show(const struct model *model)
{
	const char *file = input_format("%s.svg", model->name);
	const char *svg = input_text(file);

	html("<h3 id=\"%s\">%s</h3>\n", model->name, model->title);
	if (!svg) {
		html_missing(file, "make demo");
		return;
	}
	html("<figure class=\"timeline\">\n"
	     "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Figure: %s\">\n",
	     model->name);
	show_svg(file, svg);
	html("</div>\n<figcaption>\n<output></output>\n<p><b>What to look at:</b> %s</p>\n",
	     model->look);
	show_run(model->name);
	code_links(model->name);
	show_text(model->name);
	html("</figcaption>\n</figure>\n");
}

void section_figures(void)
{
	unsigned int i;

	html_section("figures", "The five figures", "where the program sleeps, and who copies. "
		     "Reading has two phases: <em>wait</em> until there is data, and <em>copy</em> "
		     "it from the kernel to the program. Each figure is drawn from what the kernel "
		     "recorded in this run: time goes down, to scale. <code>trace-cmd report</code> and "
		     "KernelShark show all of it, from the <code>.dat</code> files beside this page.");
	for (i = 0; i < ARRAY_LENGTH(models); i++)
		show(&models[i]);
}
