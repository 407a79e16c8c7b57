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
 * @format: IODEMO_FORMAT_*; changed under @lock
 * @low_water: records that must wait before anybody is woken; under @lock
 * @flags: IODEMO_CLIENT_*; changed under @lock
 * @lock: of @lost, @rest, @requests and @pending; taken in hard interrupt context
 * @lost: records overwritten before they were read
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
	u32 format;
	u32 low_water;
	u32 flags;

	spinlock_t lock;	/* hard irq */
	u64 lost;
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
__poll_t iodemo_client_rare_events(const struct iodemo_client *client);
u64 iodemo_client_skip_lost(struct iodemo_client *client);
void iodemo_client_keep_rest(struct iodemo_client *client, const struct iodemo_line *line);
void iodemo_client_drop_rest(struct iodemo_client *client);
bool iodemo_client_peek(const struct iodemo_client *client, u64 *seq, u64 *timestamp);
int iodemo_client_may_fire(const struct iodemo_client *client);
int iodemo_client_may_change(const struct iodemo_client *client);
void iodemo_client_count(struct iodemo_client *client, struct iodemo_stats *stats);
void iodemo_client_tell_lost(struct iodemo_client *client, u64 lost);
void iodemo_client_configure(struct iodemo_client *client,
			     const struct iodemo_client_config *config);
bool iodemo_client_take_place(struct iodemo_client *client);
void iodemo_client_leave_place(struct iodemo_client *client);
void iodemo_client_listen_locked(struct iodemo_client *client);
void iodemo_client_listen(struct iodemo_client *client);
void iodemo_client_wake(struct iodemo_client *client);
void iodemo_client_serve_readers(struct iodemo_client *client);

/* What a client sees of the stream. In any context, without a lock. */
static inline u64 iodemo_client_cursor(const struct iodemo_client *client)
{
	/* Pairs with consume: who sees it moved sees the flags that were set before. */
	return smp_load_acquire(&client->page->cursor);
}

static inline bool iodemo_client_half_read(const struct iodemo_client *client)
{
	return READ_ONCE(client->flags) & IODEMO_CLIENT_HALF_READ;
}

/* Nothing is there, not even less than the low-water mark. */
static inline bool iodemo_client_empty(const struct iodemo_client *client)
{
	return iodemo_ring_head(&client->dev->ring) <= iodemo_client_cursor(client) &&
	       !iodemo_client_half_read(client);
}

/* How many records wait for it. */
static inline u64 iodemo_client_waiting(const struct iodemo_client *client)
{
	return iodemo_ring_waiting(&client->dev->ring, iodemo_client_cursor(client));
}

/* Would a read that may sleep come back without having slept? */
static inline bool iodemo_client_readable(const struct iodemo_client *client)
{
	return iodemo_client_waiting(client) >= READ_ONCE(client->low_water) ||
	       iodemo_client_half_read(client) || iodemo_device_gone(client->dev);
}

/* The least that a read or a write can be of, in bytes. */
static inline size_t iodemo_client_unit(const struct iodemo_client *client)
{
	return READ_ONCE(client->format) == IODEMO_FORMAT_RAW ? IODEMO_RECORD_SIZE : 1;
}

/* Has it lost records that it wasn't told of? */
static inline bool iodemo_client_lapped(const struct iodemo_client *client)
{
	return iodemo_client_cursor(client) < iodemo_ring_oldest(&client->dev->ring) ||
	       READ_ONCE(client->flags) & IODEMO_CLIENT_LOST;
}

/*
 * What poll() would say of the reading side. Mostly it is only a question of how
 * many records wait; all else is up to iodemo_client_rare_events().
 */
static inline __poll_t iodemo_client_events(const struct iodemo_client *client)
{
	const struct iodemo_device *dev = client->dev;
	u64 cursor = iodemo_client_cursor(client);
	u64 head = iodemo_ring_head(&dev->ring);

	if (unlikely(READ_ONCE(client->flags) || iodemo_device_gone(dev)))
		return iodemo_client_rare_events(client);
	if (head <= cursor)
		return 0;
	if (unlikely(head - cursor > iodemo_ring_capacity(&dev->ring)))
		return iodemo_client_rare_events(client);
	return head - cursor >= READ_ONCE(client->low_water) ? EPOLLIN | EPOLLRDNORM : 0;
}

/*
 * The cursor, moved to the oldest record if the client was lapped. Cursor and
 * @lost change together there, and only there; reading moves the cursor alone.
 */
static inline u64 iodemo_client_catch_up(struct iodemo_client *client)
{
	u64 cursor = iodemo_client_cursor(client);

	if (likely(cursor >= iodemo_ring_oldest(&client->dev->ring)))
		return cursor;
	return iodemo_client_skip_lost(client);
}

/* Are all of the @records records before the cursor's new place ours now? */
static inline bool iodemo_client_consume(struct iodemo_client *client, u64 cursor,
					 u64 records)
{
	return try_cmpxchg(&client->page->cursor, &cursor, cursor + records);
}

/* Who leaves records to others who wait for them passes the wake-up on. May sleep. */
static inline void iodemo_client_pass_on(struct iodemo_client *client)
{
	if (unlikely(wq_has_sleeper(&client->readers)))
		iodemo_client_serve_readers(client);
}

#endif /* _IODEMO_CLIENT_H */
