// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads what trace-cmd has recorded: the device's events, and what the kernel
 * says of system calls, of tasks that leave and get a processor, and of signals
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trace-cmd.h>

#include "recording.h"

#define HARDIRQ	0x08	/* of an event's common_flags */

static const struct kind {
	const char *system;
	const char *name;	/* all that begin so, if it ends with a _ */
	enum event_type type;
	const char *fields[EVENT_VALUES];
} kinds[] = {
	{ "syscalls", "sys_enter_",		EV_CALL,	{ } },
	{ "syscalls", "sys_exit_",		EV_RETURN,	{ "ret" } },
	{ "sched", "sched_switch",		EV_SWITCH,	{ "prev_state", "next_pid" } },
	{ "sched", "sched_waking",		EV_WAKING,	{ "pid" } },
	{ "irq", "irq_handler_entry",		EV_IRQ_BEGIN,	{ "irq" } },
	{ "irq", "irq_handler_exit",		EV_IRQ_END,	{ "irq" } },
	{ "signal", "signal_deliver",		EV_DELIVER,	{ "sig" } },
	{ "iodemo", "iodemo_interrupt",		EV_INTERRUPT,	{ "pulls" } },
	{ "iodemo", "iodemo_store",		EV_STORE,	{ "seq", "len" } },
	{ "iodemo", "iodemo_echo",		EV_ECHO,	{ "seq", "len" } },
	{ "iodemo", "iodemo_wake",		EV_WAKE,	{ "woken", "more" } },
	{ "iodemo", "iodemo_read_begin",	EV_READ_BEGIN,	{ "client", "count", "nowait" } },
	{ "iodemo", "iodemo_read_end",		EV_READ_END,	{ "client", "ret" } },
	{ "iodemo", "iodemo_poll",		EV_POLL,	{ "client", "events" } },
	{ "iodemo", "iodemo_signal",		EV_SIGNAL,	{ "client", "sig", "whom" } },
	{ "iodemo", "iodemo_aio_queue",		EV_QUEUE,	{ "client", "req" } },
	{ "iodemo", "iodemo_aio_complete",	EV_COMPLETE,	{ "client", "req", "ret" } },
	{ "iodemo", "iodemo_uring_queue",	EV_QUEUE,	{ "client", "req" } },
	{ "iodemo", "iodemo_uring_complete",	EV_COMPLETE,	{ "client", "req", "ret" } },
	{ "iodemo", "iodemo_lapped",		EV_LAPPED,	{ "client", "lost" } },
	{ "iodemo", "iodemo_unplug",		EV_UNPLUG,	{ } },
};

#define KINDS	(sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *kind_of(const struct tep_event *event)
{
	const struct kind *kind;
	size_t length;

	for (kind = kinds; kind < kinds + KINDS; kind++) {
		length = strlen(kind->name);
		if (kind->name[length - 1] != '_')
			length++;
		if (!strcmp(event->system, kind->system) &&
		    !strncmp(event->name, kind->name, length))
			return kind;
	}
	return NULL;
}

static __s64 number(struct tep_event *event, struct tep_record *record, const char *name)
{
	struct tep_format_field *field = tep_find_any_field(event, name);
	unsigned long long value;

	if (!field || tep_read_number_field(field, record->data, &value))
		errx(1, "the recording's event %s has no number called %s", event->name, name);
	if (field->flags & TEP_FIELD_IS_SIGNED && field->size == sizeof(__s32))
		return (__s32)value;
	return value;
}

/* The line of another device is no part of the story. */
static bool is_ours(struct tep_event *event, struct tep_record *record)
{
	int length;
	const char *name = tep_get_field_raw(NULL, event, "name", record, &length, 0);

	return name && !strncmp(name, "iodemo", strlen("iodemo"));
}

static char *text_of(struct tep_handle *tep, struct tep_record *record)
{
	struct trace_seq text;
	char *copy;

	trace_seq_init(&text);
	tep_print_event(tep, &text, record, "%s", TEP_PRINT_INFO);
	trace_seq_terminate(&text);
	copy = strdup(text.buffer);
	trace_seq_destroy(&text);
	if (!copy)
		err(1, "an event's text");
	return copy;
}

static int take(struct tracecmd_input *input, struct tep_record *record, int cpu, void *data)
{
	struct recording *recording = data;
	struct tep_handle *tep = tracecmd_get_tep(input);
	struct tep_event *event = tep_find_event_by_record(tep, record);
	const struct kind *kind = event ? kind_of(event) : NULL;
	struct event *to;
	size_t i, prefix;

	if (record->missed_events > 0)
		recording->missed += record->missed_events;
	else if (record->missed_events)
		recording->missed++;	/* how many is not known */
	if (!kind || (kind->type == EV_IRQ_BEGIN && !is_ours(event, record)))
		return 0;

	/* A power of two is full: double it. */
	if (!(recording->count & (recording->count - 1))) {
		recording->events = reallocarray(recording->events, 2 * recording->count + 1,
						 sizeof(*to));
		if (!recording->events)
			err(1, "%zu events", recording->count);
	}
	to = &recording->events[recording->count++];
	*to = (struct event){
		.ns = record->ts,
		.type = kind->type,
		.pid = tep_data_pid(tep, record),
		.cpu = cpu,
		.hardirq = number(event, record, "common_flags") & HARDIRQ,
	};
	prefix = kind->type == EV_CALL || kind->type == EV_RETURN ? strlen(kind->name) : 0;
	to->name = event->name + prefix;
	for (i = 0; i < EVENT_VALUES && kind->fields[i]; i++)
		to->value[i] = number(event, record, kind->fields[i]);
	if (!strcmp(kind->system, "iodemo"))
		to->text = text_of(tep, record);
	return 0;
}

void recording_open(struct recording *recording, const char *path)
{
	*recording = (struct recording){ };
	if (access(path, R_OK))
		err(1, "%s", path);
	tracecmd_set_loglevel(TEP_LOG_NONE);
	recording->input = tracecmd_open(path, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!recording->input)
		errx(1, "%s: no recording of trace-cmd's", path);
	tracecmd_iterate_events(recording->input, NULL, 0, take, recording);
	if (!recording->count)
		errx(1, "%s: there is no event in it that a figure shows", path);
}

void recording_close(struct recording *recording)
{
	size_t i;

	for (i = 0; i < recording->count; i++)
		free(recording->events[i].text);
	free(recording->events);
	tracecmd_close(recording->input);
}
