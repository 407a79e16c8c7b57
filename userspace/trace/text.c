// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draws a story in characters, 80 columns wide: a line for each mark, and as many
 * between two of them as the time between them is long
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"

#define WIDTH	80
#define LINES	36	/* for the time from begin to end, if it had no marks */

/* Where the lanes' bars stand; a label begins two columns right of its bar. */
static const int bars[LANES] = { 10, 33, 58 };

static const char fills[STATES] = {
	[RUNS] = '#', [HANDLES] = 'S', [IN_KERNEL] = '#', [SLEEPS] = ':',
	[READY] = '.', [COPIES] = 'C', [PENDING] = '|', [INTERRUPT] = '#',
};

/* The state of a lane then, or what is drawn where it has none. */
static char fill(const struct story *story, enum lane lane, __u64 ns)
{
	char found = ' ';
	size_t i;

	for (i = 0; i < story->span_count; i++) {
		const struct span *span = &story->spans[i];

		if (span->lane != lane || ns < span->begin || ns >= span->end)
			continue;
		/* That a request waits is seen where nothing else is. */
		if (span->state != PENDING || found == ' ')
			found = fills[span->state];
	}
	return found;
}

static void put_bars(const struct story *story, char *line, __u64 ns)
{
	int lane;

	memset(line, ' ', WIDTH);
	line[WIDTH] = '\0';
	for (lane = 0; lane < LANES; lane++)
		line[bars[lane]] = fill(story, lane, ns);
}

static void put(char *line, int column, const char *text)
{
	size_t length = strlen(text);

	if (column + length > WIDTH)
		length = WIDTH - column;
	memcpy(line + column, text, length);
}

static void put_arrow(char *line, const struct mark *mark)
{
	char dash = mark->data ? '=' : '-';
	int left, right;

	if (mark->from == mark->to)
		return;
	left = bars[mark->from < mark->to ? mark->from : mark->to] + 1;
	right = bars[mark->from < mark->to ? mark->to : mark->from] - 1;
	memset(line + left, dash, right - left + 1);
	if (mark->from < mark->to)
		line[right] = '>';
	else
		line[left] = '<';
}

static void print_line(char *line)
{
	size_t length = WIDTH;

	while (length && line[length - 1] == ' ')
		length--;
	printf("%.*s\n", (int)length, line);
}

static void print_mark(const struct story *story, const struct mark *mark)
{
	char line[WIDTH + 1], text[40];

	/* What a mark changes is seen in its line; but what brings data ends a copy. */
	put_bars(story, line, mark->ns - mark->data);
	snprintf(text, sizeof(text), "%8.1f", story_us(story, mark->ns));
	put(line, 0, text);
	put_arrow(line, mark);
	snprintf(text, sizeof(text), mark->from == mark->to ? "%s" : " %s ", mark->label);
	put(line, bars[mark->at] + 2, text);
	print_line(line);
}

static void print_gap(const struct story *story, __u64 begin, __u64 end)
{
	unsigned int i, lines = (end - begin) * LINES / (story->end - story->begin);
	char line[WIDTH + 1];

	for (i = 0; i < lines; i++) {
		put_bars(story, line, begin + (end - begin) * (i + 1) / (lines + 1));
		print_line(line);
	}
}

static void print_phase(const char *name, __u64 begin, __u64 end)
{
	printf("%-16s %8.1f µs\n", name, ((double)end - (double)begin) / 1000);
}

void draw_text(const struct story *story)
{
	char summary[400];
	__u64 last = story->begin;
	size_t i;

	printf("%8s %-23s%-25s%s\n\n", story->name, lane_names[PROGRAM], lane_names[KERNEL],
	       lane_names[DEVICE]);
	for (i = 0; i < story->mark_count; i++) {
		const struct mark *mark = &story->marks[i];

		if (!*mark->label)
			continue;
		print_gap(story, last, mark->ns);
		print_mark(story, mark);
		last = mark->ns;
	}
	print_gap(story, last, story->end);

	printf("\ntime in µs. # works  : asleep  . waits for a processor  C copies  "
	       "S signal handler\n"
	       "| a request is pending  ==> bytes of a record\n\n");
	print_phase("waits for data", story->wait_begin, story->stored);
	print_phase("is told, begins", story->stored, story->copy_begin);
	print_phase("copies the data", story->copy_begin, story->copy_end);
	story_sum_up(story, summary, sizeof(summary));
	printf("\n%s\n", summary);
}
