// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of kernel AIO share; see iodemo_aio.h.
 */
#include "iodemo_aio.h"

long submit(io_context_t context, struct iocb *iocb)
{
	return io_submit(context, 1, &iocb);
}

long submit_read(io_context_t context, struct iocb *iocb, int fd, void *buf, long size)
{
	io_prep_pread(iocb, fd, buf, size, 0);
	return submit(context, iocb);
}

long submit_write(io_context_t context, struct iocb *iocb, int fd, void *buf, long size)
{
	io_prep_pwrite(iocb, fd, buf, size, 0);
	return submit(context, iocb);
}

long submit_poll(io_context_t context, struct iocb *iocb, int fd, int events)
{
	io_prep_poll(iocb, fd, events);
	return submit(context, iocb);
}

long cancel(io_context_t context, struct iocb *iocb)
{
	struct io_event event;

	return io_cancel(context, iocb, &event);
}

static long next_event(io_context_t context, struct iocb **which, struct timespec *timeout)
{
	struct io_event event;
	int ret = io_getevents(context, !timeout, 1, &event, timeout);

	*which = NULL;
	if (ret != 1)
		return ret ? ret : -ENODATA;
	*which = event.obj;
	return (long)event.res;
}

long wait_for(io_context_t context, struct iocb **which)
{
	return next_event(context, which, NULL);
}

long complete_now(io_context_t context, struct iocb **which)
{
	struct timespec none = { 0 };

	return next_event(context, which, &none);
}

long count_events(io_context_t context)
{
	struct timespec none = { 0 };
	struct io_event events[REQUESTS];
	long count = 0;
	int ret;

	while ((ret = io_getevents(context, 0, REQUESTS, events, &none)) > 0)
		count += ret;
	return ret ? ret : count;
}

struct iodemo_record *named_records(int count)
{
	struct iodemo_record *records = calloc(count, RECORD);
	char name[16];
	int i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "no %d", i);
		records[i] = raw_record(name);
	}
	return records;
}

const char *named_echoes_fault(int fd, int first, int count)
{
	struct iodemo_record record;
	char name[16];
	int i = 0;

	while (STAT(fd, echoes) < first + count)
		trigger(fd, 1);
	while (i < first + count) {
		char data[IODEMO_DATA_SIZE + 1] = "";

		if (read_nowait(fd, &record, RECORD) != RECORD)
			return "an echo is missing";
		if (record.type != IODEMO_TYPE_ECHO)
			continue;
		memcpy(data, record.data, record.len);
		if (i < first)
			snprintf(name, sizeof(name), "full");
		else
			snprintf(name, sizeof(name), "no %d", i - first);
		if (strcmp(data, name))
			return "an echo is not what was written";
		i++;
	}
	return "";
}
