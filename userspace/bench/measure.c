// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measuring what an operation costs
 *
 * A look at the clock costs more than some of what is measured, so operations
 * come in batches, and what an empty batch takes is subtracted.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "cli.h"

#define WARM_UP		2	/* batches */

struct bench_io bench_io;

/* What is being measured, for messages. */
static const struct bench_cost *current;

const char *bench_cannot(const char *what, int error)
{
	static char reason[128];

	snprintf(reason, sizeof(reason), "%s: %s", what, strerror(error));
	return reason;
}

void bench_wrong(void)
{
	err(1, "%s: the result is wrong; the last error", current->name);
}

/* Between these calls errno is only set, never cleared. */
static void check_eagain(void)
{
	if (bench_io.result < 0 && errno != EAGAIN)
		bench_wrong();
}

void bench_io_read(unsigned int batch)
{
	const struct bench_io io = bench_io;

	while (batch--)
		if (read(io.fd, io.data, io.size) != io.result)
			bench_wrong();
	check_eagain();
}

void bench_io_write(unsigned int batch)
{
	const struct bench_io io = bench_io;

	while (batch--)
		if (write(io.fd, io.data, io.size) != io.result)
			bench_wrong();
	check_eagain();
}

void bench_io_poll(unsigned int batch)
{
	struct pollfd pollfd = { .fd = bench_io.fd, .events = POLLIN };

	while (batch--)
		if (poll(&pollfd, 1, 0) != bench_io.result)
			bench_wrong();
}

double *bench_samples(void)
{
	double *samples = calloc(bench_options.samples, sizeof(*samples));

	if (!samples)
		err(1, "no memory for %u samples", bench_options.samples);
	return samples;
}

/* Nanoseconds, with those that the measuring itself takes. */
static double run_batch(const struct bench_cost *cost, unsigned int batch)
{
	__u64 begin;

	if (cost->prepare)
		cost->prepare(batch);
	begin = iodemo_now();
	cost->run(batch);
	return iodemo_now() - begin;
}

static void run_batches(const struct bench_cost *cost, unsigned int batch, double *samples)
{
	unsigned int i;

	for (i = 0; i < WARM_UP; i++)
		run_batch(cost, batch);
	for (i = 0; i < bench_options.samples; i++) {
		bench_check_stop();
		samples[i] = run_batch(cost, batch);
	}
}

static void run_nothing(unsigned int batch)
{
	(void)batch;
}

/* What an empty batch takes. */
static double overhead(void)
{
	static const struct bench_cost nothing = { .run = run_nothing };
	static double median;
	double *samples;

	if (median)
		return median;
	samples = bench_samples();
	run_batches(&nothing, 0, samples);
	median = bench_median(samples, bench_options.samples);
	free(samples);
	return median;
}

void bench_cost(const struct bench_cost *cost)
{
	unsigned int batch = cost->batch ?: BENCH_BATCH;
	unsigned int parts = cost->parts ?: 1;
	const char *reason = NULL;
	double *samples, empty;
	unsigned int i;

	bench_about(cost->name, cost->about);
	if (!bench_wanted(cost->name))
		return;
	current = cost;
	if (cost->begin)
		reason = cost->begin();
	if (reason) {
		bench_missing(cost->name, cost->about, reason);
		return;
	}

	empty = overhead();
	samples = bench_samples();
	run_batches(cost, batch, samples);
	for (i = 0; i < bench_options.samples; i++)
		samples[i] = (samples[i] - empty) / (batch * parts);
	if (cost->end)
		cost->end();
	bench_report(cost->name, cost->about, NULL, samples, bench_options.samples);
	free(samples);
}

void bench_costs(const struct bench_cost *costs)
{
	for (; costs->name; costs++)
		bench_cost(costs);
}
