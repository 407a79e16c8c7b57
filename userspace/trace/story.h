/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _TRACE_STORY_H
#define _TRACE_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "recording.h"

/* The classic diagram's two lanes, and a third for the hardware. */
enum lane { PROGRAM, KERNEL, DEVICE, LANES };

/* What fills a lane for a while. */
enum state {
	RUNS,			/* the program's own code */
	HANDLES,		/* its signal handler */
	IN_KERNEL,		/* a system call */
	SLEEPS,			/* in it, until somebody wakes the task */
	READY,			/* no processor yet, or none any more */
	COPIES,			/* the second phase */
	PENDING,		/* a request, which needs no task */
	INTERRUPT,		/* its handler */
	STATES,
};

struct span {
	enum lane lane;
	enum state state;
	__u64 begin, end;	/* ns, as all times here: CLOCK_MONOTONIC */
};

/* What happens at one moment, and may go from one lane to another. */
struct mark {
	__u64 ns;
	enum lane at;		/* whose it is: there the label stands */
	enum lane from, to;	/* both are @at where nothing goes anywhere */
	bool data;		/* a record's bytes go there */
	bool repeats;		/* as the call before it, in vain; without a label */
	const char *event;	/* the trace's name for it */
	char label[32];
	char title[96];		/* more exactly */
};

/* From the wait for one record until the program has it. */
struct story {
	int pid;		/* the task that reads */
	char name[32];		/* of what it is a picture */
	__u64 begin, end;
	__u64 wait_begin, stored, copy_begin, copy_end;
	struct span *spans;
	size_t span_count;
	struct mark *marks;	/* in the order of their time */
	size_t mark_count;
	__u64 time[STATES];	/* that the task spent in each, from @begin to @end */
	unsigned int calls, eagains;
};

/* What the figures call them. */
extern const char *const lane_names[LANES];
extern const char *const state_names[STATES];

void story_tell(struct story *story, const struct recording *recording, const char *name);
void story_free(struct story *story);
void story_sum_up(const struct story *story, char *text, size_t size);

/* Two ways to draw it. */
void draw_text(const struct story *story);
void draw_svg(const struct story *story, const char *path);

/* Microseconds from the beginning. */
static inline double story_us(const struct story *story, __u64 ns)
{
	return ((double)ns - (double)story->begin) / 1000;
}

#endif /* _TRACE_STORY_H */
