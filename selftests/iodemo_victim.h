/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes: what they leave to the kernel when they die, and what they may
 */
#ifndef IODEMO_VICTIM_H
#define IODEMO_VICTIM_H

#include <stdbool.h>
#include <sys/types.h>

#define ORDINARY_USER	1000	/* and his group */

/* In a child: be an ordinary user from now on. Return 0 or -errno. */
long become_user(void);
/* In a child that is an ordinary user: what that gave, 0 or -errno */
long user_does(long (*what)(void *arg), void *arg);
/* What open_device() gives to an ordinary user: 0, since it is closed again, or -errno */
long open_as_user(int index, int flags);

/* Threads of a process, those that the kernel makes for it included; or -1 */
long count_tasks(pid_t pid);

enum death {
	DEATH_EXIT,
	DEATH_SIGKILL,
	DEATH_EXEC,	/* of a program that lives on, until victim_end() */
};

/*
 * A process that has begun something, and then dies. It shares no file of the
 * driver's with the test, if the test has none open when it starts it.
 */
struct victim {
	enum death death;
	long (*begin)(void *arg);	/* in it; 0 or -errno */
	void *arg;

	pid_t pid;
	int go;		/* written or closed by us: it shall die */
	int gone;	/* at its end when it has executed a program */
};

/* Start it. When begin() is done: what it gave */
long victim_start(struct victim *v);
/* Let it die; return when that is done. How long it took, in nanoseconds */
long victim_dies(struct victim *v);
void victim_end(struct victim *v);
/*
 * The module is free at once when the process has been waited for. One that has
 * executed a program closes its files on the way there.
 */
long unload_after(enum death death);

/* What a process may take to die, whatever it leaves behind */
long death_limit_ns(void);
/*
 * How long it takes to die, in nanoseconds, or -errno. The quickest of up to 32, if
 * the first takes too long: a guest can lose its processors to others on the host,
 * and that for seconds; it is not what is measured.
 */
long quickest_death(enum death death, long (*begin)(void *arg), void *arg);

#define EXPECT_DIES_IN_TIME(death, begin, arg)				\
	do {								\
		long took_ = quickest_death(death, begin, arg);		\
									\
		EXPECT_LT(0, took_);					\
		EXPECT_LE(took_, death_limit_ns());			\
	} while (0)

/* The three ways to die as the variants of a fixture */
#define IODEMO_VARIANTS_DYING(name)					\
	FIXTURE_VARIANT(name) {						\
		enum death death;					\
	};								\
	FIXTURE_VARIANT_ADD(name, by_exit) {				\
		.death = DEATH_EXIT,					\
	};								\
	FIXTURE_VARIANT_ADD(name, by_SIGKILL) {				\
		.death = DEATH_SIGKILL,					\
	};								\
	FIXTURE_VARIANT_ADD(name, by_exec) {				\
		.death = DEATH_EXEC,					\
	}

/* A fresh module that nobody has open, for what a victim leaves behind */
#define IODEMO_FIXTURE_UNOPENED_SETUP(name, parameters)			\
	FIXTURE_SETUP(name)						\
	{								\
		ASSERT_EQ(0, load(parameters));				\
	}								\
	IODEMO_FIXTURE_TEARDOWN(name)

#define IODEMO_FIXTURE_UNOPENED(name, parameters)			\
	FIXTURE(name) {							\
	};								\
	IODEMO_FIXTURE_UNOPENED_SETUP(name, parameters)

/* The same for each way to die */
#define IODEMO_FIXTURE_DYING(name, parameters)				\
	FIXTURE(name) {							\
	};								\
	IODEMO_VARIANTS_DYING(name);					\
	IODEMO_FIXTURE_UNOPENED_SETUP(name, parameters)

#endif /* IODEMO_VICTIM_H */
