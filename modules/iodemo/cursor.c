// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the stream is for a client: its cursor, what it has lost and what it has
 * skipped
 *
 * A client that wants only some types of records reads as others do, but first
 * moves its cursor past what it doesn't want. The tally tells in bounded time how
 * many wait that it wants. Of those that were overwritten before it came to them the
 * tally tells that no more: so the client remembers how many unwanted ones there
 * were before its cursor, and what came to them since it has skipped, not lost.
 */

#include "cursor.h"
#include "trace.h"

static void set_flag(struct iodemo_client *client, u32 flag)
{
	lockdep_assert_held(&client->lock);
	WRITE_ONCE(client->flags, client->flags | flag);
}

static void clear_flag(struct iodemo_client *client, u32 flag)
{
	lockdep_assert_held(&client->lock);
	WRITE_ONCE(client->flags, client->flags & ~flag);
}

/* How many records before @seq it doesn't want; valid if the ring has it tallied. */
static u64 unwanted_before(const struct iodemo_client *client, u64 seq)
{
	return seq - iodemo_tally_before(&client->dev->ring.tally, seq, client->reading.types);
}

/*
 * Of the records from the cursor up to @oldest, how many it has not wanted; -1 if
 * that can't be told any more. A cursor that the user has moved makes no sense of it.
 */
static s64 overwritten_unwanted(const struct iodemo_client *client, u64 cursor, u64 oldest)
{
	s64 unwanted;

	if (!iodemo_client_masked(client))
		return 0;
	unwanted = unwanted_before(client, oldest) - client->unwanted;
	if (!iodemo_ring_tallied(&client->dev->ring, oldest))
		return -1;
	return clamp_t(s64, unwanted, 0, oldest - cursor);
}

/* One try, not a loop: a program that maps the cursor could make us lose for ever. */
static noinline u64 lose_locked(struct iodemo_client *client, u64 cursor, u64 oldest)
{
	s64 skipped = overwritten_unwanted(client, cursor, oldest);
	u32 flags = client->flags;
	u64 lost;

	if (skipped < 0)
		return cursor;
	lost = oldest - cursor - skipped;
	/* Before the cursor moves: in between it would look as if nothing was lost. */
	if (lost)
		set_flag(client, IODEMO_CLIENT_LOST);
	if (iodemo_client_consume(client, cursor, oldest - cursor)) {
		client->lost += lost;
		client->skipped += skipped;
		client->unwanted += skipped;
		if (lost)
			trace_iodemo_lapped(client, lost, oldest);
		return oldest;
	}
	WRITE_ONCE(client->flags, flags);
	return cursor;
}

static inline u64 catch_up_locked(struct iodemo_client *client)
{
	u64 oldest = iodemo_ring_oldest(&client->dev->ring);
	u64 cursor = iodemo_client_cursor(client);

	lockdep_assert_held(&client->lock);

	return likely(cursor >= oldest) ? cursor : lose_locked(client, cursor, oldest);
}

u64 iodemo_client_skip_lost(struct iodemo_client *client)
{
	unsigned long flags;
	u64 cursor;

	spin_lock_irqsave(&client->lock, flags);
	cursor = catch_up_locked(client);
	spin_unlock_irqrestore(&client->lock, flags);
	return cursor;
}

/*
 * For a client with a mask, in place of iodemo_client_catch_up(): also past what it
 * doesn't want. In any context. Return: the cursor; what is there it can still not
 * want, if another was faster.
 */
u64 iodemo_client_skip_unwanted(struct iodemo_client *client)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	u64 cursor, head, next, unwanted;
	unsigned long flags;

	spin_lock_irqsave(&client->lock, flags);
	cursor = catch_up_locked(client);
	head = iodemo_ring_head(ring);
	if (cursor < head) {
		next = iodemo_tally_find(&ring->tally, cursor, head, client->reading.types);
		unwanted = unwanted_before(client, next);
		if (iodemo_ring_tallied(ring, cursor) &&
		    iodemo_client_consume(client, cursor, next - cursor)) {
			client->skipped += next - cursor;
			client->unwanted = unwanted;
			cursor = next;
		}
	}
	spin_unlock_irqrestore(&client->lock, flags);
	return cursor;
}

/* How many records wait that a client with a mask wants. In any context. */
u64 iodemo_client_wanted(const struct iodemo_client *client)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	u32 types = READ_ONCE(client->reading.types);

	for (u32 tries = iodemo_ring_capacity(ring); tries; tries--) {
		u64 from = max(iodemo_client_cursor(client), iodemo_ring_oldest(ring));
		u64 head = iodemo_ring_head(ring);
		u64 wanted;

		if (head <= from)
			return 0;
		wanted = iodemo_tally_before(&ring->tally, head, types) -
			 iodemo_tally_before(&ring->tally, from, types);
		if (iodemo_ring_tallied(ring, from))
			return wanted;
	}
	return 0;
}

/* From here on it wants these, or all if none. With its lock. */
void iodemo_client_want(struct iodemo_client *client, u32 types)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	u64 seq = catch_up_locked(client);

	if (!types) {
		clear_flag(client, IODEMO_CLIENT_MASKED);
		WRITE_ONCE(client->reading.types, U32_MAX);
		return;
	}
	WRITE_ONCE(client->reading.types, types);
	client->unwanted = unwanted_before(client, min(seq, iodemo_ring_head(ring)));
	set_flag(client, IODEMO_CLIENT_MASKED);
}

void iodemo_client_keep_rest(struct iodemo_client *client, const struct iodemo_line *line)
{
	client->rest = *line;
	set_flag(client, IODEMO_CLIENT_HALF_READ);
}

void iodemo_client_drop_rest(struct iodemo_client *client)
{
	clear_flag(client, IODEMO_CLIENT_HALF_READ);
}

/* The next record, which stays. In any context; false if there is none. */
bool iodemo_client_peek(const struct iodemo_client *client, u64 *seq, u64 *timestamp)
{
	const struct iodemo_ring *ring = &client->dev->ring;

	for (u32 tries = iodemo_ring_capacity(ring); tries; tries--) {
		u64 from = max(iodemo_client_cursor(client), iodemo_ring_oldest(ring));
		u64 head = iodemo_ring_head(ring);

		*seq = from;
		if (from < head && iodemo_client_masked(client))
			*seq = iodemo_tally_find(&ring->tally, from, head,
						 READ_ONCE(client->reading.types));
		if (head <= *seq)
			return false;
		*timestamp = READ_ONCE(iodemo_ring_slot(ring, *seq)->timestamp);
		if (iodemo_ring_intact(ring, from))
			return true;
	}
	return false;
}

/* Without as many records as make it so at once. */
bool iodemo_client_rarely_readable(const struct iodemo_client *client)
{
	return iodemo_client_half_read(client) ||
	       iodemo_client_waiting(client) >= READ_ONCE(client->config.low_water);
}

/* Has it lost records that it wasn't told of? */
static bool is_lapped(struct iodemo_client *client)
{
	bool behind = iodemo_client_cursor(client) < iodemo_ring_oldest(&client->dev->ring);

	/* With a mask it need not have lost any; that is known when it has caught up. */
	if (behind && iodemo_client_masked(client)) {
		iodemo_client_skip_lost(client);
		behind = false;
	}
	return behind || READ_ONCE(client->flags) & IODEMO_CLIENT_LOST;
}

__poll_t iodemo_client_rare_events(struct iodemo_client *client)
{
	__poll_t events = 0;

	if (iodemo_device_gone(client->dev))
		events |= EPOLLHUP;
	if (!(READ_ONCE(client->flags) & IODEMO_CLIENT_WRITE_ONLY)) {
		if (iodemo_client_readable(client))
			events |= EPOLLIN | EPOLLRDNORM;
		if (is_lapped(client))
			events |= EPOLLPRI;
	}
	return events;
}

/* Its counters, all of one moment. */
void iodemo_client_count(struct iodemo_client *client, struct iodemo_stats *stats)
{
	u64 cursor;

	spin_lock_irq(&client->lock);
	cursor = catch_up_locked(client);
	stats->lost = client->lost;
	stats->skipped = client->skipped;
	spin_unlock_irq(&client->lock);

	stats->records = iodemo_ring_head(&client->dev->ring);
	stats->read = cursor - client->opened_at - stats->lost - stats->skipped;
	stats->lag = stats->records > cursor ? stats->records - cursor : 0;
}

/* The user knows now that this file has lost so many. */
void iodemo_client_tell_lost(struct iodemo_client *client, u64 lost)
{
	spin_lock_irq(&client->lock);
	if (client->lost == lost)
		clear_flag(client, IODEMO_CLIENT_LOST);
	WRITE_ONCE(client->times_told, client->times_told + 1);
	spin_unlock_irq(&client->lock);
}
