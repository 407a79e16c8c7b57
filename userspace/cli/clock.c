// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's clock
 */
#include <time.h>

#include "cli.h"

__u64 iodemo_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}
