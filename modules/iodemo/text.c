// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file in text: one line a record, and what is left of a line that is half read
 */

#include <linux/sched/signal.h>
#include <linux/string_helpers.h>
#include <linux/uio.h>

#include "models.h"

/* In decimal, @width digits at least. Return: where they end. */
static char *put_number(char *text, u64 value, unsigned int width)
{
	char digits[20], *first = digits + sizeof(digits);
	size_t len;

	do {
		*--first = '0' + value % 10;
		value /= 10;
		len = digits + sizeof(digits) - first;
	} while (value || len < width);
	memcpy(text, first, len);
	return text + len;
}

static char *put_word(char *text, const char *word)
{
	while (*word)
		*text++ = *word++;
	return text;
}

static bool is_plain(const u8 *data, u16 len)
{
	for (u16 i = 0; i < len; i++) {
		if (data[i] < ' ' || data[i] > '~' || data[i] == '\\')
			return false;
	}
	return true;
}

static char *put_data(char *text, size_t size, const u8 *data, u16 len)
{
	if (!is_plain(data, len))
		return text + string_escape_mem(data, len, text, size,
						ESCAPE_SPACE | ESCAPE_SPECIAL | ESCAPE_OCTAL |
						ESCAPE_NAP | ESCAPE_APPEND, "\\");
	memcpy(text, data, len);
	return text + len;
}

static const char *type_word(u16 type)
{
	if (type == IODEMO_TYPE_SAMPLE)
		return " sample ";
	return type == IODEMO_TYPE_ECHO ? " echo " : " received ";
}

/* Everybody's first read, and not by sprintf(), which takes five times as long */
static u16 format_line(char *text, const struct iodemo_record *record)
{
	u32 nsec;
	u64 sec = div_u64_rem(record->timestamp, NSEC_PER_SEC, &nsec);
	char *end = text;

	end = put_number(end, record->seq, 1);
	*end++ = ' ';
	end = put_number(end, sec, 1);
	*end++ = '.';
	end = put_number(end, nsec, 9);
	end = put_word(end, " cpu");
	end = put_number(end, record->cpu, 1);
	end = put_word(end, type_word(record->type));
	/* There is room: at worst \ooo for each byte. */
	end = put_data(end, text + IODEMO_LINE_MAX - end, record->data, record->len);
	*end++ = '\n';
	return end - text;
}

/* The shortest line with so much data: "0 0.000000000 cpu0 echo " and a newline */
#define LINE_MIN(len)	(25 + (len))

static void copy_record(struct iodemo_record *to, const struct iodemo_record *from)
{
	/* What the producer was at meanwhile is void, see ring.c. */
	data_race(memcpy(to, from, sizeof(*to)));
}

static bool is_wanted(const struct iodemo_client *client, const struct iodemo_record *record)
{
	return READ_ONCE(client->reading.types) & BIT(record->type);
}

/* The rest of the line that is half read, if there is one. */
static bool get_rest(struct iodemo_client *client, struct iodemo_line *line)
{
	unsigned long flags;
	bool half_read;

	if (!iodemo_client_half_read(client))
		return false;
	spin_lock_irqsave(&client->lock, flags);
	half_read = iodemo_client_half_read(client);
	if (half_read)
		*line = client->rest;
	spin_unlock_irqrestore(&client->lock, flags);
	return half_read;
}

/* The next record as a line, unless it is longer than @room for sure. */
static __always_inline bool next_line(struct iodemo_client *client, struct iodemo_line *line,
				      size_t room, u32 *retries, const bool masked)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	struct iodemo_record record;

	do {
		line->seq = masked ? iodemo_client_skip_unwanted(client) :
				     iodemo_client_catch_up(client);
		if (iodemo_ring_head(ring) <= line->seq)
			return false;
		copy_record(&record, iodemo_ring_slot(ring, line->seq));
		if (iodemo_ring_intact(ring, line->seq) &&
		    (!masked || is_wanted(client, &record))) {
			if (LINE_MIN(record.len) > room)
				return false;
			line->off = 0;
			line->len = format_line(line->text, &record);
			return true;
		}
	} while ((*retries)--);
	return false;
}

static noinline bool next_wanted_line(struct iodemo_client *client, struct iodemo_line *line,
				      size_t room, u32 *retries)
{
	return next_line(client, line, room, retries, true);
}

/* What is left of the line that is half read, or the next. */
static bool get_line(struct iodemo_client *client, struct iodemo_line *line, size_t room,
		     u32 *retries)
{
	if (unlikely(READ_ONCE(client->flags) & IODEMO_CLIENT_LOOK_FURTHER)) {
		if (get_rest(client, line))
			return true;
		if (iodemo_client_masked(client))
			return next_wanted_line(client, line, room, retries);
	}
	return next_line(client, line, room, retries, false);
}

/**
 * iodemo_text_bytes() - how much a read without end would get now
 * @client: who asks
 *
 * How long a line is, is known when it is there; so this takes as long as that
 * read. It begins with the newest: a record that has been overwritten meanwhile
 * is the end of it, and a fast producer can't make it begin anew.
 *
 * Return: bytes, or EINTR: the task is to die
 */
ssize_t iodemo_text_bytes(struct iodemo_client *client)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	u32 left = iodemo_ring_capacity(ring);
	struct iodemo_record record;
	struct iodemo_line line;
	size_t bytes = 0;
	u64 from, seq, beyond;

	if (get_rest(client, &line)) {
		bytes += line.len - line.off;
		left--;
	}
	/* That read takes a lap at most, so it may not get the newest. */
	beyond = iodemo_client_waiting(client);
	beyond = beyond > left ? beyond - left : 0;
	from = max(iodemo_client_cursor(client), iodemo_ring_oldest(ring));
	for (seq = iodemo_ring_head(ring); seq > from; seq--) {
		copy_record(&record, iodemo_ring_slot(ring, seq - 1));
		if (!iodemo_ring_intact(ring, seq - 1))
			break;
		if (is_wanted(client, &record)) {
			if (beyond)
				beyond--;
			else
				bytes += format_line(line.text, &record);
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return bytes;
}

/*
 * Whoever takes a line's first bytes moves the cursor past its record; what is
 * left of the line is kept for the next read. Return: did we get it first?
 */
static bool consume_line(struct iodemo_client *client, struct iodemo_line *line,
			 size_t copied)
{
	bool begins = !line->off;
	unsigned long flags;
	bool ours;

	spin_lock_irqsave(&client->lock, flags);
	if (begins)
		ours = !iodemo_client_half_read(client);
	else
		ours = iodemo_client_half_read(client) &&
		       client->rest.seq == line->seq && client->rest.off == line->off;
	if (ours) {
		line->off += copied;
		if (line->off < line->len && client->format == IODEMO_FORMAT_TEXT)
			iodemo_client_keep_rest(client, line);
		else
			iodemo_client_drop_rest(client);
	}
	/* Only now: in between it would look as if there was nothing left to read. */
	if (ours && begins && !iodemo_client_consume(client, line->seq, 1)) {
		iodemo_client_drop_rest(client);
		ours = false;
	}
	spin_unlock_irqrestore(&client->lock, flags);
	return ours;
}

/* Whole lines; only a buffer that is smaller than the first gets a part of it. */
ssize_t iodemo_read_text(struct iodemo_client *client, struct iov_iter *to, u32 retries)
{
	u32 left = iodemo_ring_capacity(&client->dev->ring);
	struct iodemo_line line;
	size_t done = 0;

	while (iov_iter_count(to) && left &&
	       get_line(client, &line, done ? iov_iter_count(to) : SIZE_MAX, &retries)) {
		size_t part = min_t(size_t, iov_iter_count(to), line.len - line.off);
		size_t copied;

		if (done && part < line.len - line.off)
			break;
		copied = copy_to_iter(line.text + line.off, part, to);
		if (!copied)
			return done ?: -EFAULT;
		if (!consume_line(client, &line, copied)) {
			iov_iter_revert(to, copied);
			if (!retries--)
				break;
			continue;
		}
		left--;
		done += copied;
		if (copied < part)
			break;
	}
	return done ?: -EAGAIN;
}
