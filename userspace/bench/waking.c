// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a timer's expiry to the moment the program has the record
 *
 * The program waits until an interrupt, or a timerfd, wakes it: what is measured
 * is the interrupt, the wake-up, the switch to the program, and the rest of the
 * call. When the timer expires is known beforehand, so nothing has to be
 * measured in the kernel.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "bench.h"
#include "cli.h"

#define PERIOD_US	1000
#define PERIOD_NS	(PERIOD_US * 1000)

/* A way to wait; the record goes to @record. */
struct way {
	const char *name;
	const char *about;
	int flags;			/* of the file */
	const char *(*begin)(void);	/* returns NULL, or why it can't be had */
	void (*submit)(void);		/* before the timer is looked at */
	__u64 (*wait)(void);		/* returns when the program had the record */
	void (*end)(void);
};

/* What wakes: the device's timer, or a timerfd for comparison. */
struct source {
	const char *name;
	const char *about;
	bool is_device;
	__u64 (*expires)(void);		/* when it will */
};

static int fd;
static char figure[32], about[64];	/* what is being measured */
static struct iodemo_record record;	/* 8 bytes of it, from a timerfd */

/* Ctrl-C interrupts a call, and then that is no failure. */
static noreturn void fail(const char *call, int error)
{
	bench_check_stop();
	errx(1, "%s: %s: %s", figure, call, strerror(error));
}

/* All but the ways where the kernel reads for us end with this. */
static __u64 read_record(void)
{
	if (read(fd, &record, sizeof(record)) < 0)
		fail("read", errno);
	return iodemo_now();
}

static __u64 wait_poll(void)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	if (poll(&poller, 1, -1) < 0)
		fail("poll", errno);
	return read_record();
}

static int epoll;

static const char *begin_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		fail("epoll", errno);
	return NULL;
}

static __u64 wait_epoll(void)
{
	struct epoll_event event;

	if (epoll_wait(epoll, &event, 1, -1) < 0)
		fail("epoll_wait", errno);
	return read_record();
}

static void end_epoll(void)
{
	close(epoll);
}

static atomic_ullong handled;	/* when the handler had the record; 0: not yet */
static sigset_t old_mask;

/* What one signal stands for can be more than a record, if we came too late. */
static void on_sigio(int sig)
{
	(void)sig;
	if (read(fd, &record, sizeof(record)) > 0)
		handled = iodemo_now();
	bench_drain(fd);
}

/* The signal comes only while we wait for it. */
static const char *begin_sigio(void)
{
	struct sigaction action = { .sa_handler = on_sigio };
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGIO);
	sigprocmask(SIG_BLOCK, &mask, &old_mask);
	sigaction(SIGIO, &action, NULL);
	if (fcntl(fd, F_SETOWN, getpid()))
		fail("F_SETOWN", errno);
	return NULL;
}

static __u64 wait_sigio(void)
{
	handled = 0;
	while (!handled)
		sigsuspend(&old_mask);
	return handled;
}

static void end_sigio(void)
{
	fcntl(fd, F_SETFL, 0);
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
	signal(SIGIO, SIG_DFL);
}

static io_context_t aio;

static const char *begin_libaio(void)
{
	int ret;

	aio = NULL;
	ret = io_setup(1, &aio);
	return ret < 0 ? bench_cannot("io_setup", -ret) : NULL;
}

static void submit_libaio(void)
{
	struct iocb request, *list = &request;
	int ret;

	io_prep_pread(&request, fd, &record, sizeof(record), 0);
	ret = io_submit(aio, 1, &list);
	if (ret != 1)
		fail("io_submit", -ret);
}

static __u64 wait_libaio(void)
{
	struct io_event event;
	int ret = io_getevents(aio, 1, 1, &event, NULL);

	if (ret != 1)
		fail("io_getevents", -ret);
	if (event.res != sizeof(record))
		fail("the read", -(long)event.res);
	return iodemo_now();
}

static void end_libaio(void)
{
	io_destroy(aio);
}

static struct io_uring uring;

/* The flags came with Linux 6.1, and are how one would use it alone. */
static const char *begin_uring(void)
{
	int ret = io_uring_queue_init(1, &uring,
				      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);

	if (ret == -EINVAL)
		ret = io_uring_queue_init(1, &uring, 0);
	if (ret < 0)
		return bench_cannot("io_uring (see sysctl kernel.io_uring_disabled)", -ret);
	return NULL;
}

static void submit_uring(void)
{
	int ret;

	io_uring_prep_read(io_uring_get_sqe(&uring), fd, &record, sizeof(record), -1);
	ret = io_uring_submit(&uring);
	if (ret != 1)
		fail("io_uring_submit", -ret);
}

static __u64 wait_uring(void)
{
	struct io_uring_cqe *cqe;
	int ret = io_uring_wait_cqe(&uring, &cqe);

	if (ret < 0)
		fail("io_uring_wait_cqe", -ret);
	if (cqe->res != sizeof(record))
		fail("the read", -cqe->res);
	io_uring_cqe_seen(&uring, cqe);
	return iodemo_now();
}

static void end_uring(void)
{
	io_uring_queue_exit(&uring);
}

static const struct way ways[] = {
	{
		.name = "read", .about = "read, asleep in it",
		.wait = read_record,
	},
	{
		.name = "poll", .about = "poll, then read",
		.flags = O_NONBLOCK, .wait = wait_poll,
	},
	{
		.name = "epoll", .about = "epoll_wait, then read",
		.flags = O_NONBLOCK, .begin = begin_epoll, .wait = wait_epoll, .end = end_epoll,
	},
	{
		.name = "sigio", .about = "SIGIO, and read in its handler",
		.flags = O_NONBLOCK | O_ASYNC,
		.begin = begin_sigio, .wait = wait_sigio, .end = end_sigio,
	},
	{
		.name = "libaio", .about = "io_getevents, the read submitted before",
		.begin = begin_libaio, .submit = submit_libaio, .wait = wait_libaio,
		.end = end_libaio,
	},
	{
		.name = "uring", .about = "io_uring, the read submitted before",
		.begin = begin_uring, .submit = submit_uring, .wait = wait_uring,
		.end = end_uring,
	},
};

#define WAYS		(sizeof(ways) / sizeof(ways[0]))
#define TIMERFD_WAYS	3		/* it is only to be compared with */

static __u64 device_expires(void)
{
	struct iodemo_stats stats;

	iodemo_ioctl(fd, bench_options.device, IODEMO_GET_STATS, &stats, "GET_STATS");
	return stats.expires;
}

static __u64 timerfd_expires(void)
{
	__u64 expires = iodemo_now() + PERIOD_NS;
	struct itimerspec timer = {
		.it_value = { expires / 1000000000, expires % 1000000000 },
	};

	if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &timer, NULL))
		fail("timerfd_settime", errno);
	return expires;
}

static const struct source from_timerfd = {
	"wake-timerfd", "timerfd: ", false, timerfd_expires,
};

static const struct source from_device = {
	"wake", "", true, device_expires,
};

static const struct source from_threaded = {
	"wake-threaded", "threaded=1: ", true, device_expires,
};

static bool wanted(const struct source *source, const struct way *way)
{
	snprintf(figure, sizeof(figure), "%s-%s", source->name, way->name);
	snprintf(about, sizeof(about), "%s%s", source->about, way->about);
	bench_about(figure, about);
	return bench_wanted(figure);
}

static bool any_wanted(const struct source *source)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < WAYS; i++)
		any |= wanted(source, &ways[i]);
	return any;
}

/* Again, if we came too late, and what we got is not what that expiry made. */
static double sample(const struct source *source, const struct way *way)
{
	__u64 expires, woken;

	do {
		if (way->submit)
			way->submit();
		expires = source->expires();
		woken = way->wait();
	} while (source->is_device && record.timestamp - expires >= PERIOD_NS);
	return woken - expires;
}

static void measure(const struct source *source, const struct way *way)
{
	const char *reason = NULL;
	double *samples;
	unsigned int i;

	if (!wanted(source, way))
		return;
	if (way->begin)
		reason = way->begin();
	if (reason) {
		bench_missing(figure, about, reason);
		return;
	}

	if (fcntl(fd, F_SETFL, way->flags))
		fail("F_SETFL", errno);
	samples = bench_samples();
	sample(source, way);		/* the first finds the caches cold */
	for (i = 0; i < bench_options.samples; i++) {
		bench_check_stop();
		samples[i] = sample(source, way);
	}
	if (way->end)
		way->end();
	bench_report(figure, about, NULL, samples, i);
	free(samples);
}

static void measure_timerfd(void)
{
	unsigned int i;

	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (fd < 0)
		err(1, "timerfd_create");
	for (i = 0; i < TIMERFD_WAYS; i++)
		measure(&from_timerfd, &ways[i]);
	close(fd);
}

/* With its timer on, which the next bench_open() turns off again. */
static void measure_device(const struct source *source)
{
	struct iodemo_config config = { .period_us = PERIOD_US, .burst = 1 };
	unsigned int i;

	if (!any_wanted(source))
		return;
	fd = bench_open(0, O_RDWR);
	iodemo_ioctl(fd, bench_options.device, IODEMO_SET_CONFIG, &config, "SET_CONFIG");
	for (i = 0; i < WAYS; i++)
		measure(source, &ways[i]);
	close(fd);
}

static void measure_threaded(void)
{
	const char *reason;
	unsigned int i;

	if (!any_wanted(&from_threaded))
		return;
	reason = bench_load("period_us=0 threaded=1");
	if (!reason) {
		measure_device(&from_threaded);
		bench_unload();
		return;
	}
	for (i = 0; i < WAYS; i++)
		if (wanted(&from_threaded, &ways[i]))
			bench_missing(figure, about, reason);
}

void bench_waking(void)
{
	bench_title("waking: from the timer's expiry to the record",
		    "wake-timerfd-read", NULL);
	measure_timerfd();
	measure_device(&from_device);

	bench_title("waking: the same with threaded=1", "wake-timerfd-read", "wake-read");
	measure_threaded();
}
