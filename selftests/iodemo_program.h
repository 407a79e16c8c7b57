/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs that come with the device, run as their users do
 */
#ifndef IODEMO_PROGRAM_H
#define IODEMO_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct program {
	pid_t pid;		/* 0: it was waited for */
	int status;
	int output;		/* where its standard output, and with @errors the other, ends */
	bool errors;		/* take standard error too */
	bool terminal;		/* its output is one */
	bool user;		/* run as an ordinary user */
	size_t length;
	char text[65536];	/* what it wrote so far, terminated */
};

/* Is it installed? Without, its cases are skipped. */
bool program_there(const char *name);

/* The words end with NULL; the first is the name, looked up in PATH. Return 0 or -errno. */
long program_start(struct program *p, char *const *words);
#define PROGRAM_START(p, ...)						\
	program_start(p, (char *const []){ __VA_ARGS__, NULL })

/*
 * Start it, and leave it held when it has just passed over what the device had
 * stored: record by record, one for each system call that it has made since it
 * opened the device, and so before it reads. Return how many, or -errno; ESRCH: it
 * ended before that.
 */
long program_start_late(struct program *p, int device, char *const *words);
/* Let it go on. */
long program_release(struct program *p);

/* Read what it writes until this is part of it; false: it ended before. */
bool program_says(struct program *p, const char *text);
/* Read the rest, and wait: its exit status, or 128 and the signal, as a shell has it. */
long program_end(struct program *p);
/* Both, from the beginning */
#define PROGRAM_RUN(p, ...)						\
	(PROGRAM_START(p, __VA_ARGS__) ? -1 : program_end(p))

/* Wait until its file of the device has nothing left to read, or is closed. */
void program_catches_up(struct program *p);

/* A figure in the JSON that it wrote; NAN for null, -1 if it isn't there. */
double program_figure(const struct program *p, const char *key);

/* Processes that want a processor all the time: one for each, @max at most. Return how many. */
long hogs_start(pid_t *pids, long max);
void hogs_end(const pid_t *pids, long count);

#endif /* IODEMO_PROGRAM_H */
