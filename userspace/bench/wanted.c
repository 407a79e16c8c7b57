// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was asked for: the options, and which figures of those that there are
 */
#include <err.h>
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figures.h"

struct bench_options bench_options;

/* All that there are, in the order in which they run. */
static struct bench_figure *figures;
static unsigned int figures_count;

static const char *entered;
static atomic_int stopped;	/* by this signal */

struct bench_figure *bench_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < figures_count; i++)
		if (!strcmp(figures[i].name, name))
			return &figures[i];
	return NULL;
}

void bench_enter(const char *group)
{
	entered = group;
}

const char *bench_entered(void)
{
	return entered;
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
	struct bench_figure *figure = bench_find(name);

	if (!figure) {
		figures = realloc(figures, (figures_count + 1) * sizeof(*figures));
		if (!figures)
			err(1, "no memory for '%s'", name);
		figure = &figures[figures_count++];
		*figure = (struct bench_figure){ .name = copy(name), .group = entered };
	}
	if (!figure->about && about)
		figure->about = copy(about);
}

bool bench_wanted(const char *name)
{
	bench_about(name, NULL);
	return bench_find(name)->wanted;
}

bool bench_group_wanted(const char *group)
{
	unsigned int i;

	for (i = 0; i < figures_count; i++)
		if (figures[i].group == group && figures[i].wanted)
			return true;
	return false;
}

void bench_choose_all(void)
{
	unsigned int i;

	for (i = 0; i < figures_count; i++)
		figures[i].wanted = true;
}

void bench_choose(const char *pattern)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < figures_count; i++) {
		if (fnmatch(pattern, figures[i].name, 0) && strcmp(pattern, figures[i].group))
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
			fprintf(stderr, " %s", figures[i].group);
	fputc('\n', stderr);
	exit(1);
}

void bench_list(void)
{
	const char *last = NULL;
	unsigned int i;

	for (i = 0; i < figures_count; i++) {
		const struct bench_figure *figure = &figures[i];

		if (figure->group != last)
			printf("%s%s\n", last ? "\n" : "", figure->group);
		last = figure->group;
		printf("  %-24s%s%s\n", figure->name, figure->about ? " " : "",
		       figure->about ?: "");
	}
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
void bench_catch_stop(void)
{
	const struct sigaction action = {
		.sa_handler = stop,
		.sa_flags = SA_RESTART | SA_RESETHAND,
	};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}
