// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a story of a recording: of one task, what it did and where it waited
 * from one record to the next, and what the device did meanwhile
 *
 * All that happened becomes spans (a lane is in a state for a while) and marks
 * (something happens, and may go from one lane to another). Then one record is
 * chosen that took as many calls as most, and the rest is cut away.
 */
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"

const char *const lane_names[LANES] = { "application", "kernel", "device" };

const char *const state_names[STATES] = {
	[RUNS] = "runs its own code",
	[HANDLES] = "runs its signal handler",
	[IN_KERNEL] = "works in a system call",
	[SLEEPS] = "is asleep",
	[READY] = "waits for a processor",
	[COPIES] = "copies the record",
	[PENDING] = "a request is pending",
	[INTERRUPT] = "an interrupt",
};

#define REQUESTS_MAX	1024
#define CPUS_MAX	1024

/* A record's way to the program. */
struct delivery {
	__u64 wait_begin, stored, copy_begin, copy_end, end;
	unsigned int calls;	/* since the one before */
	bool typical;		/* what it waited for was the device alone */
};

/* While the recording is gone through. */
struct teller {
	struct story *story;
	bool by_request;		/* records are to come by them, not by reads */
	struct delivery *deliveries;
	size_t delivery_count;

	/* The task */
	bool off, asleep, woken, handles;
	bool interrupted;		/* our handler has its processor */
	const char *call;		/* in which it is, */
	__u64 call_since;		/* since when */
	enum state state;
	__u64 since;			/* it is in @state */
	__u64 on_since;			/* it has its processor, or is in its call */
	__u64 read_since;		/* it is in the device's read, or 0 */
	__s64 read_count;
	const char *failed;		/* the call that it made last, if in vain */
	__s64 failed_with;
	unsigned int repeats;		/* how often again */
	size_t first_repeat;		/* the mark of the first time */
	__u64 waits_since;		/* for the next record */
	bool open_delivery;		/* the program does not know of the last one yet */

	/* The device */
	__u64 irq_since[CPUS_MAX], stored[CPUS_MAX], last_stored;
	unsigned int records;		/* stored since a delivery began */
	unsigned int calls;		/* and calls made */
	bool asked;			/* by one of them, before the first of the records came */
	struct {
		__s64 id;
		__u64 ns, call;		/* when it was queued, and the call that did it began */
	} requests[REQUESTS_MAX];
	size_t request_count;
};

static void *grow(void *array, size_t count, size_t size)
{
	/* A power of two is full: double it. */
	if (count & (count - 1))
		return array;
	array = reallocarray(array, 2 * count + 1, size);
	if (!array)
		err(1, "%zu of %zu bytes", count, size);
	return array;
}

static void add_span(struct story *story, enum lane lane, enum state state, __u64 begin, __u64 end)
{
	if (end <= begin)
		return;
	story->spans = grow(story->spans, story->span_count, sizeof(*story->spans));
	story->spans[story->span_count++] = (struct span){ lane, state, begin, end };
}

__attribute__((format(printf, 6, 7)))
static struct mark *add_mark(struct story *story, const struct event *event, enum lane at,
			     enum lane from, enum lane to, const char *label, ...)
{
	struct mark *mark;
	va_list values;

	story->marks = grow(story->marks, story->mark_count, sizeof(*mark));
	mark = &story->marks[story->mark_count++];
	*mark = (struct mark){ .ns = event->ns, .at = at, .from = from, .to = to,
			       .event = event->name };
	va_start(values, label);
	vsnprintf(mark->label, sizeof(mark->label), label, values);
	va_end(values);
	return mark;
}

__attribute__((format(printf, 2, 3)))
static void entitle(struct mark *mark, const char *title, ...)
{
	va_list values;

	va_start(values, title);
	vsnprintf(mark->title, sizeof(mark->title), title, values);
	va_end(values);
}

/* The task -------------------------------------------------------------------- */

static enum state state_of(const struct teller *teller)
{
	if (teller->off)
		return teller->asleep ? SLEEPS : READY;
	if (teller->call)
		return IN_KERNEL;
	return teller->handles ? HANDLES : RUNS;
}

static enum lane lane_of(const struct teller *teller)
{
	return teller->call ? KERNEL : PROGRAM;
}

/* Before something changes at @ns: until here it was as it is. */
static void until(struct teller *teller, __u64 ns)
{
	if (!teller->interrupted)
		add_span(teller->story, lane_of(teller), state_of(teller), teller->since, ns);
	teller->since = ns;
}

static void on_interrupted(struct teller *teller, const struct event *event, bool interrupted)
{
	if (event->pid != teller->story->pid)
		return;
	until(teller, event->ns);
	teller->interrupted = interrupted;
}

static void show_repeats(struct teller *teller)
{
	struct mark *mark = &teller->story->marks[teller->first_repeat];

	if (teller->repeats)
		snprintf(mark->label, sizeof(mark->label), "%u more", teller->repeats);
	teller->repeats = 0;
}

static void on_call(struct teller *teller, const struct event *event)
{
	until(teller, event->ns);
	/* It goes back to where the signal came, so its end is not told. */
	if (!strcmp(event->name, "rt_sigreturn")) {
		teller->handles = false;
		entitle(add_mark(teller->story, event, PROGRAM, PROGRAM, PROGRAM, "handler ends"),
			"the signal handler ends, by rt_sigreturn()");
		return;
	}
	teller->calls++;
	teller->call = event->name;
	teller->call_since = event->ns;
	teller->on_since = event->ns;
	entitle(add_mark(teller->story, event, PROGRAM, PROGRAM, KERNEL, "%s()", event->name),
		"the application calls %s()", event->name);
}

/* What programs call the device's delivery: something other than 0 or an error. */
static void end_delivery(struct teller *teller, const struct event *event)
{
	if (teller->open_delivery && event->value[0] > 0)
		teller->deliveries[teller->delivery_count - 1].end = event->ns;
	if (event->value[0] > 0)
		teller->open_delivery = false;
}

static void on_return(struct teller *teller, const struct event *event)
{
	struct story *story = teller->story;
	bool again, vain = event->value[0] < 0;
	struct mark *mark;

	until(teller, event->ns);
	/* A recording can begin in the middle of a call. */
	if (!teller->call)
		return;
	again = vain && teller->failed && !strcmp(teller->failed, event->name) &&
		teller->failed_with == event->value[0] && story->mark_count &&
		!strcmp(story->marks[story->mark_count - 1].event, event->name);
	teller->call = NULL;
	teller->failed = vain ? event->name : NULL;
	teller->failed_with = event->value[0];

	if (again) {
		mark = &story->marks[story->mark_count - 1];
		mark->repeats = true;
		*mark->label = '\0';
		if (!teller->repeats++)
			teller->first_repeat = story->mark_count - 1;
	} else {
		show_repeats(teller);
	}
	if (vain)
		mark = add_mark(story, event, PROGRAM, KERNEL, PROGRAM, "%s",
				strerrorname_np(-event->value[0]) ?: "fails");
	else
		mark = add_mark(story, event, PROGRAM, KERNEL, PROGRAM, "returns %lld",
				event->value[0]);
	entitle(mark, "%s() %s%s%lld", event->name, vain ? "fails with " : "returns ",
		vain ? strerrorname_np(-event->value[0]) ?: "" : "", event->value[0]);
	mark->repeats = again;
	if (again)
		*mark->label = '\0';
	end_delivery(teller, event);
}

static void on_switch(struct teller *teller, const struct event *event)
{
	struct story *story = teller->story;
	bool comes = event->value[1] == story->pid;

	if (!comes && event->pid != story->pid)
		return;
	until(teller, event->ns);
	teller->off = !comes;
	if (comes) {
		teller->on_since = event->ns;
		if (teller->woken)
			entitle(add_mark(story, event, KERNEL, KERNEL, KERNEL, "runs again"),
				"the task has a processor again");
		teller->woken = false;
		return;
	}
	/* The lowest bits say for what it waits; none: somebody else has its turn. */
	teller->asleep = event->value[0] & 0x7f;
	if (teller->asleep)
		entitle(add_mark(story, event, KERNEL, KERNEL, KERNEL, "sleeps"),
			"the task gives its processor up until it is woken");
}

static void on_waking(struct teller *teller, const struct event *event)
{
	struct mark *mark;

	if (event->value[0] != teller->story->pid || !teller->asleep)
		return;
	until(teller, event->ns);
	teller->asleep = false;
	teller->woken = true;
	mark = add_mark(teller->story, event, KERNEL, event->hardirq ? DEVICE : KERNEL, KERNEL,
			"woken");
	entitle(mark, "the task is woken%s", event->hardirq ? " by the interrupt" : "");
}

static void on_deliver(struct teller *teller, const struct event *event)
{
	until(teller, event->ns);
	teller->handles = true;
	entitle(add_mark(teller->story, event, PROGRAM, KERNEL, PROGRAM, "signal handler"),
		"the task is sent into its handler of signal %lld", event->value[0]);
}

/* Records on their way --------------------------------------------------------- */

/*
 * The first that was read is not typical, as the program had yet to begin; nor is,
 * on a busy machine, one that others came with, or that came before it was asked for;
 * nor, of requests that were queued together, are those that waited for the first one.
 */
static bool is_typical(const struct teller *teller, __u64 wait, __u64 stored, __u64 end)
{
	if (stored <= wait || stored > end || teller->records != 1)
		return false;
	if (!teller->delivery_count)
		return teller->by_request;
	if (!teller->by_request && !teller->asked)
		return false;
	return wait >= teller->deliveries[teller->delivery_count - 1].copy_begin;
}

static void deliver(struct teller *teller, bool by_request, __u64 wait, __u64 stored, __u64 begin,
		    __u64 end)
{
	bool typical = by_request == teller->by_request && is_typical(teller, wait, stored, end);

	teller->deliveries = grow(teller->deliveries, teller->delivery_count,
				  sizeof(*teller->deliveries));
	teller->deliveries[teller->delivery_count++] = (struct delivery){
		.wait_begin = wait,
		.stored = stored,
		.copy_begin = begin,
		.copy_end = end,
		.end = end,
		.calls = teller->calls,
		.typical = typical,
	};
	teller->open_delivery = true;
	teller->records = 0;
	teller->calls = 0;
}

static void on_read_end(struct teller *teller, const struct event *event)
{
	struct story *story = teller->story;
	__s64 got = event->value[1];
	__u64 begin = teller->read_since > teller->on_since ? teller->read_since : teller->on_since;
	struct mark *mark;

	if (got <= 0 || !teller->read_since)
		return;
	/* Whoever has slept copies when it has its processor again. */
	until(teller, begin > teller->since ? begin : teller->since);
	until(teller, event->ns);
	story->spans[story->span_count - 1].state = COPIES;
	mark = add_mark(story, event, KERNEL, KERNEL, PROGRAM, "copies %lld bytes", got);
	mark->data = true;
	entitle(mark, "the task has copied %lld bytes to the application itself", got);
	deliver(teller, false, teller->waits_since, teller->last_stored, begin, event->ns);
	teller->waits_since = event->ns;
	teller->read_since = 0;
}

static void on_queue(struct teller *teller, const struct event *event)
{
	if (teller->request_count == REQUESTS_MAX)
		return;
	teller->requests[teller->request_count].id = event->value[1];
	teller->requests[teller->request_count].ns = event->ns;
	teller->requests[teller->request_count++].call = teller->call_since;
	entitle(add_mark(teller->story, event, KERNEL, KERNEL, KERNEL, "request queued"),
		"the kernel keeps the request, and the application goes on");
}

static void on_complete(struct teller *teller, const struct event *event)
{
	__u64 stored = event->hardirq ? teller->stored[event->cpu % CPUS_MAX] : 0;
	struct mark *mark;
	size_t i;

	for (i = 0; i < teller->request_count; i++)
		if (teller->requests[i].id == event->value[1])
			break;
	if (i == teller->request_count)
		return;
	add_span(teller->story, KERNEL, PENDING, teller->requests[i].ns, event->ns);
	mark = add_mark(teller->story, event, KERNEL, KERNEL, PROGRAM, "copied, complete");
	entitle(mark, "the %s has copied the record to the application, and completes the request",
		event->hardirq ? "interrupt" : "kernel");
	mark->data = event->value[2] > 0;
	if (event->value[2] > 0) {
		if (!stored)
			stored = teller->last_stored;
		add_span(teller->story, KERNEL, COPIES, stored, event->ns);
		deliver(teller, true, teller->requests[i].call, stored, stored, event->ns);
	}
	teller->requests[i] = teller->requests[--teller->request_count];
}

/* The device --------------------------------------------------------------------- */

/* "readers", of "dev=0 whom=readers woken=1 more=0" */
static const char *whom(const struct event *event)
{
	static char kinds[24];

	return sscanf(event->text, "%*s whom=%23s", kinds) == 1 ? kinds : "some";
}

static void on_device(struct teller *teller, const struct event *event)
{
	struct story *story = teller->story;
	size_t cpu = event->cpu % CPUS_MAX;
	struct mark *mark;

	switch (event->type) {
	case EV_IRQ_BEGIN:
		on_interrupted(teller, event, true);
		teller->irq_since[cpu] = event->ns;
		break;
	case EV_IRQ_END:
		on_interrupted(teller, event, false);
		if (teller->irq_since[cpu])
			add_span(story, DEVICE, INTERRUPT, teller->irq_since[cpu], event->ns);
		teller->irq_since[cpu] = 0;
		break;
	case EV_INTERRUPT:
		entitle(add_mark(story, event, DEVICE, DEVICE, DEVICE, "interrupt"),
			"the device's interrupt, on processor %d", event->cpu);
		break;
	case EV_STORE:
		teller->last_stored = event->ns;
		teller->stored[cpu] = event->ns;
		if (!teller->records++)
			teller->asked = teller->calls;
		entitle(add_mark(story, event, DEVICE, DEVICE, DEVICE, "record %lld",
				 event->value[0]),
			"record %lld is in the ring", event->value[0]);
		break;
	case EV_ECHO:
		entitle(add_mark(story, event, DEVICE, DEVICE, DEVICE, "echo"),
			"what was written comes back as record %lld", event->value[0]);
		break;
	case EV_WAKE:
		mark = add_mark(story, event, DEVICE, DEVICE, DEVICE, "tells %s", whom(event));
		entitle(mark, "those who wait are told: %s", event->text);
		/* These have an event of their own. */
		if (!strcmp(whom(event), "signals") || !strcmp(whom(event), "aio"))
			*mark->label = '\0';
		break;
	case EV_SIGNAL:
		entitle(add_mark(story, event, DEVICE, DEVICE, PROGRAM, "sends a signal"),
			"signal %lld for process %lld", event->value[1], event->value[2]);
		break;
	case EV_LAPPED:
		entitle(add_mark(story, event, KERNEL, KERNEL, KERNEL, "lapped, %lld lost",
				 event->value[1]),
			"%lld records were overwritten before they were read", event->value[1]);
		break;
	case EV_UNPLUG:
		entitle(add_mark(story, event, DEVICE, DEVICE, DEVICE, "unplugged"),
			"the device is gone");
		break;
	default:
		break;
	}
}

static void on_task(struct teller *teller, const struct event *event)
{
	switch (event->type) {
	case EV_CALL:
		on_call(teller, event);
		break;
	case EV_RETURN:
		on_return(teller, event);
		break;
	case EV_DELIVER:
		on_deliver(teller, event);
		break;
	case EV_READ_BEGIN:
		teller->read_since = event->ns;
		break;
	case EV_READ_END:
		on_read_end(teller, event);
		break;
	case EV_POLL:
		entitle(add_mark(teller->story, event, KERNEL, KERNEL, KERNEL, "%s",
				 event->value[1] ? "readable" : "nothing yet"),
			"poll finds %#llx", event->value[1]);
		break;
	case EV_QUEUE:
		on_queue(teller, event);
		break;
	default:
		break;
	}
}

/* Who uses the device first is the story's task, and whether it has requests its way. */
static void find_reader(struct teller *teller, const struct recording *recording)
{
	const struct event *event;

	for (event = recording->events; event < recording->events + recording->count; event++) {
		if (event->hardirq)
			continue;
		if (!teller->story->pid && (event->type == EV_READ_BEGIN ||
					    event->type == EV_POLL || event->type == EV_QUEUE))
			teller->story->pid = event->pid;
		if (event->type == EV_QUEUE && event->pid == teller->story->pid)
			teller->by_request = true;
	}
	if (!teller->story->pid)
		errx(1, "nobody reads from the device in this recording");
}

static void go_through(struct teller *teller, const struct recording *recording)
{
	const struct event *event;

	teller->story->begin = recording->events->ns;
	teller->since = teller->story->begin;
	teller->waits_since = teller->story->begin;
	for (event = recording->events; event < recording->events + recording->count; event++) {
		if (event->type == EV_SWITCH)
			on_switch(teller, event);
		else if (event->type == EV_WAKING)
			on_waking(teller, event);
		else if (event->type == EV_COMPLETE)
			on_complete(teller, event);
		else if (event->pid == teller->story->pid && !event->hardirq)
			on_task(teller, event);
		on_device(teller, event);
	}
	show_repeats(teller);
}

/* One record ----------------------------------------------------------------------- */

static int by_effort(const void *a, const void *b)
{
	const struct delivery *x = a, *y = b;
	__u64 first = x->end - x->wait_begin, second = y->end - y->wait_begin;

	if (x->calls != y->calls)
		return (x->calls > y->calls) - (x->calls < y->calls);
	return (first > second) - (first < second);
}

/* One that took as many calls as most, and then as long. */
static void choose(struct story *story, struct teller *teller)
{
	struct delivery *chosen = teller->deliveries;
	size_t i, count = 0;
	__u64 length;

	for (i = 0; i < teller->delivery_count; i++)
		if (teller->deliveries[i].typical)
			chosen[count++] = teller->deliveries[i];
	if (!count)
		errx(1, "in this recording nobody waits for a record until it comes: %s; %s",
		     teller->delivery_count ? "all were there already, or came together" :
					      "none came",
		     "record more of them, or with a longer period");
	if (count > 1)		/* After the last, the program ends. */
		count--;
	qsort(chosen, count, sizeof(*chosen), by_effort);
	chosen += (count - 1) / 2;
	story->wait_begin = chosen->wait_begin;
	story->stored = chosen->stored;
	story->copy_begin = chosen->copy_begin;
	story->copy_end = chosen->copy_end;
	length = chosen->end - chosen->wait_begin;
	story->begin = chosen->wait_begin - length / 20;
	story->end = chosen->end + length / 8;
}

static void cut(struct story *story)
{
	size_t i, kept = 0;

	for (i = 0; i < story->span_count; i++) {
		struct span *span = &story->spans[i];

		if (span->end <= story->begin || span->begin >= story->end)
			continue;
		if (span->begin < story->begin)
			span->begin = story->begin;
		if (span->end > story->end)
			span->end = story->end;
		if (span->state != PENDING && span->state != INTERRUPT)
			story->time[span->state] += span->end - span->begin;
		story->spans[kept++] = *span;
	}
	story->span_count = kept;

	for (i = 0, kept = 0; i < story->mark_count; i++) {
		struct mark *mark = &story->marks[i];

		if (mark->ns < story->begin || mark->ns > story->end)
			continue;
		if (mark->from == PROGRAM && mark->to == KERNEL)
			story->calls++;
		if (mark->from == KERNEL && mark->to == PROGRAM && strstr(mark->title, "EAGAIN"))
			story->eagains++;
		story->marks[kept++] = *mark;
	}
	story->mark_count = kept;
}

/* Requests that are queued one after the other are one label, and how many more. */
static void merge_queued(struct story *story)
{
	struct mark *first = NULL, *second = NULL, *mark;
	unsigned int more = 0;

	for (mark = story->marks; mark < story->marks + story->mark_count; mark++) {
		if (mark->at != KERNEL || !*mark->label)
			continue;
		if (!first || strcmp(mark->label, first->label) || !strstr(mark->event, "_queue")) {
			first = mark;
			more = 0;
			continue;
		}
		second = more++ ? second : mark;
		*mark->label = '\0';
		snprintf(second->label, sizeof(second->label), "%u more", more);
	}
}

/**
 * story_tell() - the story of one record that a recording has
 * @story: where to; story_free() frees what it holds
 * @recording: of what happened, which stays open as long as @story is used
 * @name: of what it is a picture
 *
 * Ends the program, and says why, where there is none.
 */
void story_tell(struct story *story, const struct recording *recording, const char *name)
{
	static struct teller teller;

	*story = (struct story){ };
	snprintf(story->name, sizeof(story->name), "%s", name);
	teller = (struct teller){ .story = story };
	find_reader(&teller, recording);
	go_through(&teller, recording);
	choose(story, &teller);
	cut(story);
	merge_queued(story);
	free(teller.deliveries);
}

void story_free(struct story *story)
{
	free(story->spans);
	free(story->marks);
}

/* Where the time went, in a sentence or two. */
void story_sum_up(const struct story *story, char *text, size_t size)
{
	double all = (story->end - story->begin) / 100.0;

	snprintf(text, size,
		 "Of %.0f µs the task was asleep for %.0f %%, in its own code for %.0f %%, "
		 "and in system calls for %.0f %%. %u system call%s, %u of them in vain (EAGAIN).",
		 (story->end - story->begin) / 1000.0, story->time[SLEEPS] / all,
		 (story->time[RUNS] + story->time[HANDLES]) / all,
		 (story->time[IN_KERNEL] + story->time[COPIES]) / all,
		 story->calls, story->calls == 1 ? "" : "s", story->eagains);
}
