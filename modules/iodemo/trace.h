/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be seen to happen: the event group iodemo, for trace-cmd, perf, bpftrace
 *
 * Names and fields are stable: some may be added, none goes or changes. In all of
 * them dev is the device's index (0 is /dev/iodemo), and client an open file, by the
 * number in its fdinfo, which each device gives from 1 on. An event that is off
 * costs a nop: what it is given is taken apart only when it is on.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iodemo

#if !defined(_IODEMO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _IODEMO_TRACE_H

#include <linux/poll.h>
#include <linux/tracepoint.h>
#include <uapi/iodemo.h>

#include "wake.h"

struct iodemo_client;
struct iodemo_device;

#define show_type(type) __print_symbolic(type, { IODEMO_TYPE_SAMPLE, "sample" },	\
		{ IODEMO_TYPE_ECHO, "echo" }, { IODEMO_TYPE_RECEIVED, "received" })
#define show_poll(events)							\
	__print_flags(events, "|", { POLLIN, "IN" }, { POLLPRI, "PRI" },	\
		      { POLLOUT, "OUT" }, { POLLERR, "ERR" }, { POLLHUP, "HUP" },	\
		      { POLLRDNORM, "RDNORM" }, { POLLRDBAND, "RDBAND" },	\
		      { POLLWRNORM, "WRNORM" }, { POLLWRBAND, "WRBAND" })
#define assign_client(client)							\
	(__entry->dev = (client)->dev->info.index, __entry->client = (client)->id)

/*
 * The handler runs. pulls: of the wire, that it serves; timestamp: of the records
 * that it is about to store, nanoseconds of CLOCK_MONOTONIC
 */
TRACE_EVENT(iodemo_interrupt,
	TP_PROTO(const struct iodemo_device *dev, unsigned int pulls, u64 timestamp),
	TP_ARGS(dev, pulls, timestamp),
	TP_STRUCT__entry(__field(u32, dev) __field(u32, pulls) __field(u64, timestamp)),
	TP_fast_assign(__entry->dev = dev->info.index; __entry->pulls = pulls;
		       __entry->timestamp = timestamp;),
	TP_printk("dev=%u pulls=%u timestamp=%llu", __entry->dev, __entry->pulls,
		  __entry->timestamp)
);

/*
 * A record is in the ring. seq: its place in the stream; type: IODEMO_TYPE_*; len:
 * bytes of data, 0..40. One that was written, and came back, is an echo besides.
 */
DECLARE_EVENT_CLASS(iodemo_record,
	TP_PROTO(const struct iodemo_device *dev, const struct iodemo_record *record),
	TP_ARGS(dev, record),
	TP_STRUCT__entry(__field(u32, dev) __field(u64, seq) __field(u16, type) __field(u16, len)),
	TP_fast_assign(__entry->dev = dev->info.index; __entry->seq = record->seq;
		       __entry->type = record->type; __entry->len = record->len;),
	TP_printk("dev=%u seq=%llu type=%s len=%u", __entry->dev, __entry->seq,
		  show_type(__entry->type), __entry->len)
);
DEFINE_EVENT(iodemo_record, iodemo_store,
	TP_PROTO(const struct iodemo_device *dev, const struct iodemo_record *record),
	TP_ARGS(dev, record));
DEFINE_EVENT_CONDITION(iodemo_record, iodemo_echo,
	TP_PROTO(const struct iodemo_device *dev, const struct iodemo_record *record),
	TP_ARGS(dev, record), TP_CONDITION(record->type == IODEMO_TYPE_ECHO));

/*
 * Some who wait were told. whom: IODEMO_WHOM_*; woken: sleepers, pollers and
 * commands among them; more: others are still to be told, by the bottom half mostly
 */
TRACE_EVENT_CONDITION(iodemo_wake,
	TP_PROTO(const struct iodemo_device *dev, const struct iodemo_wake *wake),
	TP_ARGS(dev, wake), TP_CONDITION(wake->whom || wake->more),
	TP_STRUCT__entry(__field(u32, dev) __field(u32, whom) __field(u32, woken)
			 __field(bool, more)),
	TP_fast_assign(__entry->dev = dev->info.index; __entry->whom = wake->whom;
		       __entry->woken = wake->woken; __entry->more = wake->more;),
	TP_printk("dev=%u whom=%s woken=%u more=%d", __entry->dev,
		  __print_flags(__entry->whom, "|", { IODEMO_WHOM_POLLERS, "pollers" },
				{ IODEMO_WHOM_READERS, "readers" },
				{ IODEMO_WHOM_WRITERS, "writers" },
				{ IODEMO_WHOM_SIGNALS, "signals" },
				{ IODEMO_WHOM_AIO, "aio" }, { IODEMO_WHOM_URING, "uring" }),
		  __entry->woken, __entry->more)
);

/*
 * A call that reads begins: read() and its kin, splice(), io_uring's attempt at a
 * read, io_submit()'s where nobody is before it. count: bytes; nowait: it won't sleep
 */
TRACE_EVENT(iodemo_read_begin,
	TP_PROTO(const struct iodemo_client *client, size_t count, bool nowait),
	TP_ARGS(client, count, nowait),
	TP_STRUCT__entry(__field(u32, dev) __field(u32, client) __field(u64, count)
			 __field(bool, nowait)),
	TP_fast_assign(assign_client(client); __entry->count = count; __entry->nowait = nowait;),
	TP_printk("dev=%u client=%u count=%llu nowait=%d", __entry->dev, __entry->client,
		  __entry->count, __entry->nowait)
);

/* And ends, if these were on when it began. ret: bytes, or -errno (-512: a signal) */
TRACE_EVENT(iodemo_read_end,
	TP_PROTO(const struct iodemo_client *client, ssize_t ret), TP_ARGS(client, ret),
	TP_STRUCT__entry(__field(u32, dev) __field(u32, client) __field(s64, ret)),
	TP_fast_assign(assign_client(client); __entry->ret = ret;),
	TP_printk("dev=%u client=%u ret=%lld", __entry->dev, __entry->client, __entry->ret)
);

/* select(), poll(), epoll or io_uring asks. events: the answer, POLL* */
TRACE_EVENT(iodemo_poll,
	TP_PROTO(const struct iodemo_client *client, __poll_t events), TP_ARGS(client, events),
	TP_STRUCT__entry(__field(u32, dev) __field(u32, client) __field(u32, events)),
	TP_fast_assign(assign_client(client); __entry->events = (__force u32)events;),
	TP_printk("dev=%u client=%u events=%s", __entry->dev, __entry->client,
		  show_poll(__entry->events))
);

/*
 * A signal goes out. sig: 0 is SIGIO, without siginfo; band: siginfo's si_band, POLL*;
 * whom: as from F_GETOWN, a process or thread, a group if negative, nobody if 0
 */
TRACE_EVENT(iodemo_signal,
	TP_PROTO(const struct iodemo_client *client, int sig, __poll_t band, pid_t whom),
	TP_ARGS(client, sig, band, whom),
	TP_STRUCT__entry(__field(u32, dev) __field(u32, client) __field(int, sig)
			 __field(u32, band) __field(pid_t, whom)),
	TP_fast_assign(assign_client(client); __entry->sig = sig;
		       __entry->band = (__force u32)band; __entry->whom = whom;),
	TP_printk("dev=%u client=%u sig=%d band=%s whom=%d", __entry->dev, __entry->client,
		  __entry->sig, show_poll(__entry->band), __entry->whom)
);

/*
 * Kernel AIO: io_submit() leaves a request pending, and it completes. req: the same
 * in both; count: bytes; ret: bytes, or -errno
 */
TRACE_EVENT(iodemo_aio_queue,
	TP_PROTO(const struct iodemo_client *client, const void *req, size_t count),
	TP_ARGS(client, req, count),
	TP_STRUCT__entry(__field(u32, dev) __field(u32, client) __field(u64, req)
			 __field(u64, count)),
	TP_fast_assign(assign_client(client); __entry->req = (uintptr_t)req;
		       __entry->count = count;),
	TP_printk("dev=%u client=%u req=%llx count=%llu", __entry->dev, __entry->client,
		  __entry->req, __entry->count)
);
DECLARE_EVENT_CLASS(iodemo_complete,
	TP_PROTO(const struct iodemo_client *client, const void *req, ssize_t ret),
	TP_ARGS(client, req, ret),
	TP_STRUCT__entry(__field(u32, dev) __field(u32, client) __field(u64, req)
			 __field(s64, ret)),
	TP_fast_assign(assign_client(client); __entry->req = (uintptr_t)req; __entry->ret = ret;),
	TP_printk("dev=%u client=%u req=%llx ret=%lld", __entry->dev, __entry->client,
		  __entry->req, __entry->ret)
);
DEFINE_EVENT(iodemo_complete, iodemo_aio_complete,
	TP_PROTO(const struct iodemo_client *client, const void *req, ssize_t ret),
	TP_ARGS(client, req, ret));

/*
 * A command of io_uring waits; and any completes, in its submitter's task. req: the
 * same in both; ret: what it completes with
 */
TRACE_EVENT(iodemo_uring_queue,
	TP_PROTO(const struct iodemo_client *client, const void *req), TP_ARGS(client, req),
	TP_STRUCT__entry(__field(u32, dev) __field(u32, client) __field(u64, req)),
	TP_fast_assign(assign_client(client); __entry->req = (uintptr_t)req;),
	TP_printk("dev=%u client=%u req=%llx", __entry->dev, __entry->client, __entry->req)
);
DEFINE_EVENT(iodemo_complete, iodemo_uring_complete,
	TP_PROTO(const struct iodemo_client *client, const void *req, ssize_t ret),
	TP_ARGS(client, req, ret));

/* Was lapped. lost: records that were overwritten unread; cursor: where it goes on */
TRACE_EVENT(iodemo_lapped,
	TP_PROTO(const struct iodemo_client *client, u64 lost, u64 cursor),
	TP_ARGS(client, lost, cursor),
	TP_STRUCT__entry(__field(u32, dev) __field(u32, client) __field(u64, lost)
			 __field(u64, cursor)),
	TP_fast_assign(assign_client(client); __entry->lost = lost; __entry->cursor = cursor;),
	TP_printk("dev=%u client=%u lost=%llu cursor=%llu", __entry->dev, __entry->client,
		  __entry->lost, __entry->cursor)
);

/* The device is gone; whoever waits is told next. */
TRACE_EVENT(iodemo_unplug,
	TP_PROTO(const struct iodemo_device *dev), TP_ARGS(dev),
	TP_STRUCT__entry(__field(u32, dev)), TP_fast_assign(__entry->dev = dev->info.index;),
	TP_printk("dev=%u", __entry->dev)
);

#endif /* _IODEMO_TRACE_H */

/* Beside us, wherever that is: Kbuild has it in trace.c's path */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
