// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the report of a run, as one page that needs nothing else, from the
 * files which the run has left in a folder
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "report/page.h"

/* The page's style and script: these files, as they stand. */
asm(".pushsection .rodata\n"
	".globl page_style, page_script\n"
	"page_style:\n"
	".incbin \"report/page.css\"\n"
	".byte 0\n"
	"page_script:\n"
	".incbin \"report/page.js\"\n"
	".byte 0\n"
	".popsection");

static void usage(void)
{
	printf("Usage: %s [OPTION]... FOLDER\n\n"
	       "Writes an HTML page about the run whose files are in FOLDER, as `make demo` and\n"
	       "`make report` leave them in build/report.\n\n"
	       "  -o, --output FILE    write to FILE, which is replaced when the page is whole\n"
	       "                       (default: the standard output)\n"
	       "  -h, --help           this text\n"
	       "  -V, --version        which iodemo this is\n\n"
	       "What the files are: man iodemo-report\n", program_invocation_short_name);
}

static void head(void)
{
	/* Nothing is fetched, whatever a figure holds. */
	html("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	     "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
	     "<title>iodemo: the five I/O models, measured</title>\n<style>\n%s</style>\n</head>\n",
	     page_style);
}

static void contents(void)
{
	html("<body>\n<header>\n<h1>The five I/O models, measured</h1>\n"
	     "<p>Five ways for a program to read from a device: <code>/dev/iodemo</code>, whose "
	     "records come with interrupts. All that is shown here is from one run.</p>\n"
	     "<nav aria-label=\"Contents\">\n<ul>\n"
	     "<li><a href=\"#machine\">What was run</a></li>\n"
	     "<li><a href=\"#figures\">The five figures</a></li>\n"
	     "<li><a href=\"#compare\">The comparison</a></li>\n"
	     "<li><a href=\"#async-apis\">Asynchronous</a></li>\n"
	     "<li><a href=\"#zerocopy\">Zero-copy</a></li>\n"
	     "<li><a href=\"#bench\">What it costs</a></li>\n"
	     "<li><a href=\"#interrupts\">Interrupts</a></li>\n"
	     "<li><a href=\"#code\">The code</a></li>\n"
	     "</ul>\n</nav>\n</header>\n<main>\n");
}

static void page(void)
{
	html_begin();
	head();
	contents();
	section_machine();
	code_read();
	section_figures();
	section_compare();
	section_bench();
	section_interrupts();
	section_code();
	html("</section>\n</main>\n<script>\n%s</script>\n</body>\n</html>\n", page_script);
}

static void write_page(const char *path)
{
	FILE *output = path ? fopen(path, "we") : stdout;

	if (!output)
		err(1, "%s", path);
	html_end(output);
	if (fflush(output) || ferror(output))
		err(1, "%s", path ?: "standard output");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output",	required_argument,	NULL, 'o' },
		{ "help",	no_argument,		NULL, 'h' },
		{ "version",	no_argument,		NULL, 'V' },
		{ }
	};
	const char *output = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "o:hV", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			output = optarg;
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
	if (optind != argc - 1)
		errx(1, "one FOLDER expected; `%s --help` tells more",
		     program_invocation_short_name);

	input_folder(argv[optind]);
	page();
	write_page(output);
	return 0;
}
