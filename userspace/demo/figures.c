// SPDX-License-Identifier: GPL-2.0-only
/*
 * The figures of a run: every record checked, its latency noted, all shown
 */
#include <err.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "demo.h"

atomic_bool iodemo_stopped;

/*
 * Buckets 0..63 are of one nanosecond; then each doubling has 32 of them, so
 * that a value is known to the sixth bit.
 */
static unsigned int bucket_of(__u64 ns)
{
	unsigned int shift = ns < 64 ? 0 : 58 - __builtin_clzll(ns);

	return (shift << 5) + (ns >> shift);
}

static __u64 bucket_end(unsigned int bucket)
{
	unsigned int shift = bucket < 64 ? 0 : (bucket >> 5) - 1;

	return ((__u64)(bucket - (shift << 5) + 1) << shift) - 1;
}

static void histogram_add(struct iodemo_histogram *histogram, __u64 ns)
{
	histogram->bucket[bucket_of(ns)]++;
	histogram->count++;
	if (ns > histogram->max)
		histogram->max = ns;
}

/* The value that this share of all values doesn't exceed. There must be one. */
static __u64 quantile(const struct iodemo_histogram *histogram, unsigned int permille)
{
	__u64 rest = (histogram->count * permille + 999) / 1000;
	unsigned int i;

	for (i = 0; rest > histogram->bucket[i]; i++)
		rest -= histogram->bucket[i];
	return bucket_end(i) < histogram->max ? bucket_end(i) : histogram->max;
}

static bool is_whole(const struct iodemo_record *record)
{
	static const __u8 zero[IODEMO_DATA_SIZE];

	if (record->type == IODEMO_TYPE_SAMPLE)
		return record->len == IODEMO_DATA_SIZE &&
		       !memcmp(record->data, iodemo_sample(record->seq), IODEMO_DATA_SIZE);
	return record->type == IODEMO_TYPE_ECHO && record->len <= IODEMO_DATA_SIZE &&
	       !memcmp(record->data + record->len, zero, IODEMO_DATA_SIZE - record->len);
}

/* What the figures need of a record. */
struct sight {
	__u64 seq;
	__u64 latency;
	bool good;
};

static struct sight look_at(const struct iodemo_record *record, __u64 now)
{
	return (struct sight){
		.seq = record->seq,
		.latency = now - record->timestamp,
		.good = record->timestamp <= now && is_whole(record),
	};
}

static void count(struct iodemo_run *run, struct iodemo_file *file, const struct sight *seen)
{
	if (seen->seq < file->next || !seen->good)
		run->corrupt++;
	else
		run->lost += seen->seq - file->next;
	file->next = seen->seq + 1;
	run->records++;
	histogram_add(&run->latency, seen->latency);
}

bool iodemo_over(const struct iodemo_run *run)
{
	return run->records >= run->wanted || run->unplugged || iodemo_stopped;
}

size_t iodemo_room(const struct iodemo_run *run, size_t size)
{
	__u64 left = (run->wanted - run->records) * sizeof(struct iodemo_record);

	return left < size ? left : size;
}

void iodemo_take_unplugged(struct iodemo_run *run, const struct iodemo_file *file)
{
	run->unplugged = true;
	warnx("%s: the device was unplugged", file->path);
}

void iodemo_take(struct iodemo_run *run, struct iodemo_file *file,
		 const struct iodemo_record *records, ssize_t bytes)
{
	__u64 now = iodemo_now();	/* for the figures, so no call of the model's */
	struct sight seen;
	size_t i;

	if (bytes < 0 && errno != EINTR && !iodemo_stopped)
		err(1, "%s: read", file->path);
	if (bytes == 0)
		iodemo_take_unplugged(run, file);

	for (i = 0; bytes > 0 && i < bytes / sizeof(*records); i++) {
		seen = look_at(&records[i], now);
		count(run, file, &seen);
	}
}

/* What was seen counts only when the record turns out to have been whole, and ours. */
void iodemo_take_mapped(struct iodemo_run *run, struct iodemo_file *file,
			struct iodemo_ring *ring)
{
	const struct iodemo_record *record;
	struct sight seen;
	int taken;

	while (!iodemo_over(run) && (record = iodemo_ring_peek(ring))) {
		seen = look_at(record, iodemo_now());
		taken = iodemo_ring_take(ring);
		if (taken > 0)
			count(run, file, &seen);
		else
			run->calls++;	/* lapped, which takes a GET_STATS */
		if (taken < 0 && errno == ENODEV)
			iodemo_take_unplugged(run, file);
		else if (taken < 0)
			err(1, "%s: the mapped ring", file->path);
	}
}

noreturn void iodemo_unavailable(const struct iodemo_run *run, const char *reason,
				 const char *advice)
{
	struct utsname kernel;

	uname(&kernel);
	if (run->json)
		printf("{\"model\":\"%s\",\"api\":\"%s\",\"unavailable\":\"%s; this is %s\"}\n",
		       run->model, run->api->name, reason, kernel.release);
	else
		fprintf(stderr, "%s: --api=%s: %s; this is %s. %s\n",
			program_invocation_short_name, run->api->name, reason, kernel.release,
			advice);
	exit(2);
}

/*
 * George Marsaglia's xorshift: each step needs the one before. It takes the time,
 * since units a millisecond would tell more of the host than of the model.
 */
void iodemo_work(struct iodemo_run *run)
{
	__u64 begin = iodemo_now() - run->handler_ns;
	__u64 x = run->work_state ?: 1;
	unsigned int i;

	for (i = 0; i < IODEMO_WORK_STEPS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	run->work_state = x;
	run->work++;
	run->work_ns += iodemo_now() - run->handler_ns - begin;
}

static double cpu_ms(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
	       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

/*
 * How much of its processor time went to other work. While the program has its
 * processor, the clock shows what share of that it works; where it has to wait,
 * that stretches all alike. What threads take which work for the program in
 * hiding is taken off.
 */
static double work_percent(const struct iodemo_run *run)
{
	double all = cpu_ms(&run->usage), own = cpu_ms(&run->own_usage);

	return 100.0 * run->work_ns / run->elapsed_ns * (all ? own / all : 1);
}

/* It waited for a processor, or its interrupts were late. */
static bool waited_long(const struct iodemo_run *run)
{
	return run->waited_ns > run->elapsed_ns / 10;
}

static bool is_late(const struct iodemo_run *run)
{
	__u64 period_ns = run->records ? run->expected_ns / run->records : 0;

	return run->expected_ns && run->elapsed_ns > run->expected_ns * 3 / 2 + period_ns;
}

/* What was never measured is NAN: "-", and null in JSON. */

static double a_record(const struct iodemo_run *run, double value)
{
	return run->records ? value / run->records : NAN;
}

static double submit_us(const struct iodemo_run *run)
{
	return run->submits ? run->submit_ns / 1e3 / run->submits : NAN;
}

static double latency_us(const struct iodemo_run *run, unsigned int permille)
{
	return run->latency.count ? quantile(&run->latency, permille) / 1e3 : NAN;
}

static void json_number(const char *key, double value)
{
	printf(isnan(value) ? "\"%s\":null," : "\"%s\":%.3f,", key, value);
}

static void json_bool(const char *key, bool value)
{
	printf("\"%s\":%s,", key, value ? "true" : "false");
}

/* [percent, µs] */
static void json_quantiles(const struct iodemo_run *run)
{
	static const unsigned int permille[] = {
		10, 50, 100, 250, 500, 750, 900, 950, 990, 999, 1000
	};
	unsigned int i;

	printf("\"latency_quantiles_us\":[");
	for (i = 0; run->latency.count && i < sizeof(permille) / sizeof(permille[0]); i++)
		printf("%s[%g,%.3f]", i ? "," : "", permille[i] / 10.0,
		       latency_us(run, permille[i]));
	printf("],");
}

/* [bound, records] for each power of two of nanoseconds: half the bound <= latency < bound */
static void json_histogram(const struct iodemo_run *run)
{
	const struct iodemo_histogram *latency = &run->latency;
	__u64 bound, here, seen = 0;
	unsigned int i = 0;

	printf("\"latency_histogram_ns\":[");
	for (bound = 1; seen < latency->count; bound *= 2) {
		for (here = 0; bucket_end(i) < bound; i++)
			here += latency->bucket[i];
		if (here)
			printf("%s[%llu,%llu]", seen ? "," : "", bound, here);
		seen += here;
	}
	printf("],");
}

static void show_json(const struct iodemo_run *run)
{
	printf("{\"model\":\"%s\",\"api\":\"%s\",\"files\":%u,\"wanted\":%llu,\"records\":%llu,",
	       run->model, run->api->name, run->files, run->wanted, run->records);
	printf("\"calls\":%llu,\"eagains\":%llu,", run->calls, run->eagains);
	json_bool("more_calls", run->more_calls);
	json_number("calls_a_record", a_record(run, run->calls));
	printf("\"voluntary\":%ld,\"involuntary\":%ld,",
	       run->usage.ru_nvcsw, run->usage.ru_nivcsw);
	printf("\"submits\":%llu,\"threads\":%u,", run->submits, run->threads);
	json_number("submit_us", submit_us(run));
	json_number("submit_us_a_record", run->submits ? a_record(run, run->submit_ns / 1e3) : NAN);
	printf("\"copied_to_program\":%llu,\"copied_in_kernel\":%llu,",
	       run->copied_to_program, run->copied_in_kernel);
	json_number("copied_to_program_a_record",
		    run->counts_copies ? a_record(run, run->copied_to_program) : NAN);
	json_number("copied_in_kernel_a_record",
		    run->counts_copies ? a_record(run, run->copied_in_kernel) : NAN);
	json_number("cpu_ms", cpu_ms(&run->usage));
	json_number("elapsed_ms", run->elapsed_ns / 1e6);
	json_number("expected_ms", run->expected_ns ? run->expected_ns / 1e6 : NAN);
	json_number("waited_ms", run->waited_ns / 1e6);
	json_bool("busy", waited_long(run) || is_late(run));
	json_number("p50_us", latency_us(run, 500));
	json_number("p99_us", latency_us(run, 990));
	json_number("max_us", latency_us(run, 1000));
	json_quantiles(run);
	json_histogram(run);
	printf("\"lost\":%llu,\"corrupt\":%llu,", run->lost, run->corrupt);
	json_bool("unplugged", run->unplugged);
	json_number("work_ms", run->work_ns / 1e6);
	json_number("work_percent", work_percent(run));
	printf("\"work\":%llu}\n", run->work);
}

/* A figure in its column; of @unit, and what it says */
static void show(const char *name, double value, int digits, const char *text, ...)
	__attribute__((format(printf, 4, 5)));

static void show(const char *name, double value, int digits, const char *text, ...)
{
	va_list ap;

	if (isnan(value))
		printf("  %-14s %9s ", name, "-");
	else
		printf("  %-14s %9.*f ", name, digits, value);
	va_start(ap, text);
	vprintf(text, ap);
	va_end(ap);
	putchar('\n');
}

static void show_text(const struct iodemo_run *run)
{
	double elapsed_ms = run->elapsed_ns / 1e6;

	printf("%s, %s: %s\n\n", run->model, run->api->name, run->about);
	show("records", run->records, 0, "   read and checked in %.1f ms, from %u file%s",
	     elapsed_ms, run->files, run->files == 1 ? "" : "s");
	show("system calls", run->calls, 0, "   of the loop%s",
	     run->more_calls ? "; those of hidden threads: see strace -f" : "");
	show("", a_record(run, run->calls), 2, "   a record");
	show("EAGAIN", run->eagains, 0, "   of these, that asked in vain");
	if (run->submits) {
		show("submit time", submit_us(run), 1,
		     "µs a call that handed over reads, mean of %llu", run->submits);
		show("threads", run->threads, 0, "   besides the program's own, at most");
	}
	if (run->counts_copies) {
		show("copied", a_record(run, run->copied_to_program), 0,
		     "   bytes a record, to the program");
		show("", a_record(run, run->copied_in_kernel), 0,
		     "   bytes a record, in the kernel");
	}
	show("slept", run->usage.ru_nvcsw, 0, "   times: voluntary switches to another task");
	show("put aside", run->usage.ru_nivcsw, 0, "   times: involuntary switches");
	show("CPU time", cpu_ms(&run->usage), 1, "ms user and kernel, %.1f %% of the time",
	     100 * cpu_ms(&run->usage) / elapsed_ms);
	show("latency p50", latency_us(run, 500), 1,
	     "µs from the interrupt until the program has it:");
	show("        p99", latency_us(run, 990), 1, "µs 50 %% and 99 %% of the records");
	show("        max", latency_us(run, 1000), 1, "µs took no longer");
	show("lost", run->lost, 0, "   records, overwritten before they were read");
	show("other work", work_percent(run), 1, "%%  of its processor time, in %llu units",
	     run->work);
	if (waited_long(run))
		printf("\nThis machine was busy: for %.1f ms the program had no processor. "
		       "Run it again.\n", run->waited_ns / 1e6);
	else if (is_late(run))
		printf("\nThis machine was busy, or is too slow: interrupts of %.1f ms took %.1f. "
		       "Run it again.\n", run->expected_ns / 1e6, elapsed_ms);
}

int iodemo_end(struct iodemo_run *run)
{
	if (run->json)
		show_json(run);
	else
		show_text(run);
	if (run->corrupt)
		warnx("%llu records were torn, invented or out of order", run->corrupt);
	if (fflush(stdout))
		err(1, "standard output");
	return run->corrupt || run->unplugged;
}
