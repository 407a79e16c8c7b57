/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the stress test share, and of the fuzz test, which does the
 * same operations, but does not kill and unbind
 *
 * A worker is a process with threads, and a thread is an actor. An actor does
 * operations, drawn from the list below. Calls run downwards: stress.c and
 * fuzz.c; stress_watch.c, which watches; stress_worker.c, which draws; the
 * operations; stress_board.c. There are two kinds of workers:
 *
 * chaos	everything at once, on files, memory and contexts that the threads
 *		take from under each other; that it survives is all it asks
 * witness	files and memory of its own, and every record is looked at
 */
#ifndef STRESS_H
#define STRESS_H

#include "iodemo_test.h"
#include "stress_ops.h"

#define DEVICES		2
#define WORKERS_MAX	64
#define THREADS		4
#define ERRORS		134	/* of a program's; the kernel has more, for itself */
#define SECOND		1000000000ULL

/* One thread of a worker */
struct actor {
	__u64 dice;		/* of this operation alone */
	enum stress_op op;
	struct seat *seat;	/* NULL: a child, which has no children itself */
	void (*go_on)(struct actor *a, __u64 sequence, __u64 count);
	int pipe[2];
	void *map;		/* left mapped, until the next one */
	size_t map_size;
};

/* A sequence of choices for each number */
static inline __u64 dice_of(__u64 sequence, __u64 number)
{
	__u64 dice = sequence + (number << 32);

	return roll(&dice);
}

static inline unsigned int pick(struct actor *a, unsigned int count)
{
	return roll(&a->dice) % count;
}

static inline bool one_in(struct actor *a, unsigned int count)
{
	return !pick(a, count);
}

#define PICK(a, first, ...)						\
	({								\
		const __typeof__(first) choices_[] = { first, __VA_ARGS__ };	\
									\
		choices_[pick(a, sizeof(choices_) / sizeof(choices_[0]))];	\
	})

/* Where all processes meet: shared memory (stress_board.c) */
struct board {
	atomic_ulong done[OPS];
	atomic_ulong well[OPS];		/* system calls of these that did what they were to */
	atomic_ulong errors[OPS][ERRORS];
	atomic_ulong wrong[OPS];
	atomic_ulong calls;
	atomic_uint said;
	unsigned int slow;		/* what a hang takes longer here, if it isn't one */
	__u64 patience;			/* no call sleeps longer, in ns; 0: until it is killed */
	atomic_bool over;		/* the round ends */
	atomic_ullong watched;		/* watch_time(), as it was at the last turn */
	atomic_ullong binding_since;	/* that, or 0 */
	struct seat {
		atomic_ulong progress;	/* grows */
		atomic_uint op;
	} seat[WORKERS_MAX][THREADS];
};

extern struct board *board;
extern const char *const stress_names[OPS];

void board_init(void);

/* Something is not as it should be: one line of it, and the case has failed. */
void wrong(enum stress_op op, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a system call gave, its value or -errno */
static inline void came(enum stress_op op, long res)
{
	board->calls++;
	if (res >= 0)
		board->well[op]++;
	else if (-res < ERRORS)
		board->errors[op][-res]++;
	else
		wrong(op, "%ld is no error of a program's", res);
}

/* What it gave, by errno, to this operation; returns it */
static inline long gave(struct actor *a, long ret)
{
	came(a->op, result(ret));
	return ret;
}

/* The result: a case for each operation; when it is demanding, each has to have done well */
int show_result(bool demanding);

/* Workers, and who watches them (stress_watch.c) */

extern __u64 seed;
extern unsigned int processes;
extern bool witnesses;		/* one worker in three is one */
extern bool hung;		/* somebody can't be killed: it is over */
extern pid_t binder;

/* By place. When one dies the next one gets its place. */
struct worker {
	pid_t pid;
	unsigned int life;		/* how many had the place before */
	bool is_witness;
	__u64 killed;			/* watch_time(), or 0 */
	__u64 stopped;			/* likewise */
	__u64 moved[THREADS];		/* when that thread last made progress */
	unsigned long progress[THREADS];
};

extern struct worker workers[WORKERS_MAX];

void watch_init(void);
__u64 watch_time(void);
/* The module anew, and the workers; false: it is over */
bool begin_round(__u64 *dice);
/* All are killed, the devices are looked at, and the module goes. */
void end_round(void);

void kill_worker(struct worker *w);
/* Until nobody is left that has died; -1: nobody is left at all */
int reap(bool again);
void wait_for_child(__u64 ns);
void watch_deaths(void);
void watch_progress(void);
void show_deaths(void);

__u64 seed_of_now(void);
/* Of the command line, or it ends here */
__u64 number(const char *name, const char *text, __u64 min, __u64 max);

/* A process's threads (stress_worker.c) */

/* What a forked process does with itself */
void run_worker(unsigned int place, bool is_witness, __u64 sequence);
/* Was it built? */
bool worker_can(enum stress_op op);

/* Files that the threads of a process share (stress_file.c) */

int some_file(struct actor *a);		/* -1 is one of them */
/* And that all processes share which are forked from now on */
void share_files(void);
void unshare_files(void);

/* Memory that changes while it is in use (stress_memory.c) */

void memory_init(void);

struct piece {
	void *start;
	size_t size;
};

/* Where to read to or write from; can be anything, also nothing. */
struct piece some_memory(struct actor *a);
/* A page that holds the number 1 */
void *read_only_page(void);

/* A ring is the thread's that made it, and none of a child's (stress_async.c) */
void forget_ring(struct actor *a);

/* The thread's pipe (stress_pipe.c) */
void drain_pipe(struct actor *a);

/* What is written: valid records, and some that aren't */
void fill_records(struct actor *a, struct iodemo_record *records, int count);

/* The operations. One that was not built, for want of a library, is not drawn. */
typedef void stress_act(struct actor *a);

#define STRESS_DECLARE(name, weight) op_##name,
__attribute__((weak)) stress_act
	CHAOS_OPS(STRESS_DECLARE)
	WITNESS_OPS(STRESS_DECLARE)
	op_none;

#endif /* STRESS_H */
