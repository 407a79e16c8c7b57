// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many records a second one reader takes, and from where on it loses some
 *
 * The device's timer makes them, faster and faster; the reader sleeps in read()
 * and takes up to 64 at a time.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "cli.h"

#define RUN_US		300000		/* of the device's time */

static const struct run {
	unsigned int period_us;
	unsigned int burst;
} runs[] = {
	{ 1000, 1 }, { 500, 1 }, { 200, 1 }, { 100, 1 }, { 50, 1 }, { 20, 1 }, { 10, 1 },
	{ 100, 16 }, { 50, 16 }, { 20, 16 }, { 10, 16 },
	{ 100, 256 }, { 50, 256 }, { 20, 256 }, { 10, 256 },
};

#define RUNS		(sizeof(runs) / sizeof(runs[0]))
#define SHOWN		7		/* with figures of their own */

#define MAX		"sustained-max"
#define MAX_ABOUT	"the most without loss"

static int fd;

static __u64 count_lost(void)
{
	struct iodemo_stats stats;

	iodemo_ioctl(fd, bench_options.device, IODEMO_GET_STATS, &stats, "GET_STATS");
	return stats.lost;
}

/* Returns the seq that should come next. */
static __u64 read_batch(unsigned int *records)
{
	static struct iodemo_record batch[IODEMO_BATCH];
	ssize_t bytes = read(fd, batch, sizeof(batch));

	if (bytes <= 0)
		err(1, "%s: read", bench_options.device);
	*records = bytes / sizeof(batch[0]);
	return batch[*records - 1].seq + 1;
}

/*
 * Returns records a second; @lost, how many it lost on the way. Each time with
 * a new file, as that has nothing left of what came before.
 */
static double take(const struct run *run, double *lost)
{
	struct iodemo_config config = { .period_us = run->period_us, .burst = run->burst };
	__u64 taken = 0, begin, end, seq;
	unsigned int records;

	fd = bench_open(0, O_RDWR);
	if (fcntl(fd, F_SETFL, 0))
		err(1, "%s: F_SETFL", bench_options.device);
	iodemo_ioctl(fd, bench_options.device, IODEMO_SET_CONFIG, &config, "SET_CONFIG");
	seq = read_batch(&records);	/* the device runs */
	*lost = count_lost();
	begin = iodemo_now();
	end = seq + (__u64)RUN_US / run->period_us * run->burst;
	while (seq < end) {
		bench_check_stop();
		seq = read_batch(&records);
		taken += records;
	}
	end = iodemo_now();
	*lost = count_lost() - *lost;
	close(fd);
	return taken * 1e9 / (end - begin);
}

static char rate_name[32], rate_about[64];
static char lost_name[32], lost_about[64];

static void name_figures(const struct run *run)
{
	snprintf(rate_name, sizeof(rate_name), "sustained-%u", run->period_us);
	snprintf(rate_about, sizeof(rate_about), "a record each %u µs", run->period_us);
	snprintf(lost_name, sizeof(lost_name), "lost-%u", run->period_us);
	snprintf(lost_about, sizeof(lost_about), "lost, of one each %u µs", run->period_us);
	bench_about(rate_name, rate_about);
	bench_about(lost_name, lost_about);
}

/* One of them takes all runs. */
static bool any_wanted(void)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < SHOWN; i++) {
		name_figures(&runs[i]);
		any |= bench_wanted(rate_name);
		any |= bench_wanted(lost_name);
	}
	bench_about(MAX, MAX_ABOUT);
	any |= bench_wanted(MAX);
	return any;
}

static void show(const struct run *run, double rate, double lost)
{
	name_figures(run);
	if (bench_wanted(rate_name))
		bench_report(rate_name, rate_about, "records/s", &rate, 1);
	if (bench_wanted(lost_name))
		bench_report(lost_name, lost_about, "records", &lost, 1);
}

static void measure(void)
{
	char about[64];
	double max = 0;
	unsigned int i;

	for (i = 0; i < RUNS; i++) {
		double lost, rate = take(&runs[i], &lost);

		if (i < SHOWN)
			show(&runs[i], rate, lost);
		if (!lost && rate > max) {
			max = rate;
			snprintf(about, sizeof(about), MAX_ABOUT ": %u each %u µs",
				 runs[i].burst, runs[i].period_us);
		}
	}
	if (!bench_wanted(MAX))
		return;
	if (max)
		bench_report(MAX, about, "records/s", &max, 1);
	else
		bench_missing(MAX, MAX_ABOUT, "all runs lost some");
}

/* Where instructions are counted, time is not what a second of it is elsewhere. */
void bench_sustained(void)
{
	if (bench_options.instructions)
		return;
	bench_title("sustained: one reader, up to 64 records a read", NULL, NULL);
	if (any_wanted())
		measure();
}
