// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charts: bars, points, distributions, curves
 *
 * The picture is 400 units wide, which is about a phone, and its text 12 high;
 * on a wider page two stand side by side. Colours are of the page's style.
 */
#include <math.h>
#include <stddef.h>

#include "chart.h"
#include "page.h"

#define WIDTH	400
#define LEFT	132	/* labels of rows stand before it */
#define RIGHT	330	/* and values may go on to WIDTH */
#define ROW	24
#define FOOT	40	/* the axis and its unit */
#define LEAST	0.000001	/* of the highest value, that a logarithmic axis shows */

/* Of data to the page's: along one axis. */
struct scale {
	double low, high;	/* data */
	double from, to;	/* page */
	bool logarithmic;
};

static double place(const struct scale *scale, double value)
{
	double share;

	if (scale->logarithmic)
		share = log(fmax(value, scale->low) / scale->low) / log(scale->high / scale->low);
	else
		share = (value - scale->low) / (scale->high - scale->low);
	return scale->from + share * (scale->to - scale->from);
}

/* 1, 2 or 5 times a power of ten: the least that isn't below @value. */
static double round_up(double value)
{
	double power = pow(10, floor(log10(value)));
	double digit = value / power;

	return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

/*
 * From 0, or from a power of ten, and so that both values are on it. Where there
 * is no 0, what is smaller by far than the highest stands where the axis begins.
 */
static struct scale fit(bool logarithmic, double low, double high, double from, double to)
{
	struct scale scale = { .from = from, .to = to, .logarithmic = logarithmic };

	if (low > high || (logarithmic && high < LEAST)) {	/* there are none */
		low = 1;
		high = 1;
	}
	if (logarithmic) {
		scale.low = pow(10, floor(log10(fmax(low, high * LEAST))));
		scale.high = fmax(high, 10 * scale.low);
	} else {
		scale.high = high > 0 ? round_up(high) : 1;
	}
	return scale;
}

/* The tick after this one. */
static double next_tick(const struct scale *scale, double tick)
{
	return scale->logarithmic ? 10 * tick : tick + scale->high / 4;
}

/* For tick labels: 0.01, 25, 10 k, 1 M. */
static const char *short_number(double value)
{
	if (value >= 1e6)
		return input_format("%g M", value / 1e6);
	if (value >= 1e4)
		return input_format("%g k", value / 1e3);
	return input_format("%.4g", value);
}

/* Powers of ten need a tolerance, or the last one is lost. */
static bool on_scale(const struct scale *scale, double value)
{
	return value <= scale->high * 1.0001;
}

static void begin(const struct chart *chart, unsigned int height)
{
	html("<figure class=\"chart\">\n<p class=\"title\">%s</p>\n"
	     "<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-labelledby=\"%s-title %s-text\">\n",
	     html_escape(chart->title), WIDTH, height, chart->id, chart->id);
	html("<title id=\"%s-title\">%s</title>\n", chart->id, html_escape(chart->title));
	html("<desc id=\"%s-text\">%s</desc>\n", chart->id, html_escape(chart->text));
}

static void finish(const struct chart *chart)
{
	html("</svg>\n<figcaption>%s</figcaption>\n</figure>\n", html_escape(chart->text));
}

/* The axis below, with lines from @top down to it. */
static void x_axis(const struct scale *scale, double top, double bottom, const char *unit)
{
	double tick;

	html("<g class=\"axis\">\n");
	for (tick = scale->low; on_scale(scale, tick); tick = next_tick(scale, tick)) {
		double x = place(scale, tick);

		html("<path d=\"M%.1f %.1fV%.1f\"/>", x, top, bottom);
		html("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", x,
		     bottom + 14, short_number(tick));
	}
	html("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n</g>\n",
	     (scale->from + scale->to) / 2, bottom + 31, html_escape(unit));
}

static void y_axis(const struct scale *scale, double left, double right)
{
	double tick;

	html("<g class=\"axis\">\n");
	for (tick = scale->low; on_scale(scale, tick); tick = next_tick(scale, tick)) {
		double y = place(scale, tick);

		html("<path d=\"M%.1f %.1fH%.1f\"/>", left, y, right);
		html("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", left - 5,
		     y + 4, short_number(tick));
	}
	html("</g>\n");
}

static void row_label(const char *label, double y)
{
	html("<text x=\"%u\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 6, y + 4,
	     html_escape(label));
}

void chart_rows(const struct chart *chart, const struct chart_row *rows, unsigned int count)
{
	double low = INFINITY, high = -INFINITY, bottom = ROW * count;
	struct scale scale;
	unsigned int i;

	for (i = 0; i < count; i++) {
		low = fmin(low, rows[i].value);
		high = fmax(high, rows[i].value);
	}
	scale = fit(chart->logarithmic, low, high, LEFT, RIGHT);

	begin(chart, bottom + FOOT);
	x_axis(&scale, 0, bottom, chart->unit);
	for (i = 0; i < count; i++) {
		const struct chart_row *row = &rows[i];
		double y = ROW * i + ROW / 2., x;

		x = isnan(row->value) ? LEFT : place(&scale, row->value);
		row_label(row->label, y);
		html("<g class=\"%s\"><title>%s: %s</title>", row->class, html_escape(row->label),
		     html_escape(row->text));
		if (!isnan(row->value) && chart->logarithmic)
			html("<path class=\"stem\" d=\"M%u %.1fH%.1f\"/>"
			     "<circle class=\"mark\" cx=\"%.1f\" cy=\"%.1f\" r=\"6\"/>",
			     LEFT, y, x, x, y);
		else if (!isnan(row->value))
			html("<path class=\"mark\" d=\"M%u %.1fH%.1fv15H%u\"/>", LEFT, y - 7.5, x,
			     LEFT);
		html("<text x=\"%.1f\" y=\"%.1f\">%s</text></g>\n",
		     x + (chart->logarithmic ? 10 : 5), y + 4, html_escape(row->text));
	}
	finish(chart);
}

/* Distributions ----------------------------------------------------------- */

#define RIDGE	34	/* the height of a row */

/* How many there were between half a bound and that bound, a bar for each. */
static void histogram(const struct chart_spread *spread, const struct scale *scale, double y)
{
	double most = 0, bound, count, left, right, height;
	const struct json *bar;

	for (bar = spread->histogram; bar; bar = bar->next) {
		json_pair(bar, &bound, &count);
		most = fmax(most, count);
	}
	for (bar = spread->histogram; bar; bar = bar->next) {
		json_pair(bar, &bound, &count);
		left = place(scale, bound / 2e3);
		right = place(scale, fmin(bound / 1e3, spread->max));
		height = fmax(count / most * (RIDGE - 12), 1.5);
		html("<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">"
		     "<title>%s: %.0f records took %g to %g µs</title></rect>\n", left, y - height,
		     right - left, height, html_escape(spread->label), count, bound / 2e3,
		     bound / 1e3);
	}
}

void chart_spreads(const struct chart *chart, const struct chart_spread *spreads,
		   unsigned int count)
{
	double low = INFINITY, high = -INFINITY, bottom = RIDGE * count + 6;
	struct scale scale;
	unsigned int i;

	for (i = 0; i < count; i++) {
		low = fmin(low, spreads[i].p50);
		high = fmax(high, spreads[i].max);
	}
	scale = fit(true, low, high, LEFT, WIDTH - 20);

	begin(chart, bottom + FOOT);
	x_axis(&scale, 0, bottom, chart->unit);
	for (i = 0; i < count; i++) {
		const struct chart_spread *spread = &spreads[i];
		double y = RIDGE * (i + 1) - 4, p50, p99, max;

		row_label(spread->label, y - 8);
		if (isnan(spread->p50)) {
			html("<text x=\"%u\" y=\"%.1f\">-</text>\n", LEFT + 5, y - 4);
			continue;
		}
		p50 = place(&scale, spread->p50);
		p99 = place(&scale, spread->p99);
		max = place(&scale, spread->max);
		html("<g class=\"%s\"><title>%s: half within %.0f µs, 99 %% within %.0f µs, "
		     "all within %.0f µs</title>\n", spread->class, html_escape(spread->label),
		     spread->p50, spread->p99, spread->max);
		histogram(spread, &scale, y);
		html("<path class=\"stem\" d=\"M%.1f %.1fH%.1f\"/>", p50, y, max);
		html("<circle class=\"mark\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>", p50, y);
		html("<path class=\"mark\" d=\"M%.1f %.1fl5 5l-5 5l-5 -5z\"/>", p99, y - 5);
		html("<path class=\"stem\" d=\"M%.1f %.1fv10\"/></g>\n", max, y - 5);
	}
	finish(chart);
}

/* Curves ------------------------------------------------------------------ */

#define CURVES_BOTTOM	220
#define CURVES_LEFT	52
#define CURVES_RIGHT	380
#define CURVES_TOP	30

/* The first has circles on a line; the second, squares on dashes. */
static void show_curve(const struct chart_curve *curve, bool second, const char *text,
		       const struct scale *x_scale, const struct scale *y_scale)
{
	double x = 0, y = 0;
	unsigned int i;

	html("<g class=\"%s\">\n<path class=\"line\" d=\"", second ? "second" : "first");
	for (i = 0; i < curve->count; i++)
		html("%c%.1f %.1f", i ? 'L' : 'M', place(x_scale, curve->points[i].x),
		     place(y_scale, curve->points[i].y));
	html("\"/>\n");
	for (i = 0; i < curve->count; i++) {
		x = place(x_scale, curve->points[i].x);
		y = place(y_scale, curve->points[i].y);
		html("<g><title>%s; %s: %.0f, %.0f</title>", curve->label, text, curve->points[i].x,
		     curve->points[i].y);
		if (second)
			html("<path class=\"mark\" d=\"M%.1f %.1fh9v9h-9\"/>", x - 4.5, y - 4.5);
		else
			html("<circle class=\"mark\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>", x, y);
		html("</g>\n");
	}
	html("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n</g>\n", x + 5, y - 10,
	     curve->label);
}

void chart_curves(const struct chart *chart, const char *x_unit,
		  const struct chart_curve *curves, unsigned int count)
{
	double x_high = 1, low = INFINITY, high = -INFINITY;
	const char *text = input_format("%s, %s", x_unit, chart->unit);
	struct scale x_scale, y_scale;
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < curves[i].count; j++) {
			x_high = fmax(x_high, curves[i].points[j].x);
			low = fmin(low, curves[i].points[j].y);
			high = fmax(high, curves[i].points[j].y);
		}
	}
	x_scale = fit(true, 1, x_high, CURVES_LEFT, CURVES_RIGHT);
	y_scale = fit(chart->logarithmic, low, high, CURVES_BOTTOM, CURVES_TOP);

	begin(chart, CURVES_BOTTOM + FOOT + 4);
	html("<text class=\"unit\" x=\"0\" y=\"11\">%s</text>\n", chart->unit);
	y_axis(&y_scale, CURVES_LEFT, CURVES_RIGHT);
	x_axis(&x_scale, CURVES_BOTTOM, CURVES_BOTTOM + 4, x_unit);
	for (i = 0; i < count; i++)
		show_curve(&curves[i], i, text, &x_scale, &y_scale);
	finish(chart);
}
