// SPDX-License-Identifier: GPL-2.0-only
/*
 * A record of hardware with registers, fired and read, in each of the ways in which its
 * driver gets it from there
 *
 * The device works beside the processor, and how long is QEMU's affair. So what counts
 * is when a processor was not idle; and of pio, which asks all the while, what it would
 * take if the device were ready at once, since how often it has asked is known.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "cli.h"
#include "hardware.h"

#define JOBS_MAX	30	/* a transfer by DMA takes 100 ms */

static const struct way {
	const char *name;
	const char *about;
	const char *transfer;
} ways[] = {
	{ "transfer-pio", "pio: fire and read a record, polls apart", "pio" },
	{ "transfer-interrupt", "interrupt: fire and read a record", "interrupt" },
	{ "transfer-dma", "dma: fire and read a record, 100 ms later", "dma" },
	{ }
};

static void measure(int fd, const struct way *way)
{
	unsigned int count = bench_options.samples < JOBS_MAX ? bench_options.samples : JOBS_MAX;
	struct iodemo_jobs jobs;

	bench_check_stop();
	jobs = iodemo_measure_jobs(IODEMO_DEVICE_EDU, fd, way->transfer,
				   bench_options.instructions, count);
	jobs.busy_ns += jobs.idle_ns;
	bench_report(way->name, way->about, NULL, &jobs.busy_ns, 1);
}

static bool any_wanted(void)
{
	const struct way *way;
	bool any = false;

	for (way = ways; way->name; way++) {
		bench_about(way->name, way->about);
		any |= bench_wanted(way->name);
	}
	return any;
}

void bench_transfer(void)
{
	const struct way *way;
	const char *reason;
	int fd = -1;

	bench_title("transfer: a record of hardware with registers, by which way", NULL, NULL);
	if (!any_wanted())
		return;	/* and in the first pass nothing is */
	reason = bench_load_source("iodemo-edu", "period_us=0");
	if (!reason) {
		fd = open(IODEMO_DEVICE_EDU, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			reason = bench_cannot(IODEMO_DEVICE_EDU, errno);
	}
	if (!reason)
		iodemo_set_raw(fd, IODEMO_DEVICE_EDU, 1);
	for (way = ways; way->name; way++) {
		bench_about(way->name, way->about);
		if (!bench_wanted(way->name))
			continue;
		if (reason)
			bench_missing(way->name, way->about, reason);
		else
			measure(fd, way);
	}
	if (fd >= 0)
		close(fd);
	bench_unload_source();
}
