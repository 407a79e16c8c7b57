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
	board->slow = kernel_watches() ? 4 : 1;
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
	dprintf(STDOUT_FILENO, "# wrong: %s: %s\n", stress_names[op], line);
}

/* The result: a case for each operation; what was built has to happen */

/* What is only refused, or depends on what is drawn: that it was done is enough. */
static bool need_not_do_well(enum stress_op op)
{
	switch (op) {
	case OP_bad_ioctl:
	case OP_bad_trigger:
	case OP_seek:
	case OP_not_for_it:
	case OP_aio_bad:
	case OP_uring_bad:
	case OP_exec:
		return true;
	case OP_uring_multishot:
		return !since_6_7();
	default:
		return false;
	}
}

static const char *about(enum stress_op op)
{
	switch (op) {
	case OP_kill:
		return ": nobody outlived SIGKILL";
	case OP_unload:
		return ": the module could be unloaded";
	case OP_works:
		return ": then each record comes whole and once, and the counts are exact";
	default:
		return "";
	}
}

static void show_errors(enum stress_op op)
{
	int error;

	for (error = 0; error < ERRORS; error++)
		if (board->errors[op][error])
			printf(", %lu %s", board->errors[op][error], strerrorname_np(error) ?: "?");
}

static bool show_case(enum stress_op op, int number, bool demanding)
{
	unsigned long done = board->done[op], well = board->well[op], bad = board->wrong[op];
	bool built = worker_can(op), ok = !bad && (done || !built);

	if (demanding && built && !well && !need_not_do_well(op))
		ok = false;
	printf("%s %d %s%s #", ok ? "ok" : "not ok", number, stress_names[op],
	       about(op));
	if (!done && ok) {
		printf(" SKIP built without liburing\n");
		return true;
	}
	printf(" %lu times: %lu calls did well", done, well);
	show_errors(op);
	if (bad)
		printf("; %lu wrong", bad);
	printf("\n");
	return ok;
}

/* Witnesses and what becomes of devices are the stress test's */
static bool in_result(enum stress_op op, bool demanding)
{
	return !demanding || op < OP_see_read || op == OP_kill || op > OP_bind;
}

int show_result(bool demanding)
{
	bool failed = false;
	int i, count = 0;

	for (i = 0; i < OPS; i++)
		count += in_result(i, demanding);
	printf("1..%d\n", count);
	count = 0;
	for (i = 0; i < OPS; i++)
		if (in_result(i, demanding))
			failed |= !show_case(i, ++count, demanding);
	return failed;
}
