/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Charts as SVG in the page: narrow enough for a phone, and never told apart by
 * colour alone
 */
#ifndef CHART_H
#define CHART_H

#include <stdbool.h>

struct json;

struct chart {
	const char *id;			/* unique in the page */
	const char *title;
	const char *text;		/* in place of the picture, and what to look at */
	const char *unit;		/* along the axis */
	bool logarithmic;
};

/* One value in a row of its own. */
struct chart_row {
	const char *label;
	const char *class;		/* of the model: its colour */
	double value;			/* NAN: none, and never less than 0 */
	const char *text;		/* the value, or why there is none */
};

/* Values as bars from 0; on a logarithmic axis, which has no 0, as points. */
void chart_rows(const struct chart *chart, const struct chart_row *rows, unsigned int count);

/* How a row's values are distributed. */
struct chart_spread {
	const char *label;
	const char *class;
	double p50, p99, max;		/* NAN: there are none */
	const struct json *histogram;	/* pairs: a bound in ns, how many below it */
};

/* All on one logarithmic axis, in microseconds. */
void chart_spreads(const struct chart *chart, const struct chart_spread *spreads,
		   unsigned int count);

#define CHART_POINTS_MAX	16

struct chart_curve {
	const char *label;
	unsigned int count;
	struct {
		double x, y;
	} points[CHART_POINTS_MAX];
};

/* Two at most, each with points. The x axis is logarithmic, @logarithmic is the y axis's. */
void chart_curves(const struct chart *chart, const char *x_unit,
		  const struct chart_curve *curves, unsigned int count);

#endif /* CHART_H */
