// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model 4, signal-driven I/O
 *
 *	wait	nobody sleeps: the program does other work until a signal
 *		interrupts it
 *	copy	the program, in the read()s of the signal handler
 *
 * What to see: much other work, and not one question too early; but three
 * system calls a record, as the handler reads until EAGAIN and returns through
 * the kernel too.
 *
 * SIGIO says only that something can be read somewhere, and many of them become
 * one. F_SETSIG with a real-time signal gets one signal for each interrupt, and
 * si_fd names the file; but their queue has an end (RLIMIT_SIGPENDING), and
 * past it the kernel falls back to SIGIO. Hence the two rules that --overflow
 * demonstrates: catch SIGIO too, and read until EAGAIN whichever came.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "demo/demo.h"

#define QUEUE	8	/* signals, for --overflow */

static void loop(struct iodemo_run *run);

static const struct iodemo_api apis[] = {
	{ "sigio", loop },
	{ "realtime", loop },
	{ }
};

/* The handler's too: as long as it can run, the program only counts its work. */
static struct iodemo_run demo = {
	.model = "signal",
	.about = "works until a signal comes; the read() in its handler copies.",
	.apis = apis,
	.files_max = IODEMO_FILES_MAX,
	.overflow_api = &apis[1],
};

static atomic_bool over;

static void drain(struct iodemo_run *run, struct iodemo_file *file)
{
	struct iodemo_record records[IODEMO_BATCH];
	ssize_t bytes;

	while (!over) {
		bytes = read(file->fd, records, iodemo_room(run, sizeof(records)));
		run->calls++;
		if (bytes < 0 && errno == EAGAIN) {
			run->eagains++;
			return;
		}
		iodemo_take(run, file, records, bytes);
		over = iodemo_over(run);
	}
}

/* SIGIO can be about any file, a real-time signal says which. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	__u64 begin = iodemo_now();
	int saved = errno;
	unsigned int i;

	(void)context;
	if (over)	/* it was queued before the end, and comes after it */
		return;
	for (i = 0; i < demo.files; i++)
		if (sig == SIGIO || demo.file[i].fd == info->si_fd)
			drain(&demo, &demo.file[i]);
	demo.calls++;		/* the return from a handler is a system call too */

	/* A fast device's signals would leave the program no time to see the end. */
	for (i = 0; over && i < demo.files; i++)
		fcntl(demo.file[i].fd, F_SETFL, O_NONBLOCK);
	demo.handler_ns += iodemo_now() - begin;
	errno = saved;
}

/* 0 gets SIGIO, without siginfo. */
static void want_signal(struct iodemo_run *run, int sig)
{
	unsigned int i;

	for (i = 0; i < run->files; i++) {
		int fd = run->file[i].fd;

		if (fcntl(fd, F_SETSIG, sig) || fcntl(fd, F_SETOWN, getpid()) ||
		    fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC))
			err(1, "%s: O_ASYNC", run->file[i].path);
	}
}

/*
 * The signals are wanted before the start, and held back until it: from there on
 * no record comes without one.
 */
static void loop(struct iodemo_run *run)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sigaddset(&action.sa_mask, SIGIO);
	sigaddset(&action.sa_mask, SIGRTMIN);
	sigaction(SIGIO, &action, NULL);
	sigaction(SIGRTMIN, &action, NULL);

	sigprocmask(SIG_BLOCK, &action.sa_mask, NULL);
	want_signal(run, run->api == &apis[0] ? 0 : SIGRTMIN);
	iodemo_start(run);
	sigprocmask(SIG_UNBLOCK, &action.sa_mask, NULL);
	while (!over && !iodemo_stopped)
		iodemo_work(run);
	over = true;
	iodemo_stop(run);
}

/* Nobody takes the signals while TRIGGER makes more of them than the queue holds. */
static void overflow(struct iodemo_run *run)
{
	const struct rlimit limit = { QUEUE, QUEUE };
	struct iodemo_file *file = run->file;
	unsigned int plain = 0, queued = 0;
	__u32 interrupts = run->wanted;
	siginfo_t info, last = { };
	sigset_t blocked;
	int sig;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGIO);
	sigaddset(&blocked, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	if (setrlimit(RLIMIT_SIGPENDING, &limit))
		err(1, "RLIMIT_SIGPENDING=%u", QUEUE);

	iodemo_start(run);
	want_signal(run, SIGRTMIN);
	iodemo_ioctl(file->fd, file->path, IODEMO_TRIGGER, &interrupts, "TRIGGER");
	while ((sig = sigtimedwait(&blocked, &info, &(struct timespec){ })) > 0) {
		if (sig == SIGIO) {
			plain++;
		} else {
			queued++;
			last = info;
		}
	}
	run->wanted = ~0U;		/* until EAGAIN, however many there are */
	drain(run, file);
	run->wanted = run->records;
	iodemo_stop(run);

	if (run->json)
		return;
	printf("%llu records came while the signals were blocked. What was queued:\n\n",
	       run->records);
	printf("  SIGRTMIN  %6u  with si_fd %d and si_band %#lx; RLIMIT_SIGPENDING is %u\n",
	       queued, last.si_fd, (unsigned long)last.si_band, QUEUE);
	printf("  SIGIO     %6u  without; for all that found the queue full\n\n", plain);
	printf("A record a signal would leave %llu unread; reading until EAGAIN left none.\n\n",
	       run->records - queued - plain);
}

int main(int argc, char **argv)
{
	struct iodemo_run *run = &demo;

	iodemo_options(run, argc, argv);
	if (run->overflow) {
		if (run->files > 1)
			errx(1, "--overflow takes one --device");
		run->about = "takes no signal until the queue is full; then reads until EAGAIN.";
		run->period_us = 0;
	}
	iodemo_open_files(run, O_NONBLOCK);
	if (run->overflow)
		overflow(run);
	else
		run->api->loop(run);
	return iodemo_end(run);
}
