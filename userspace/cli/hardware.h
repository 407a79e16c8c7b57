/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hardware behind a device: what its driver tells of it in sysfs, and what its jobs
 * cost
 */
#ifndef HARDWARE_H
#define HARDWARE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define IODEMO_DEVICE_EDU	"/dev/iodemo-edu"

/* What /sys says of the hardware behind the node @device, without the newline: 0, or -errno. */
int iodemo_hardware_get(const char *device, const char *attribute, char *text, size_t size);
int iodemo_hardware_set(const char *device, const char *attribute, const char *text);

/* One that is a number; ends the program if there is none. */
__u64 iodemo_hardware_count(const char *device, const char *attribute);

/* What a processor does (busy.c) */

/**
 * iodemo_busy() - how long it had something to do
 * @instructions: the machine counts them, and has one processor
 *
 * Return: nanoseconds from some time on: where instructions are counted, when the
 * processor was not idle; else processor time of this thread, which has no interrupts
 * in it
 */
__u64 iodemo_busy(bool instructions);

/**
 * iodemo_keep_busy() - have another process use what is left of the only processor
 * @on: from now on, or no longer
 *
 * A machine that counts instructions skips the time in which nobody has anything to do,
 * and waits for no device that works beside it. So there, this is how to wait.
 */
void iodemo_keep_busy(bool on);

/**
 * iodemo_compete() - have another process compute, as a program like any other
 * @on: from now on, or no longer
 *
 * It stays on the processors of who calls this.
 */
void iodemo_compete(bool on);

/* How much of its work it has got done: nanoseconds that this takes if nothing disturbs. */
double iodemo_competed(void);

/* Jobs (jobs.c) */

/**
 * struct iodemo_jobs - what a job took, fired by hand, with the read of its record
 * @accesses: to the device's registers
 * @polls: of these, such as found it busy
 * @interrupts: from it
 * @register_bytes: through a register
 * @dma_bytes: by the device itself
 * @busy_ns: that a processor had to do for it, as iodemo_busy() has it, polls apart
 * @poll_ns: the polls
 * @idle_ns: what was subtracted from @busy_ns: what the machine does by itself meanwhile
 * @latency_ns: from when it was known to be ready until the program had the record; median
 */
struct iodemo_jobs {
	double accesses;
	double polls;
	double interrupts;
	double register_bytes;
	double dma_bytes;
	double busy_ns;
	double poll_ns;
	double idle_ns;
	double latency_ns;
};

/**
 * iodemo_measure_jobs() - let it do some
 * @device: the node
 * @fd: it, opened for reading and writing of raw records; no period
 * @transfer: by which way
 * @instructions: the machine counts them
 * @count: how many
 */
struct iodemo_jobs iodemo_measure_jobs(const char *device, int fd, const char *transfer,
				       bool instructions, unsigned int count);

#endif /* HARDWARE_H */
