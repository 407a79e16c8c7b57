// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which iodemo a program is of; the Makefile has it from the file VERSION
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

void iodemo_show_version(void)
{
	printf("%s (iodemo) %s, interface %u\n", program_invocation_short_name,
	       IODEMO_VERSION_STRING, IODEMO_VERSION);
	exit(0);
}
