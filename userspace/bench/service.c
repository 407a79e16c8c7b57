// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts against polling: the device under a load that grows to more than any
 * processor can take, served in each of the ways that the module has
 *
 * All is on one processor: the interrupts, the poller, a program that reads the
 * records, and one that computes. What to see: with interrupts alone, each record costs
 * an interrupt, until nothing is left but interrupts, and the reader gets less the more
 * is offered: live-lock. Ours rests before that, unless told not to. Polling costs the
 * same at any load, also with none, and is late. Hybrid is quick where interrupts are,
 * and gets as much as polling where they break.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "cli.h"
#include "hardware.h"

#define WINDOW_NS	20000000ULL	/* of each load, or one period if that is longer */
#define WINDOW_REAL_NS	300000000ULL

/* A way to serve it, and the module's parameters for that */
static const struct service {
	const char *name;
	const char *title;
	const char *parameters;
} services[] = {
	{ "service-interrupt",	"interrupt",		"service=interrupt" },
	{ "service-unrested",	"interrupt, rest=0",	"service=interrupt rest=0" },
	{ "service-polling",	"polling",		"service=polling" },
	{ "service-hybrid",	"hybrid",		"service=hybrid" },
};

static const struct load {
	unsigned int period_us;
	unsigned int burst;
} loads[] = {
	{ 1000000, 1 }, { 100000, 1 }, { 10000, 1 }, { 1000, 1 }, { 200, 1 }, { 100, 1 },
	{ 50, 1 }, { 20, 1 }, { 10, 1 }, { 10, 2 }, { 10, 5 }, { 10, 10 }, { 10, 20 },
	{ 10, 50 }, { 10, 100 }, { 10, 200 }, { 10, 500 }, { 10, 1000 },
};

#define SERVICES	(sizeof(services) / sizeof(services[0]))
#define LOADS		(sizeof(loads) / sizeof(loads[0]))

static struct outcome {
	double read;		/* records a second */
	double left;		/* percent of the processor, for the program that computes */
	double latency;		/* nanoseconds, of a record that was read, on average */
} outcomes[SERVICES][LOADS];

static double offered(const struct load *load)
{
	return 1e6 / load->period_us * load->burst;
}

static void fail(const char *what)
{
	err(1, "%s: %s", bench_options.device, what);
}

/* Takes records until then. */
static void take(int fd, __u64 until, double *records, double *latency)
{
	static struct iodemo_record batch[IODEMO_BATCH];
	__u64 now;

	do {
		ssize_t bytes = read(fd, batch, sizeof(batch));
		unsigned int i, count = bytes / sizeof(batch[0]);

		if (bytes <= 0)
			fail("read");
		now = iodemo_now();
		for (i = 0; i < count; i++)
			*latency += now - batch[i].timestamp;
		*records += count;
	} while (now < until);
}

static struct outcome measure(int fd, const struct load *load)
{
	struct iodemo_config config = { .period_us = load->period_us, .burst = load->burst };
	__u64 window = bench_options.instructions ? WINDOW_NS : WINDOW_REAL_NS;
	double records = 0, latency = 0, computed, elapsed;
	__u64 begin;

	bench_check_stop();
	if (window < 1000ULL * load->period_us)
		window = 1000ULL * load->period_us;
	bench_drain(fd);
	if (fcntl(fd, F_SETFL, 0))
		fail("F_SETFL");
	iodemo_ioctl(fd, bench_options.device, IODEMO_SET_CONFIG, &config, "SET_CONFIG");
	begin = iodemo_now();
	computed = iodemo_competed();
	take(fd, begin + window, &records, &latency);
	computed = iodemo_competed() - computed;
	elapsed = iodemo_now() - begin;
	config = (struct iodemo_config){ .burst = 1 };
	iodemo_ioctl(fd, bench_options.device, IODEMO_SET_CONFIG, &config, "SET_CONFIG");
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		fail("F_SETFL");
	return (struct outcome){
		.read = records * 1e9 / elapsed,
		.left = 100 * computed / elapsed,
		.latency = latency / records,
	};
}

/* The device's line, and all that we do from here on, go to the first processor. */
static void stay_on_one(int fd, cpu_set_t *before)
{
	struct iodemo_info info;
	char path[64];
	cpu_set_t one;
	FILE *file;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_getaffinity(0, sizeof(*before), before) ||
	    sched_setaffinity(0, sizeof(one), &one))
		err(1, "processor 0");
	iodemo_ioctl(fd, bench_options.device, IODEMO_GET_INFO, &info, "GET_INFO");
	if (!info.irq)
		return;
	snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", info.irq);
	file = fopen(path, "we");
	if (!file || fputs("0", file) < 0 || fclose(file))
		err(1, "%s", path);
}

static const char *sweep(const struct service *service, struct outcome *outcome)
{
	const char *reason;
	char parameters[80];
	cpu_set_t before;
	unsigned int i;
	int fd;

	snprintf(parameters, sizeof(parameters), "period_us=0 %s", service->parameters);
	reason = bench_load(parameters);
	if (reason)
		return reason;
	fprintf(stderr, "# %s: %zu loads ...\n", service->title, LOADS);
	fd = bench_open(0, O_RDWR);
	stay_on_one(fd, &before);
	iodemo_compete(true);
	for (i = 0; i < LOADS; i++)
		outcome[i] = measure(fd, &loads[i]);
	iodemo_compete(false);
	sched_setaffinity(0, sizeof(before), &before);
	close(fd);
	bench_unload();
	return NULL;
}

static void note(const struct service *service, const struct outcome *outcome)
{
	static const struct {
		const char *suffix;
		const char *about;
		const char *unit;
	} of[] = {
		{ "read", "read", "records/s" },
		{ "left", "left for programs", "%" },
		{ "latency", "from made to read", NULL },
	};
	unsigned int i, what;

	for (i = 0; i < LOADS; i++) {
		const double values[] = { outcome[i].read, outcome[i].left, outcome[i].latency };

		for (what = 0; what < 3; what++) {
			char name[64], about[80];

			snprintf(name, sizeof(name), "%s-%s-%.0f", service->name,
				 of[what].suffix, offered(&loads[i]));
			snprintf(about, sizeof(about), "%s: %s, of %.0f records/s offered",
				 service->title, of[what].about, offered(&loads[i]));
			bench_note(name, about, of[what].unit, values[what]);
		}
	}
}

static void show(const bool *measured)
{
	unsigned int i, s;

	printf("\n%-10s", "offered");
	for (s = 0; s < SERVICES; s++)
		if (measured[s])
			printf(" | %-25s", services[s].title);
	printf("\n%-10s", "records/s");
	for (s = 0; s < SERVICES; s++)
		if (measured[s])
			printf(" | %9s %5s %9s", "read/s", "left", "latency");
	putchar('\n');
	for (i = 0; i < LOADS; i++) {
		printf("%-10.0f", offered(&loads[i]));
		for (s = 0; s < SERVICES; s++) {
			const struct outcome *outcome = &outcomes[s][i];

			if (measured[s])
				printf(" | %9.0f %3.0f %% %9.0f", outcome->read, outcome->left,
				       outcome->latency);
		}
		putchar('\n');
	}
	printf("\nread: by one program; left: of the processor, for another one that computes;\n"
	       "latency: from when it was made (with interrupts: handled) to when it was read, %s\n",
	       bench_options.instructions ? "instructions" : "ns");
}

void bench_service(void)
{
	bool measured[SERVICES] = { }, any = false;
	unsigned int s;

	bench_title("service: interrupts against polling, under a growing load", NULL, NULL);
	for (s = 0; s < SERVICES; s++) {
		const char *reason;

		bench_about(services[s].name, services[s].title);
		if (!bench_wanted(services[s].name))
			continue;
		reason = sweep(&services[s], outcomes[s]);
		if (reason) {
			bench_missing(services[s].name, services[s].title, reason);
			continue;
		}
		measured[s] = true;
		any = true;
		note(&services[s], outcomes[s]);
	}
	if (any)
		show(measured);
}
