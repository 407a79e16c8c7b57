// SPDX-License-Identifier: GPL-2.0-only
/*
 * The figures of a run: every record checked, its latency noted, all shown
 */
#include <err.h>
#include <errno.h>
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

/* The value that this share of all values doesn't exceed. */
static __u64 percentile(const struct iodemo_histogram *histogram, unsigned int percent)
{
	__u64 rest = (histogram->count * percent + 99) / 100;
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

/* George Marsaglia's xorshift: each step needs the one before. */
void iodemo_work(struct iodemo_run *run)
{
	__u64 x = run->work_state ?: 1;
	unsigned int i;

	for (i = 0; i < IODEMO_WORK_STEPS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	run->work_state = x;
	run->work++;
}

static double cpu_ms(const struct iodemo_run *run)
{
	return (run->usage.ru_utime.tv_sec + run->usage.ru_stime.tv_sec) * 1e3 +
	       (run->usage.ru_utime.tv_usec + run->usage.ru_stime.tv_usec) / 1e3;
}

static double submit_us(const struct iodemo_run *run)
{
	return run->submits ? run->submit_ns / 1e3 / run->submits : 0;
}

static double a_record(const struct iodemo_run *run, __u64 value)
{
	return run->records ? (double)value / run->records : 0;
}

static void show_json(const struct iodemo_run *run)
{
	printf("{\"model\":\"%s\",\"api\":\"%s\",\"files\":%u,\"wanted\":%llu,\"records\":%llu,",
	       run->model, run->api->name, run->files, run->wanted, run->records);
	printf("\"calls\":%llu,\"eagains\":%llu,\"voluntary\":%ld,\"involuntary\":%ld,",
	       run->calls, run->eagains, run->usage.ru_nvcsw, run->usage.ru_nivcsw);
	printf("\"more_calls\":%s,\"submits\":%llu,\"submit_us\":%.3f,\"threads\":%u,",
	       run->more_calls ? "true" : "false", run->submits, submit_us(run), run->threads);
	printf("\"copied_to_program\":%llu,\"copied_in_kernel\":%llu,",
	       run->copied_to_program, run->copied_in_kernel);
	printf("\"cpu_ms\":%.3f,\"elapsed_ms\":%.3f,",
	       cpu_ms(run), run->elapsed_ns / 1e6);
	printf("\"p50_us\":%.3f,\"p99_us\":%.3f,\"max_us\":%.3f,",
	       percentile(&run->latency, 50) / 1e3, percentile(&run->latency, 99) / 1e3,
	       run->latency.max / 1e3);
	printf("\"lost\":%llu,\"corrupt\":%llu,\"unplugged\":%s,\"work\":%llu}\n",
	       run->lost, run->corrupt, run->unplugged ? "true" : "false", run->work);
}

static void show_text(const struct iodemo_run *run)
{
	double elapsed_ms = run->elapsed_ns / 1e6;

	printf("%s, %s: %s\n\n", run->model, run->api->name, run->about);
	printf("  records         %9llu    in %.1f ms, from %u file%s\n",
	       run->records, elapsed_ms, run->files, run->files == 1 ? "" : "s");
	printf("  system calls    %9llu    %.2f a record%s\n", run->calls,
	       a_record(run, run->calls),
	       run->more_calls ? ", and those of hidden threads: see strace -f" : "");
	printf("  EAGAIN          %9llu\n", run->eagains);
	if (run->submits) {
		printf("  submit time     %9.1f µs mean of %llu calls that handed over reads\n",
		       submit_us(run), run->submits);
		printf("  threads         %9u    besides the program's own, at most\n",
		       run->threads);
	}
	if (run->counts_copies) {
		printf("  copied          %9llu    bytes to the program, %.2f a record\n",
		       run->copied_to_program, a_record(run, run->copied_to_program));
		printf("                  %9llu    bytes in the kernel, %.2f a record\n",
		       run->copied_in_kernel, a_record(run, run->copied_in_kernel));
	}
	printf("  switches        %9ld    voluntary: it slept\n", run->usage.ru_nvcsw);
	printf("                  %9ld    involuntary: it was put aside\n", run->usage.ru_nivcsw);
	printf("  CPU time        %9.1f ms %.1f %% of the time\n",
	       cpu_ms(run), 100 * cpu_ms(run) / elapsed_ms);
	printf("  latency p50     %9.1f µs\n", percentile(&run->latency, 50) / 1e3);
	printf("          p99     %9.1f µs\n", percentile(&run->latency, 99) / 1e3);
	printf("          max     %9.1f µs\n", run->latency.max / 1e3);
	printf("  lost            %9llu\n", run->lost);
	printf("  other work      %9llu    units, %.1f a ms\n", run->work, run->work / elapsed_ms);
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
