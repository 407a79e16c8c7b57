/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that makes one system call, in which it is to fall asleep
 */
#ifndef IODEMO_SLEEPER_H
#define IODEMO_SLEEPER_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "iodemo.h"

#define SLEEPER_RECORDS 80

struct sleeper {
	long (*call)(struct sleeper *s);	/* gives a result() */
	int fd;
	int events;		/* for poll */
	long size;		/* of what is read or written */
	long result;		/* what the call gave */
	siginfo_t info;		/* from sigwaitinfo() */
	__u32 count;		/* for TRIGGER */
	sigset_t signals;	/* for sigwaitinfo() */
	void *buf;		/* NULL: records */
	struct iodemo_record records[SLEEPER_RECORDS];

	pthread_t thread;
	atomic_int tid;		/* 0 until the thread is about to call */
	atomic_bool done;
	long switches;		/* voluntary context switches when it slept */
};

struct sleeper reader(int fd, long count);	/* count: of records, as all */
struct sleeper writer(int fd, long count);
struct sleeper poller(int fd, int events);
struct sleeper selecter(int fd, int events);
struct sleeper epoller(int epfd);
struct sleeper triggerer(int fd, __u32 count);
struct sleeper signal_waiter(int sig);

bool sleeper_start(struct sleeper *s);
/* Wait until the thread is asleep in its call. false: the call has returned. */
bool sleeper_sleeps(struct sleeper *s);
/* Both: what most tests want. */
bool falls_asleep(struct sleeper *s);
/* It is asleep, and has not run since it was last seen asleep. */
bool undisturbed(struct sleeper *s);
/* Wait for the call to return; what it gave. */
long sleeper_result(struct sleeper *s);

/* Send it to the sleeper and wait until its handler has run. */
int interrupt_sleeper(struct sleeper *s, int sig);

/* Asleep, for any thread or process */
bool task_sleeps(pid_t tid, long *switches);
/* Number of times that the calling thread gave up the processor by itself */
long own_switches(void);

#endif /* IODEMO_SLEEPER_H */
