// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a job of hardware costs: by its driver's counts, and by how long a processor
 * had something to do
 *
 * Looking can cost more than a job, so what a look takes, with nothing in between, is
 * subtracted; and from a job that takes long, what the machine does by itself in such
 * a time. The device works beside the processor, and how long is not ours to say. So
 * the jobs differ: in some the device is ready before the program sleeps, in some a
 * tick of the kernel's comes between. What counts are those where it slept, if there
 * are any, and of these the least, which had no tick.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "hardware.h"

#define LONG_NS		1000000		/* from here on, a job takes long */
#define LOOKS		30

struct job {
	bool slept;
	double busy;
	double elapsed;
	double polls;
	double latency;
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[count / 2];
}

static double least(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), by_size);
	return values[0];
}

static long switches(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage))
		err(1, "getrusage");
	return usage.ru_nvcsw;
}

static void *alloc(unsigned int count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		err(1, "no memory for %u jobs", count);
	return memory;
}

static void check(const char *device, const struct iodemo_record *record, ssize_t bytes)
{
	if (bytes < 0)
		err(1, "%s: read", device);
	if (!bytes)
		errx(1, "%s: the device was unplugged", device);
	if (record->type == IODEMO_TYPE_SAMPLE &&
	    memcmp(record->data, iodemo_sample(record->seq), IODEMO_DATA_SIZE))
		errx(1, "%s: record %llu is not what the device makes", device, record->seq);
}

static struct job one(const char *device, int fd, bool instructions)
{
	long slept = switches();
	__u64 polls = iodemo_hardware_count(device, "polls");
	struct iodemo_record record;
	struct job job;
	__u32 count = 1;
	ssize_t bytes;
	__u64 begin;

	begin = iodemo_now();
	job.busy = iodemo_busy(instructions);
	iodemo_ioctl(fd, device, IODEMO_TRIGGER, &count, "TRIGGER");
	bytes = read(fd, &record, sizeof(record));
	job.latency = iodemo_now();
	job.busy = iodemo_busy(instructions) - job.busy;
	job.elapsed = iodemo_now() - begin;
	check(device, &record, bytes);
	job.slept = switches() != slept;
	job.latency -= record.timestamp;
	job.polls = iodemo_hardware_count(device, "polls") - polls;
	return job;
}

/* What the processors do while we sleep so long, with the two looks at it */
static double idle_busy(__u64 ns, bool instructions)
{
	struct timespec time = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	double values[LOOKS];
	unsigned int i;

	for (i = 0; i < LOOKS; i++) {
		double begin = iodemo_busy(instructions);

		if (ns)
			nanosleep(&time, NULL);
		values[i] = iodemo_busy(instructions) - begin;
	}
	return least(values, LOOKS);
}

/* What one poll takes: the median of what neighbours differ by */
static double poll_cost(const struct job *jobs, unsigned int count, double *values)
{
	unsigned int i, n = 0;

	for (i = 1; i < count; i++) {
		double polls = jobs[i].polls - jobs[i - 1].polls;

		if (polls)
			values[n++] = (jobs[i].busy - jobs[i - 1].busy) / polls;
	}
	return n ? median(values, n) : 0;
}

static struct iodemo_jobs counted(const char *device, int fd)
{
	struct iodemo_stats stats;

	iodemo_ioctl(fd, device, IODEMO_GET_STATS, &stats, "GET_STATS");
	return (struct iodemo_jobs) {
		.accesses = iodemo_hardware_count(device, "accesses"),
		.polls = iodemo_hardware_count(device, "polls"),
		.interrupts = stats.interrupts,
		.register_bytes = iodemo_hardware_count(device, "register_bytes"),
		.dma_bytes = iodemo_hardware_count(device, "dma_bytes"),
	};
}

struct iodemo_jobs iodemo_measure_jobs(const char *device, int fd, const char *transfer,
				       bool instructions, unsigned int count)
{
	double *latencies = alloc(count, sizeof(*latencies));
	struct job *jobs = alloc(count, sizeof(*jobs));
	double *values = alloc(count, sizeof(*values));
	int error = iodemo_hardware_set(device, "transfer", transfer);
	double looking, elapsed, poll;
	struct iodemo_jobs before, after;
	unsigned int i, n = 0;
	bool any_slept = false;

	if (error)
		errx(1, "%s: transfer=%s: %s", device, transfer, strerror(-error));
	/* The DMA engine goes by the machine's own clock, and for that time can be skipped. */
	if (instructions && strcmp(transfer, "dma"))
		iodemo_keep_busy(true);
	one(device, fd, instructions);
	looking = idle_busy(0, instructions);
	before = counted(device, fd);
	for (i = 0; i < count; i++)
		jobs[i] = one(device, fd, instructions);
	after = counted(device, fd);

	for (i = 0; i < count; i++)
		values[i] = jobs[i].elapsed;
	elapsed = median(values, count);
	if (instructions && elapsed > LONG_NS && !strcmp(transfer, "dma"))
		after.idle_ns = idle_busy(elapsed, true) - idle_busy(1, true);
	poll = poll_cost(jobs, count, values);
	iodemo_keep_busy(false);

	for (i = 0; i < count; i++)
		any_slept |= jobs[i].slept;
	for (i = 0; i < count; i++) {
		double busy = jobs[i].busy - looking - after.idle_ns - jobs[i].polls * poll;

		if (jobs[i].slept == any_slept)
			values[n++] = busy;
		latencies[i] = jobs[i].latency;
	}
	after.busy_ns = least(values, n);
	after.latency_ns = median(latencies, count);

	after.accesses = (after.accesses - before.accesses) / count;
	after.polls = (after.polls - before.polls) / count;
	after.interrupts = (after.interrupts - before.interrupts) / count;
	after.register_bytes = (after.register_bytes - before.register_bytes) / count;
	after.dma_bytes = (after.dma_bytes - before.dma_bytes) / count;
	after.poll_ns = poll * after.polls;
	free(latencies);
	free(values);
	free(jobs);
	return after;
}
