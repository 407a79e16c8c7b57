/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened, as the kernel has traced it: an instance of tracefs that is ours
 * alone, read with libtracefs
 */
#ifndef IODEMO_TRACE_H
#define IODEMO_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#define TRACE_TEXT	8192
#define TRACE_REQUESTS	8

struct tep_handle;
struct tracefs_instance;

struct trace {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	bool printed;		/* as trace-cmd report shows it, not the fields */
	unsigned long long requests[TRACE_REQUESTS];
	char text[TRACE_TEXT];
	size_t len;
};

/* Can this kernel be traced? */
bool can_trace(void);
/* Once the module is loaded. Return 0 or -errno. */
int trace_begin(struct trace *trace);
void trace_end(struct trace *trace);
/* Record this event of the group iodemo from now on; NULL: all. */
int trace_on(struct trace *trace, const char *event);

/*
 * What was recorded since the last call, in the order in which it happened, a line
 * each: the event, and field=value for each field, as numbers. What is opaque is
 * told apart: req=#1 is the first request that was seen, in all calls.
 */
const char *trace_text(struct trace *trace);
/* The events of the group, and their fields: name:bytes, and s if signed */
const char *trace_formats(struct trace *trace);

#endif /* IODEMO_TRACE_H */
