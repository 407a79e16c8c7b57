// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: what its processes share, and say
 */
#include "stress.h"

#include <err.h>
#include <stdarg.h>

#define SAID_MAX	50

#define NAME(name, weight) #name,
const char *const stress_names[OPS] = { ALL_OPS(NAME) };

struct board *board;

void board_init(void)
{
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (board == MAP_FAILED)
		err(1, "no memory");
	/* lockdep, and KASAN with it, watch each step */
	board->slow = access("/proc/lockdep", F_OK) ? 1 : 4;
}

void wrong(enum stress_op op, const char *format, ...)
{
	char line[400];
	va_list ap;

	board->wrong[op]++;
	if (board->said++ >= SAID_MAX)
		return;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	dprintf(STDOUT_FILENO, "# %s: %s\n", stress_names[op], line);
}
