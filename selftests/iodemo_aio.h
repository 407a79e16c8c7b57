/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of kernel AIO share
 */
#ifndef IODEMO_AIO_H
#define IODEMO_AIO_H

#include <libaio.h>

#include "iodemo_test.h"

#define CAPACITY	128
#define REQUESTS	16

/* io_submit() of one request: 1 or -errno */
long submit(io_context_t context, struct iocb *iocb);
long submit_read(io_context_t context, struct iocb *iocb, int fd, void *buf, long size);
long submit_write(io_context_t context, struct iocb *iocb, int fd, void *buf, long size);
long submit_poll(io_context_t context, struct iocb *iocb, int fd, int events);
long cancel(io_context_t context, struct iocb *iocb);

/* Wait for a completion: what it gave, and of which request it is. */
long wait_for(io_context_t context, struct iocb **which);
/* The same, if it is there now; else -ENODATA */
long complete_now(io_context_t context, struct iocb **which);
/* How many are there, all of which it takes */
long count_events(io_context_t context);

/* Records to write, of which each has its number as its data: "no 0" and so on */
struct iodemo_record *named_records(int count);
/*
 * Fire the device until all is sent: @first records that filled the queue, and
 * then @count named ones. "" if they came back so.
 */
const char *named_echoes_fault(int fd, int first, int count);

/*
 * A fresh module, a file, a context and places for requests. io_destroy()
 * returns when all requests are ended, so the module is free then.
 */
#define IODEMO_FIXTURE_AIO(name)						\
	FIXTURE(name) {								\
		int fd;								\
		io_context_t context;						\
		struct iocb iocbs[REQUESTS];					\
		struct iodemo_record records[REQUESTS];				\
	};									\
	IODEMO_VARIANTS_THREADED(name);						\
	FIXTURE_SETUP(name)							\
	{									\
		ASSERT_EQ(0, load("capacity=%d threaded=%d", CAPACITY, variant->threaded)); \
		self->fd = open_raw(0, O_RDWR);					\
		ASSERT_LE(0, self->fd);						\
		ASSERT_EQ(0, io_setup(REQUESTS, &self->context));		\
	}									\
	FIXTURE_TEARDOWN(name)							\
	{									\
		if (self->context)						\
			io_destroy(self->context);				\
		close_all();							\
		EXPECT_EQ(0, unload());						\
	}

#define ASSERT_SUBMIT_READ(i, count)						\
	ASSERT_EQ(1, submit_read(self->context, &self->iocbs[i], self->fd,	\
				 &self->records[i], (count) * RECORD))

#define ASSERT_SUBMIT_WRITE(i, buf, count)					\
	ASSERT_EQ(1, submit_write(self->context, &self->iocbs[i], self->fd,	\
				  buf, (count) * RECORD))

/* The next completion is there, is of request @i and gives @res. */
#define EXPECT_COMPLETE(i, res)							\
	do {									\
		struct iocb *which_;						\
		long res_ = complete_now(self->context, &which_);		\
										\
		EXPECT_EQ(res, res_);						\
		EXPECT_EQ(i, which_ - self->iocbs);				\
	} while (0)

/* The same, but it comes soon: after a cancel, a close, the end of the device. */
#define EXPECT_COMPLETES(i, res)						\
	do {									\
		struct iocb *which_;						\
		long res_ = wait_for(self->context, &which_);			\
										\
		EXPECT_EQ(res, res_);						\
		EXPECT_EQ(i, which_ - self->iocbs);				\
	} while (0)

/* The device completes what it can before io_submit() or TRIGGER returns. */
#define EXPECT_NOTHING_COMPLETE()						\
	EXPECT_EQ(0, count_events(self->context))

#endif /* IODEMO_AIO_H */
