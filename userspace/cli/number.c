// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers from a command line, with their ranges
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* strtoull() alone would take a sign, leading blanks and what follows. */
static bool parse(const char *text, __u64 *value)
{
	if (!*text || text[strspn(text, "0123456789")])
		return false;
	errno = 0;
	*value = strtoull(text, NULL, 10);
	return true;
}

__u64 iodemo_number(const char *name, const char *text, __u64 min, __u64 max)
{
	__u64 value;

	if (!parse(text, &value))
		errx(1, "%s=%s is not a number; the range is %llu..%llu", name, text, min, max);
	if (errno == ERANGE || value < min || value > max)
		errx(1, "%s=%s is out of range: %llu..%llu", name, text, min, max);
	return value;
}

__u32 iodemo_period(const char *name, const char *text)
{
	__u64 value;

	if (!parse(text, &value))
		errx(1, "%s=%s is not a number; the range is %u..%u, or 0 for only TRIGGER",
		     name, text, IODEMO_PERIOD_US_MIN, IODEMO_PERIOD_US_MAX);
	if (errno == ERANGE || value > IODEMO_PERIOD_US_MAX ||
	    (value && value < IODEMO_PERIOD_US_MIN))
		errx(1, "%s=%s is out of range: %u..%u, or 0 for only TRIGGER",
		     name, text, IODEMO_PERIOD_US_MIN, IODEMO_PERIOD_US_MAX);
	return value;
}
