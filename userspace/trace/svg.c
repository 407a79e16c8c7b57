// SPDX-License-Identifier: GPL-2.0-only
/*
 * Draws a story as the textbooks do: time goes down, to scale; application, kernel
 * and device are lanes, and what passes between them are arrows
 */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"

#define WIDTH		480
#define TOP		38	/* above are the lanes' names */
#define HEIGHT		520	/* of the time from begin to end */
#define BOTTOM		(TOP + HEIGHT)
#define LINE		14	/* of text */
#define BAR		12	/* a bar's width */
#define PHASES		456	/* where the phases' names are */

static const int bars[LANES] = { 46, 182, 330 };

static const char *const classes[STATES] = {
	"runs", "handles", "call", "sleeps", "ready", "copies", "pending", "interrupt",
};

/* Colours after Okabe and Ito; and none tells anything that form does not tell too. */
static const char style[] =
	"<style>\n"
	".iodemo-figure { --ink: #1a1a1a; --paper: #fff; --faint: #767676; --own: #0072b2;\n"
	"  --call: #6b6b6b; --copy: #d55e00; --signal: #009e73; --irq: #aa4499;\n"
	"  --wait-band: #e3f1fa; --copy-band: #fbe0c4; }\n"
	"@media screen and (prefers-color-scheme: dark) {\n"
	"  .iodemo-figure { --ink: #ececec; --paper: #16181b; --faint: #a0a0a0; --own: #56b4e9;\n"
	"    --call: #a8a8a8; --copy: #f08a3c; --signal: #2fc795; --irq: #dd8fc9;\n"
	"    --wait-band: #1b3040; --copy-band: #4a3018; } }\n"
	".iodemo-figure text { font: 12px system-ui, sans-serif; fill: var(--ink); }\n"
	".iodemo-figure .label { paint-order: stroke; stroke: var(--paper); stroke-width: 3px;\n"
	"  stroke-linejoin: round; }\n"
	".iodemo-figure .head { font-weight: 600; font-size: 13px; }\n"
	".iodemo-figure .tick { font-size: 10px; fill: var(--faint); }\n"
	".iodemo-figure .paper { fill: var(--paper); }\n"
	".iodemo-figure .wait { fill: var(--wait-band); }\n"
	".iodemo-figure .copy { fill: var(--copy-band); }\n"
	".iodemo-figure .axis, .iodemo-figure .lane { stroke: var(--faint); stroke-width: .6; }\n"
	".iodemo-figure .arrow { stroke: var(--ink); fill: var(--ink); stroke-width: 1; }\n"
	".iodemo-figure .data { stroke: var(--copy); fill: var(--copy); stroke-width: 3; }\n"
	".iodemo-figure .again { opacity: .35; }\n"
	".iodemo-figure .lead { stroke: var(--faint); stroke-width: .6; fill: none; }\n"
	".iodemo-figure .runs { fill: var(--own); }\n"
	".iodemo-figure .handles { fill: var(--paper); stroke: var(--signal); stroke-width: 3; }\n"
	".iodemo-figure .call { fill: var(--call); }\n"
	".iodemo-figure .copies { fill: var(--copy); }\n"
	".iodemo-figure .interrupt { fill: var(--irq); }\n"
	".iodemo-figure .sleeps { fill: var(--paper); stroke: var(--call); stroke-dasharray: 4 3; }\n"
	".iodemo-figure .ready { fill: var(--paper); stroke: var(--call); stroke-dasharray: 1 2; }\n"
	".iodemo-figure .pending { fill: none; stroke: var(--copy); stroke-width: 2;\n"
	"  stroke-dasharray: 2 3; }\n"
	"</style>\n";

struct drawing {
	FILE *file;
	const struct story *story;
};

__attribute__((format(printf, 2, 3)))
static void put(const struct drawing *drawing, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vfprintf(drawing->file, format, values);
	va_end(values);
}

/* Labels and titles are ours, but what a call is named is the kernel's. */
static void put_text(const struct drawing *drawing, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			put(drawing, "&amp;");
		else if (*text == '<')
			put(drawing, "&lt;");
		else if (*text == '>')
			put(drawing, "&gt;");
		else
			fputc(*text, drawing->file);
	}
}

static double y_of(const struct story *story, __u64 ns)
{
	return TOP + story_us(story, ns) * HEIGHT / story_us(story, story->end);
}

/* Clear to whom the figure is read, and to whom it is shown by words. */
static void draw_words(const struct drawing *drawing)
{
	const struct story *story = drawing->story;
	char summary[400];
	size_t i;

	story_sum_up(story, summary, sizeof(summary));
	put(drawing, "<title id=\"%s-title\">%s: from the wait for a record until the application "
	    "has it</title>\n", story->name, story->name);
	put(drawing, "<desc id=\"%s-desc\">%s", story->name, summary);
	for (i = 0; i < story->mark_count; i++) {
		const struct mark *mark = &story->marks[i];

		if (!*mark->label)
			continue;
		put(drawing, " %.1f µs, %s: ", story_us(story, mark->ns),
		    lane_names[mark->at]);
		put_text(drawing, mark->label);
		put(drawing, ".");
	}
	put(drawing, "</desc>\n");
}

static void draw_phase(const struct drawing *drawing, const char *class, const char *name,
		       __u64 begin, __u64 end)
{
	double top = y_of(drawing->story, begin), bottom = y_of(drawing->story, end);

	put(drawing, "<rect class=\"%s\" x=\"40\" y=\"%.2f\" width=\"%d\" height=\"%.2f\" "
	    "data-begin=\"%llu\" data-end=\"%llu\"><title>%s: %.1f µs</title></rect>\n",
	    class, top, WIDTH - 40, bottom - top, begin, end, name, (end - begin) / 1000.0);
	put(drawing, "<text text-anchor=\"middle\" transform=\"translate(%d %.2f) rotate(90)\">"
	    "%s</text>\n", PHASES + 6, (top + bottom) / 2, name);
}

/* So many that their numbers have room, and all of them round. */
static double tick_of(double us)
{
	double step = 1;

	while (us / step > 10)
		step *= us / step > 40 ? 10 : us / step > 20 ? 5 : 2;
	return step;
}

static void draw_axis(const struct drawing *drawing)
{
	double us = story_us(drawing->story, drawing->story->end), step = tick_of(us), at;

	put(drawing, "<text class=\"tick\" x=\"36\" y=\"%d\" text-anchor=\"end\">µs</text>\n",
	    TOP - 8);
	for (at = 0; at <= us; at += step) {
		double y = TOP + at * HEIGHT / us;

		put(drawing, "<path class=\"axis\" d=\"M38 %.2fh6\"/>"
		    "<text class=\"tick\" x=\"36\" y=\"%.2f\" text-anchor=\"end\">%g</text>\n",
		    y, y + 3.5, at);
	}
}

static void draw_lanes(const struct drawing *drawing)
{
	int lane;

	for (lane = 0; lane < LANES; lane++)
		put(drawing, "<text class=\"head\" x=\"%d\" y=\"20\">%s</text>"
		    "<path class=\"lane\" d=\"M%d %dv%d\"/>\n",
		    bars[lane], lane_names[lane], bars[lane] + BAR / 2, TOP, HEIGHT);
}

static void draw_span(const struct drawing *drawing, const struct span *span)
{
	double top = y_of(drawing->story, span->begin), bottom = y_of(drawing->story, span->end);
	const char *class = classes[span->state];
	int x = bars[span->lane];

	if (bottom - top < 1)
		bottom = top + 1;
	put(drawing, "<g data-state=\"%s\" data-begin=\"%llu\" data-end=\"%llu\">", class,
	    span->begin, span->end);
	put(drawing, "<title>%s %s for %.1f µs</title>", lane_names[span->lane],
	    state_names[span->state], (span->end - span->begin) / 1000.0);
	if (span->state == PENDING)
		put(drawing, "<path class=\"%s\" d=\"M%d %.2fV%.2f\"/>", class,
		    x + BAR + 3, top, bottom);
	else
		put(drawing, "<rect class=\"%s\" x=\"%d\" y=\"%.2f\" width=\"%d\" "
		    "height=\"%.2f\"/>", class, x, top, BAR, bottom - top);
	put(drawing, "</g>\n");
}

/* A bar's side, on which an arrow to or from the lane @other stands. */
static int side(enum lane lane, enum lane other)
{
	return other < lane ? bars[lane] : bars[lane] + BAR;
}

static void draw_arrow(const struct drawing *drawing, const struct mark *mark, double y)
{
	int from = side(mark->from, mark->to);
	int to = side(mark->to, mark->from);
	int head = to > from ? -6 : 6;

	put(drawing, "<g class=\"%s%s\"><path d=\"M%d %.2fH%d\"/>",
	    mark->data ? "data" : "arrow", mark->repeats ? " again" : "", from, y, to + head);
	if (!mark->repeats)
		put(drawing, "<path stroke-width=\"0\" d=\"M%d %.2fl%d -4v8z\"/>", to, y, head);
	put(drawing, "</g>");
}

/*
 * Where the labels of a lane stand: beside their marks, or lower by as much as the
 * ones above need; and those that would be too low push the others up.
 */
static void place(const struct story *story, enum lane lane, double *places)
{
	double next = TOP - LINE, limit = BOTTOM + LINE;
	size_t i;

	for (i = 0; i < story->mark_count; i++) {
		const struct mark *mark = &story->marks[i];

		if (mark->at != lane || !*mark->label)
			continue;
		places[i] = y_of(story, mark->ns);
		if (places[i] < next + LINE)
			places[i] = next + LINE;
		next = places[i];
	}
	for (i = story->mark_count; i--; ) {
		const struct mark *mark = &story->marks[i];

		if (mark->at != lane || !*mark->label)
			continue;
		if (places[i] > limit - LINE)
			places[i] = limit - LINE;
		limit = places[i];
	}
}

static void draw_title(const struct drawing *drawing, const struct mark *mark)
{
	put(drawing, "<title>");
	put_text(drawing, mark->title);
	put(drawing, ", at %.1f µs</title>", story_us(drawing->story, mark->ns));
}

static void draw_mark(const struct drawing *drawing, const struct mark *mark)
{
	double y = y_of(drawing->story, mark->ns);

	put(drawing, "<g data-event=\"%s\" data-ns=\"%llu\">", mark->event, mark->ns);
	draw_title(drawing, mark);
	if (mark->from != mark->to)
		draw_arrow(drawing, mark, y);
	else
		put(drawing, "<path class=\"axis\" d=\"M%d %.2fh%d\"/>", bars[mark->at], y,
		    BAR);
	put(drawing, "</g>\n");
}

static void draw_label(const struct drawing *drawing, const struct mark *mark, double place)
{
	double y = y_of(drawing->story, mark->ns);
	int x = bars[mark->at] + BAR;

	put(drawing, "<g>");
	draw_title(drawing, mark);
	if (place - y > 3 || y - place > 3)
		put(drawing, "<path class=\"lead\" d=\"M%d %.2fL%d %.2f\"/>", x, y, x + 6,
		    place);
	put(drawing, "<text class=\"label\" x=\"%d\" y=\"%.2f\">", x + 8, place + 4);
	put_text(drawing, mark->label);
	put(drawing, "</text></g>\n");
}

/* No arrow is to go through a label. */
static void draw_marks(const struct drawing *drawing)
{
	const struct story *story = drawing->story;
	double *places = calloc(story->mark_count + 1, sizeof(*places));
	size_t i;
	int lane;

	if (!places)
		err(1, "%zu labels", story->mark_count);
	for (lane = 0; lane < LANES; lane++)
		place(story, lane, places);
	for (i = 0; i < story->mark_count; i++)
		draw_mark(drawing, &story->marks[i]);
	for (i = 0; i < story->mark_count; i++)
		if (*story->marks[i].label)
			draw_label(drawing, &story->marks[i], places[i]);
	free(places);
}

/* Of the states that are there. Return: how high it is. */
static int draw_legend(const struct drawing *drawing)
{
	const struct story *story = drawing->story;
	bool shown[STATES] = { };
	int state, count = 0;
	size_t i;

	for (i = 0; i < story->span_count; i++)
		shown[story->spans[i].state] = true;
	for (state = 0; state < STATES; state++) {
		int x = 46 + count % 2 * 200, y = BOTTOM + 30 + count / 2 * 18;

		if (!shown[state])
			continue;
		if (state == PENDING)
			put(drawing, "<path class=\"%s\" d=\"M%d %dv12\"/>", classes[state],
			    x + BAR / 2, y - 10);
		else
			put(drawing, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" "
			    "height=\"12\"/>", classes[state], x, y - 10, BAR);
		put(drawing, "<text x=\"%d\" y=\"%d\">%s</text>\n", x + BAR + 8, y,
		    state_names[state]);
		count++;
	}
	return 36 + (count + 1) / 2 * 18;
}

static void draw_spans(const struct drawing *drawing, bool copies)
{
	const struct span *span = drawing->story->spans;
	const struct span *end = span + drawing->story->span_count;

	for (; span < end; span++) {
		bool copy = span->state == COPIES;

		if (copy == copies)
			draw_span(drawing, span);
	}
}

/**
 * draw_svg() - draws a story as a picture that stands for itself, or in a page
 * @story: what to draw
 * @path: of the file to write
 *
 * Each mark has the trace's name for it in data-event and its time in data-ns, and
 * each span data-state, data-begin and data-end; times are ns of CLOCK_MONOTONIC.
 */
void draw_svg(const struct story *story, const char *path)
{
	struct drawing drawing = { .story = story, .file = fopen(path, "w") };
	char *legend = NULL;
	size_t size;
	FILE *file = drawing.file;
	int height;

	if (!file)
		err(1, "%s", path);
	/* How high it is says how high the whole is. */
	drawing.file = open_memstream(&legend, &size);
	if (!drawing.file)
		err(1, "%s", path);
	height = BOTTOM + draw_legend(&drawing);
	fclose(drawing.file);
	drawing.file = file;

	fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"iodemo-figure\" "
		"width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" "
		"aria-labelledby=\"%s-title %s-desc\" data-pid=\"%d\" "
		"data-begin=\"%llu\" data-end=\"%llu\">\n",
		WIDTH, height, WIDTH, height, story->name, story->name, story->pid, story->begin,
		story->end);
	fprintf(file, "<!-- %s: GPL-2.0-only -->\n", "SPDX-License-Identifier");
	draw_words(&drawing);
	fputs(style, file);
	fprintf(file, "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", WIDTH, height);
	draw_phase(&drawing, "wait", "wait for data", story->wait_begin, story->stored);
	draw_phase(&drawing, "copy", "copy", story->copy_begin, story->copy_end);
	draw_axis(&drawing);
	draw_lanes(&drawing);
	/* What an interrupt copies while the task is in a call is seen above that. */
	draw_spans(&drawing, false);
	draw_spans(&drawing, true);
	draw_marks(&drawing);
	fputs(legend, file);
	fputs("</svg>\n", file);
	free(legend);
	if (ferror(file) | fclose(file))
		err(1, "%s", path);
}
