/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client: one open file, with its own place in the stream
 */
#ifndef _IODEMO_CLIENT_H
#define _IODEMO_CLIENT_H

#include <linux/fs.h>
#include <linux/poll.h>

#include "device.h"

struct iodemo_signals;

#define IODEMO_LINE_MAX		256

/* A record as text: @len bytes, the newline included, and @off of them were read. */
struct iodemo_line {
	u64 seq;
	u16 off;
	u16 len;
	char text[IODEMO_LINE_MAX];
};

/* What is out of the ordinary with a client; of none of it, poll() is quicker. */
#define IODEMO_CLIENT_HALF_READ		BIT(0)	/* a line was begun and not finished */
#define IODEMO_CLIENT_LOST		BIT(1)	/* lost records that the user wasn't told of */
#define IODEMO_CLIENT_WRITE_ONLY	BIT(2)	/* nothing to read, ever */
#define IODEMO_CLIENT_MASKED		BIT(3)	/* not all types of records are wanted */

/*
 * What only a masked client has. Who reads or looks quickly finds that it isn't
 * raw, or that there is not enough, and looks further: masks cost others nothing.
 */
#define IODEMO_FORMAT_RAW_MASKED	(IODEMO_FORMAT_RAW + 1)
#define IODEMO_LOW_WATER_NEVER		U32_MAX

/**
 * struct iodemo_client - one open file; threads that share the file share it
 * @ref: held by the file, and by each request that is pending
 * @id: the number that the device has given it, for fdinfo and the trace
 * @dev: what it reads
 * @mode: the file's FMODE_READ and FMODE_WRITE
 * @in_charge: who opened it may change the device for all
 * @page: the cursor: seq of the next record to read. Moved by cmpxchg: who does so
 *	owns the records before it. The user may map it and do that, or anything else.
 * @opened_at: the cursor at open
 * @config: what SET_CLIENT has set; changed under @lock, and so are the next four
 * @format: IODEMO_FORMAT_*, or IODEMO_FORMAT_RAW_MASKED
 * @unit: the least that a read or a write can be of, in bytes
 * @low_water: records that must wait before anybody is woken, or IODEMO_LOW_WATER_NEVER
 * @flags: IODEMO_CLIENT_*
 * @lock: of the next three, @rest, @requests and @pending; in hard interrupt context
 * @lost: wanted records that were overwritten before they were read
 * @skipped: records that were not wanted, which the cursor has passed
 * @unwanted: how many of such there are in the stream before the cursor; true after
 *	it was moved past some, and as long as only what is wanted is read
 * @times_told: how often the user has asked for that
 * @rest: the line that is half read, if IODEMO_CLIENT_HALF_READ
 * @requests: of kernel AIO; aio.c's
 * @pending: these and io_uring's commands; IODEMO_PENDING_MAX at most
 * @reserved_by: the descriptor table of the process that has reserved the device
 * @readers: who waits to take: sleeping readers, exclusive, and requests; in turn
 * @pollers: who waits to be told: select(), poll(), epoll, commands, signals; to
 *	read or to write; one queue, since kernel AIO's poll can't wait on two
 * @signals: fasync.c's
 * @reading: its place among those that read the device
 * @listening: tells them, when the device tells us
 * @round: of the device's, in which they were told last; under its listeners' lock
 */
struct iodemo_client {
	struct kref ref;
	u32 id;
	struct iodemo_device *dev;
	fmode_t mode;
	bool in_charge;
	struct iodemo_cursor_page *page;
	u64 opened_at;
	struct iodemo_client_config config;
	u32 format;
	u32 unit;
	u32 low_water;
	u32 flags;

	spinlock_t lock;	/* hard irq */
	u64 lost;
	u64 skipped;
	u64 unwanted;
	unsigned int times_told;
	struct iodemo_line rest;
	struct list_head requests;
	unsigned int pending;
	fl_owner_t reserved_by;

	wait_queue_head_t readers;
	struct iodemo_queue pollers;
	struct iodemo_signals *signals;
	struct iodemo_reading reading;
	struct wait_queue_entry listening;
	u64 round;
};

struct iodemo_client *iodemo_client_open(struct iodemo_device *dev, fmode_t mode,
					 bool in_charge);
void iodemo_client_close(struct iodemo_client *client);
void iodemo_client_put(struct iodemo_client *client);
int iodemo_client_may_fire(const struct iodemo_client *client);
int iodemo_client_may_change(const struct iodemo_client *client);
void iodemo_client_configure(struct iodemo_client *client,
			     const struct iodemo_client_config *config);
bool iodemo_client_take_place(struct iodemo_client *client);
void iodemo_client_leave_place(struct iodemo_client *client);
void iodemo_client_listen_locked(struct iodemo_client *client);
void iodemo_client_listen(struct iodemo_client *client);
void iodemo_client_wake(struct iodemo_client *client);
void iodemo_client_serve_readers(struct iodemo_client *client);

/* Who leaves records to others who wait for them passes the wake-up on. May sleep. */
static inline void iodemo_client_pass_on(struct iodemo_client *client)
{
	if (unlikely(wq_has_sleeper(&client->readers)))
		iodemo_client_serve_readers(client);
}

#endif /* _IODEMO_CLIENT_H */
