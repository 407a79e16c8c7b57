// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are these the records that the device made?
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "libiodemo.h"

/* What a record claims to be, it is altogether, or it was torn. */
static bool whole(const struct iodemo_record *record)
{
	static const __u8 zero[IODEMO_DATA_SIZE];

	switch (record->type) {
	case IODEMO_TYPE_SAMPLE:
		return record->len == IODEMO_DATA_SIZE &&
		       !memcmp(record->data, iodemo_sample(record->seq), IODEMO_DATA_SIZE);
	case IODEMO_TYPE_ECHO:
	case IODEMO_TYPE_RECEIVED:
		return record->len <= IODEMO_DATA_SIZE &&
		       !memcmp(record->data + record->len, zero, IODEMO_DATA_SIZE - record->len);
	default:
		return false;
	}
}

ssize_t iodemo_expect(const void *buffer, size_t size, __u64 *seq)
{
	const char *bytes = buffer;
	struct iodemo_record record;
	size_t at;

	if (size % sizeof(record))
		return -EINVAL;
	for (at = 0; at < size; at += sizeof(record)) {
		memcpy(&record, bytes + at, sizeof(record));
		if (!whole(&record))
			return -EBADMSG;
		if (record.seq != *seq)
			return -EILSEQ;
		++*seq;
	}
	return size / sizeof(record);
}
