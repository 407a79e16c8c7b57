/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iodemo-bench: measuring an operation, the device, and the groups
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "figures.h"
#include "iodemo.h"

/* Measuring (measure.c) --------------------------------------------------- */

/* Operations between two looks at the clock. */
#define BENCH_BATCH	64

/**
 * struct bench_cost - an operation that is measured in batches
 * @name: as of struct bench_figure
 * @about: likewise
 * @parts: what one operation is divided by, such as its records; 0 is 1
 * @batch: operations in a batch, BENCH_BATCH at most; 0 is BENCH_BATCH
 * @begin: set up; NULL if there is nothing to. Returns NULL, or why it can't.
 * @prepare: before each batch, not measured: lay ready what it takes; may be NULL
 * @run: the operations
 * @end: take down; may be NULL
 */
struct bench_cost {
	const char *name;
	const char *about;
	unsigned int parts;
	unsigned int batch;
	const char *(*begin)(void);
	void (*prepare)(unsigned int batch);
	void (*run)(unsigned int batch);
	void (*end)(void);
};

/* Measures those that are wanted of a list that an empty row ends. */
void bench_costs(const struct bench_cost *costs);

/* The same for one, whose name and description are made at run time. */
void bench_cost(const struct bench_cost *cost);

/* Why something can't be begun: "what: error"; in memory that the next call uses again. */
const char *bench_cannot(const char *what, int error);

/* Ends the program: the operation that is measured didn't do what it should. */
noreturn void bench_wrong(void);

/*
 * Operations that many figures have in common, for bench_cost.run. What they
 * are done to is set by begin; each must have @result, and -1 means EAGAIN.
 */
struct bench_io {
	int fd;
	void *data;
	size_t size;
	ssize_t result;
};

extern struct bench_io bench_io;

void bench_io_read(unsigned int batch);
void bench_io_write(unsigned int batch);
void bench_io_poll(unsigned int batch);		/* POLLIN, and not to wait */

/* An array of bench_options.samples, for figures with a loop of their own; to be freed. */
double *bench_samples(void);

/* The device (device.c) --------------------------------------------------- */

/* Opens the device number @index, raw and nonblocking, with the timer off. */
int bench_open(unsigned int index, int flags);

/* Makes @records records: as few interrupts as possible, through @fd. */
void bench_store(int fd, unsigned int records);

/* Makes @interrupts interrupts of one record each, through @fd. */
void bench_trigger(int fd, unsigned int interrupts);

/* Takes all that is there. */
void bench_drain(int fd);

/**
 * bench_load() - load the module anew
 * @parameters: its parameters, like "devices=16 period_us=0"
 *
 * Return: NULL, or why not; without --reload it is not tried. What was loaded
 * before, with its parameters, is put back by bench_unload().
 */
const char *bench_load(const char *parameters);
void bench_unload(void);

/**
 * bench_load_source() - load the module of another source
 * @module: its name
 * @parameters: its parameters
 *
 * Return: as bench_load(). bench_unload_source() unloads it.
 */
const char *bench_load_source(const char *module, const char *parameters);
void bench_unload_source(void);

/* How many devices there are. */
unsigned int bench_devices(void);

/* The groups, in the order in which they run */

void bench_floor(void);		/* floor.c: what nothing can go below */
void bench_others(void);	/* others.c: what one would use instead */
void bench_iodemo(void);	/* calls.c: read, poll, write, ioctl, the mapped ring */
void bench_async(void);		/* async.c: libaio, io_uring */
void bench_waking(void);	/* waking.c: from the timer's expiry to the record */
void bench_growth(void);	/* growth.c: many files, devices, and ring sizes */
void bench_transfer(void);	/* transfer.c: hardware with registers */
void bench_service(void);	/* service.c: interrupts against polling, under load */
void bench_sustained(void);	/* sustained.c: records per second without loss */

#endif /* BENCH_H */
