// SPDX-License-Identifier: GPL-2.0-only
/*
 * Types of records, by their names
 */
#include <err.h>
#include <string.h>

#include "ctl.h"

static const char *const names[IODEMO_TYPE_MAX + 1] = {
	[IODEMO_TYPE_SAMPLE] = "sample",
	[IODEMO_TYPE_ECHO] = "echo",
	[IODEMO_TYPE_RECEIVED] = "received",
};

const char *ctl_type_name(unsigned int type)
{
	return type <= IODEMO_TYPE_MAX && names[type] ? names[type] : "unknown";
}

static __u32 type_of(const char *word, size_t length)
{
	unsigned int type;

	for (type = IODEMO_TYPE_SAMPLE; type <= IODEMO_TYPE_MAX; type++)
		if (strlen(names[type]) == length && !strncmp(names[type], word, length))
			return 1U << type;
	errx(1, "types: %.*s is none of: sample, echo, received, all", (int)length, word);
}

__u32 ctl_types(const char *words)
{
	__u32 types = 0;
	size_t length;

	if (!strcmp(words, "all"))
		return 0;
	for (;;) {
		length = strcspn(words, ",");
		types |= type_of(words, length);
		if (!words[length])
			return types;
		words += length + 1;
	}
}
