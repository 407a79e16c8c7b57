// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happened, as the kernel has traced it; see iodemo_trace.h.
 */
#include "iodemo_trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>
#include <unistd.h>

#define SYSTEM	"iodemo"

static void add(struct trace *trace, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct trace *trace, const char *format, ...)
{
	size_t room = sizeof(trace->text) - trace->len;
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(trace->text + trace->len, room, format, ap);
	va_end(ap);
	trace->len += (size_t)len < room ? (size_t)len : room - 1;
}

bool can_trace(void)
{
	return tracefs_tracing_dir();
}

int trace_begin(struct trace *trace)
{
	static const char * const systems[] = { SYSTEM, NULL };
	char name[32];

	memset(trace, 0, sizeof(*trace));
	snprintf(name, sizeof(name), "iodemo-%d", getpid());
	trace->instance = tracefs_instance_create(name);
	if (!trace->instance)
		return -errno;
	/*
	 * Without the names of tasks, for which the kernel patches its scheduler while
	 * that runs: QEMU before 8.1, with a thread for each processor, now and then
	 * goes on with what was there in between, and dies of it.
	 */
	if (tracefs_instance_file_write(trace->instance, "trace_options", "norecord-cmd") < 0)
		return -errno;
	/* Counts, so that no two events come at the same time */
	if (tracefs_instance_file_write(trace->instance, "trace_clock", "counter") < 0)
		return -errno;
	trace->tep = tracefs_local_events_system(NULL, systems);
	return trace->tep ? 0 : -ENOENT;
}

void trace_end(struct trace *trace)
{
	if (trace->tep)
		tep_free(trace->tep);
	if (trace->instance) {
		tracefs_event_disable(trace->instance, SYSTEM, NULL);
		tracefs_instance_destroy(trace->instance);
		tracefs_instance_free(trace->instance);
	}
}

int trace_on(struct trace *trace, const char *event)
{
	return tracefs_event_enable(trace->instance, SYSTEM, event);
}

/* From 1 on, in the order in which they came */
static int number_of(struct trace *trace, unsigned long long request)
{
	int i;

	for (i = 0; i < TRACE_REQUESTS; i++) {
		if (!trace->requests[i])
			trace->requests[i] = request;
		if (trace->requests[i] == request)
			return i + 1;
	}
	return 0;
}

static void add_field(struct trace *trace, struct tep_format_field *field, const void *data)
{
	unsigned long long value;
	int shift = 64 - 8 * field->size;

	if (tep_read_number_field(field, data, &value))
		add(trace, " %s=?", field->name);
	else if (!strcmp(field->name, "req"))
		add(trace, " req=#%d", number_of(trace, value));
	else if (field->flags & TEP_FIELD_IS_SIGNED)
		add(trace, " %s=%lld", field->name, (long long)(value << shift) >> shift);
	else
		add(trace, " %s=%llu", field->name, value);
}

static int add_event(struct tep_event *event, struct tep_record *record, int cpu,
		     void *context)
{
	struct trace *trace = context;
	struct tep_format_field *field;

	(void)cpu;
	add(trace, "%s", event->name);
	if (trace->printed) {
		struct trace_seq seq;

		trace_seq_init(&seq);
		tep_print_event(trace->tep, &seq, record, " %s", TEP_PRINT_INFO);
		trace_seq_terminate(&seq);
		add(trace, "%s", seq.buffer);
		trace_seq_destroy(&seq);
	} else {
		for (field = event->format.fields; field; field = field->next)
			add_field(trace, field, record->data);
	}
	add(trace, "\n");
	return 0;
}

const char *trace_text(struct trace *trace)
{
	trace->len = 0;
	trace->text[0] = '\0';
	if (tracefs_iterate_raw_events(trace->tep, trace->instance, NULL, 0, add_event, trace))
		return "cannot be read";
	return trace->text;
}

const char *trace_formats(struct trace *trace)
{
	struct tep_event **events = tep_list_events(trace->tep, TEP_EVENT_SORT_NAME);
	struct tep_format_field *field;

	trace->len = 0;
	trace->text[0] = '\0';
	for (; events && *events; events++) {
		add(trace, "%s", (*events)->name);
		for (field = (*events)->format.fields; field; field = field->next)
			add(trace, " %s:%d%s", field->name, field->size,
			    field->flags & TEP_FIELD_IS_SIGNED ? "s" : "");
		add(trace, "\n");
	}
	return trace->text;
}
