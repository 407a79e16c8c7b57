/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iodemo-bench: the figures, which of them are wanted, and what comes of them
 *
 * A figure is what one operation costs: the median of many samples, and where
 * the middle half of them lies. Time is CLOCK_MONOTONIC's. In a machine whose
 * clock counts instructions (QEMU's -icount shift=0) a nanosecond is one
 * instruction, and the figures are the same in every run.
 */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdbool.h>

/* What was asked for (wanted.c) ------------------------------------------- */

struct bench_options {
	const char *device;
	const char *module;	/* a file for insmod; NULL: by name, with modprobe */
	bool reload;		/* the module may be loaded anew */
	bool instructions;	/* a nanosecond is an instruction */
	unsigned int samples;	/* of each figure */
};

extern struct bench_options bench_options;

/**
 * struct bench_figure - a figure that there is
 * @name: in JSON and in the budget, like "read" or "interrupt-idle-16"
 * @about: in the table; can be NULL
 * @group: that it is of, as bench_enter() was given it
 * @wanted: it was asked for
 * @measured: it has a median
 * @median: as it was measured
 */
struct bench_figure {
	char *name;
	char *about;
	const char *group;
	bool wanted;
	bool measured;
	double median;
};

/* The one of this name, or NULL. */
struct bench_figure *bench_find(const char *name);

/* What follows is of this group. */
void bench_enter(const char *group);

/* The group that was entered last. */
const char *bench_entered(void);

/*
 * Was it asked for? A group's file asks before it sets up what takes long, by
 * the figure's full name, and does nothing for what is not wanted: the names
 * become known by a first pass through all groups, in which nothing is.
 */
bool bench_wanted(const char *name);

/* Is any figure of this group? */
bool bench_group_wanted(const char *group);

/* For --list, before bench_wanted(), where bench_cost() doesn't do it. */
void bench_about(const char *name, const char *about);

/* Want the figures that a pattern or a group's name gives; ends the program if there are none. */
void bench_choose(const char *pattern);
void bench_choose_all(void);

/* Show the groups and their figures. */
void bench_list(void);

/* From here on Ctrl-C ends the program where it can: there. */
void bench_catch_stop(void);

/* Ends the program if Ctrl-C came; for what takes longer than a figure usually does. */
void bench_check_stop(void);

/* The report: a table, and JSON (report.c) -------------------------------- */

/* Write the figures to this file too. */
void bench_json(const char *path);

/**
 * bench_title() - what follows belongs together
 * @title: the heading in the table
 *
 * Also the place for what the figures are compared with:
 * @first, @second: names of figures, or NULL; each gives a column of ratios
 */
void bench_title(const char *title, const char *first, const char *second);

/**
 * bench_report() - note a figure
 * @name: as of struct bench_figure
 * @about: likewise
 * @unit: NULL for time, else what is counted, like "bytes" or "records/s"
 * @samples: will be sorted
 * @count: how many there are, at least 1
 */
void bench_report(const char *name, const char *about, const char *unit, double *samples,
		  unsigned int count);

/* A point of a curve, for the file alone: what is shown, the group shows by itself. */
void bench_note(const char *name, const char *about, const char *unit, double value);

/* Sorts them, too. */
double bench_median(double *samples, unsigned int count);

/* A figure that can't be had here: @reason says why, and what to do. */
void bench_missing(const char *name, const char *about, const char *reason);

#endif /* BENCH_FIGURES_H */
