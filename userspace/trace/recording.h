/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _TRACE_RECORDING_H
#define _TRACE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* What a recording can tell, as far as a figure needs it; what @value holds. */
enum event_type {
	EV_CALL,		/* a system call begins */
	EV_RETURN,		/* and ends: its result */
	EV_SWITCH,		/* @pid leaves the processor: its state, who comes */
	EV_WAKING,		/* by @pid, or in its interrupt: who */
	EV_IRQ_BEGIN,		/* a handler of ours: which line */
	EV_IRQ_END,
	EV_DELIVER,		/* the handler of a signal is to run: which signal */
	EV_INTERRUPT,		/* pulls */
	EV_STORE,		/* seq, len */
	EV_ECHO,		/* seq, len */
	EV_WAKE,		/* woken, more; whom stands in @text */
	EV_READ_BEGIN,		/* client, count, nowait */
	EV_READ_END,		/* client, ret */
	EV_POLL,		/* client, events */
	EV_SIGNAL,		/* client, sig, whom */
	EV_QUEUE,		/* client, req: kernel AIO, or a command of io_uring */
	EV_COMPLETE,		/* client, req, ret */
	EV_LAPPED,		/* client, lost */
	EV_UNPLUG,
};

#define EVENT_VALUES	3

struct event {
	__u64 ns;		/* CLOCK_MONOTONIC */
	enum event_type type;
	int pid;		/* of the task on the processor */
	int cpu;
	bool hardirq;		/* in an interrupt, so the task has no part in it */
	const char *name;	/* the kernel's, of a call without "sys_enter_" */
	__s64 value[EVENT_VALUES];
	char *text;		/* of the device's events, all values; else NULL */
};

struct recording {
	struct event *events;	/* in the order of their time */
	size_t count;
	__u64 missed;		/* that did not fit into the kernel's buffer */
	struct tracecmd_input *input;
};

void recording_open(struct recording *recording, const char *path);
void recording_close(struct recording *recording);

#endif /* _TRACE_RECORDING_H */
