/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the stream is for a client: what it has to read, and has lost
 */
#ifndef _IODEMO_CURSOR_H
#define _IODEMO_CURSOR_H

#include "client.h"

/* Of these, how much waits doesn't tell whether there is something to read. */
#define IODEMO_CLIENT_LOOK_FURTHER	(IODEMO_CLIENT_HALF_READ | IODEMO_CLIENT_MASKED)

bool iodemo_client_rarely_readable(const struct iodemo_client *client);
__poll_t iodemo_client_rare_events(struct iodemo_client *client);
u64 iodemo_client_wanted(const struct iodemo_client *client);
u64 iodemo_client_skip_lost(struct iodemo_client *client);
u64 iodemo_client_skip_unwanted(struct iodemo_client *client);
void iodemo_client_keep_rest(struct iodemo_client *client, const struct iodemo_line *line);
void iodemo_client_drop_rest(struct iodemo_client *client);
bool iodemo_client_peek(const struct iodemo_client *client, u64 *seq, u64 *timestamp);
void iodemo_client_want(struct iodemo_client *client, u32 types);
void iodemo_client_count(struct iodemo_client *client, struct iodemo_stats *stats);
void iodemo_client_tell_lost(struct iodemo_client *client, u64 lost);

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

static inline bool iodemo_client_masked(const struct iodemo_client *client)
{
	return READ_ONCE(client->flags) & IODEMO_CLIENT_MASKED;
}

/* Nothing is there, not even less than the low-water mark. */
static inline bool iodemo_client_empty(const struct iodemo_client *client)
{
	return iodemo_ring_head(&client->dev->ring) <= iodemo_client_cursor(client) &&
	       !iodemo_client_half_read(client);
}

/* How many records there are for it, of whatever type. */
static inline u64 iodemo_client_stored(const struct iodemo_client *client)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	u64 from = max(iodemo_client_cursor(client), iodemo_ring_oldest(ring));
	u64 head = iodemo_ring_head(ring);

	return head > from ? head - from : 0;
}

/* And of these, how many does it want? */
static inline u64 iodemo_client_waiting(const struct iodemo_client *client)
{
	if (unlikely(iodemo_client_masked(client)))
		return iodemo_client_wanted(client);
	return iodemo_client_stored(client);
}

/* Would a read that may sleep come back without having slept? */
static inline bool iodemo_client_readable(const struct iodemo_client *client)
{
	return iodemo_client_stored(client) >= READ_ONCE(client->low_water) ||
	       (unlikely(READ_ONCE(client->flags) & IODEMO_CLIENT_LOOK_FURTHER) &&
		iodemo_client_rarely_readable(client)) ||
	       iodemo_device_gone(client->dev);
}

/* The least that a read or a write can be of, in bytes. */
static inline size_t iodemo_client_unit(const struct iodemo_client *client)
{
	return READ_ONCE(client->unit);
}

/*
 * What poll() would say of the reading side. Mostly it is only a question of how
 * many records wait; all else is up to iodemo_client_rare_events().
 */
static inline __poll_t iodemo_client_events(struct iodemo_client *client)
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

#endif /* _IODEMO_CURSOR_H */
