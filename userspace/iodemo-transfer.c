// SPDX-License-Identifier: GPL-2.0-only
/*
 * How data gets from hardware into memory: the same records of the same device, by
 * programmed I/O, with interrupts, and by DMA
 *
 * What to see, from row to row: the processor asks all the time whether the device
 * is ready; it is told, but still carries each word; it is told, and finds the record
 * in memory. What a program does is the same: it sleeps in read().
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "hardware.h"

#define RECORDS		50
#define RATE		1000	/* records a second */
#define RECORDS_MAX	10000

static const char *device = IODEMO_DEVICE_EDU;
static unsigned int records = RECORDS;
static bool instructions, json;

/* One way */
struct row {
	const char *transfer;
	struct iodemo_jobs jobs;
};

static struct row rows[] = {
	{ .transfer = "pio" },
	{ .transfer = "interrupt" },
	{ .transfer = "dma" },
};

#define ROWS	(sizeof(rows) / sizeof(rows[0]))

static void usage(void)
{
	printf("Usage: %s [OPTION]...\n\n"
	       "Fires and reads records of a device with registers, with each way in which its\n"
	       "driver gets them from there, and shows what that costs. Needs root, and\n"
	       "iodemo-edu.ko.\n\n"
	       "  -n, --records N      read N records each time: 1..%u (default %u)\n"
	       "  -d, --device PATH    of PATH (default %s)\n"
	       "  -i, --instructions   a nanosecond of this machine is an instruction, as with\n"
	       "                       QEMU's -icount shift=0\n"
	       "  -j, --json           the figures, for programs\n"
	       "  -h, --help           this text\n"
	       "  -V, --version        which iodemo this is\n",
	       program_invocation_short_name, RECORDS_MAX, RECORDS,
	       IODEMO_DEVICE_EDU);
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "records",		required_argument,	NULL, 'n' },
		{ "device",		required_argument,	NULL, 'd' },
		{ "instructions",	no_argument,		NULL, 'i' },
		{ "json",		no_argument,		NULL, 'j' },
		{ "help",		no_argument,		NULL, 'h' },
		{ "version",		no_argument,		NULL, 'V' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "n:d:ijhV", known, NULL)) != -1) {
		switch (option) {
		case 'n':
			records = iodemo_number("--records", optarg, 1, RECORDS_MAX);
			break;
		case 'd':
			device = optarg;
			break;
		case 'i':
			instructions = true;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			usage();
			exit(0);
		case 'V':
			iodemo_show_version();
		default:
			errx(1, "`%s --help` lists the options", program_invocation_short_name);
		}
	}
	if (optind < argc)
		errx(1, "%s: no argument is expected; `%s --help` lists the options", argv[optind],
		     program_invocation_short_name);
}

/* Of a processor, if it were to make so many a second */
static double percent(const struct row *row)
{
	return 100 * (row->jobs.busy_ns + row->jobs.poll_ns) * RATE / 1e9;
}

/* Nanoseconds are instructions, or shown as microseconds. */
static void print_time(int width, double ns)
{
	if (instructions)
		printf("  %*.0f", width, ns);
	else
		printf("  %*.1f", width, ns / 1000);
}

static void print_table(void)
{
	const char *unit = instructions ? "instructions" : "µs";
	unsigned int i;

	printf("%-10s  %8s  %7s  %10s  %12s  %9s  %12s  %8s  %6s  %8s\n", "transfer",
	       "accesses", "polls", "interrupts", "by processor", "by device",
	       instructions ? "instructions" : "CPU", "polling", "CPU %", "latency");
	for (i = 0; i < ROWS; i++) {
		const struct iodemo_jobs *jobs = &rows[i].jobs;

		printf("%-10s  %8.0f  %7.0f  %10.0f  %12.0f  %9.0f", rows[i].transfer,
		       jobs->accesses, jobs->polls, jobs->interrupts, jobs->register_bytes,
		       jobs->dma_bytes);
		print_time(12, jobs->busy_ns);
		print_time(8, jobs->poll_ns);
		printf("  %6.2f", percent(&rows[i]));
		print_time(8, jobs->latency_ns);
		printf("\n");
	}
	printf("\nEach figure is for one record, fired and read:\n"
	       "  accesses      to the device's registers\n"
	       "  polls         of these, such as only found it busy\n"
	       "  interrupts    from the device\n"
	       "  by processor  bytes moved through a register, there and back\n"
	       "  by device     bytes that the device moved to memory by itself\n"
	       "  %s  %s, with the program's two calls%s\n"
	       "  polling       %s for the polls, in which nobody else had the processor\n"
	       "  CPU %%         both, of a processor, with %u records a second\n"
	       "  latency       %s from knowing that it is ready until the program has it\n",
	       instructions ? "instructions" : "CPU         ", unit,
	       instructions ? "" : "; without what the interrupt's handler takes", unit, RATE,
	       unit);
}

static void print_json(void)
{
	unsigned int i;

	printf("{\"records\":%u,\"instructions\":%s,\"transfers\":[", records,
	       instructions ? "true" : "false");
	for (i = 0; i < ROWS; i++) {
		const struct iodemo_jobs *jobs = &rows[i].jobs;

		printf("%s{\"transfer\":\"%s\",\"accesses\":%.2f,\"polls\":%.2f,"
		       "\"interrupts\":%.2f,\"register_bytes\":%.2f,\"dma_bytes\":%.2f,"
		       "\"busy_ns\":%.0f,\"poll_ns\":%.0f,\"percent\":%.3f,"
		       "\"latency_ns\":%.0f}", i ? "," : "", rows[i].transfer, jobs->accesses,
		       jobs->polls, jobs->interrupts, jobs->register_bytes, jobs->dma_bytes,
		       jobs->busy_ns, jobs->poll_ns, percent(&rows[i]), jobs->latency_ns);
	}
	printf("]}\n");
}

/* Whatever ends us, the device is as it was. */
static struct {
	int fd;
	char transfer[32];
	struct iodemo_config config;
} before;

static void put_back(void)
{
	int error = iodemo_hardware_set(device, "transfer", before.transfer);

	iodemo_keep_busy(false);
	if (error || ioctl(before.fd, IODEMO_SET_CONFIG, &before.config))
		warnx("%s: transfer=%s period_us=%u was not put back", device, before.transfer,
		      before.config.period_us);
}

static void stop(int signal)
{
	(void)signal;
	exit(1);
}

int main(int argc, char **argv)
{
	struct iodemo_config config = { .burst = 1 };
	unsigned int i;
	int error;

	options(argc, argv);
	before.fd = iodemo_open_or_exit(device, O_RDWR);
	error = iodemo_hardware_get(device, "transfer", before.transfer, sizeof(before.transfer));
	if (error)
		errx(1, "%s: its source has no choice of transfers (%s): load iodemo-edu, or give\n"
		     "another --device", device, strerror(-error));
	iodemo_ioctl(before.fd, device, IODEMO_GET_CONFIG, &before.config, "GET_CONFIG");
	if (atexit(put_back))
		errx(1, "atexit");
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	signal(SIGHUP, stop);
	iodemo_ioctl(before.fd, device, IODEMO_SET_CONFIG, &config, "SET_CONFIG");
	iodemo_set_raw(before.fd, device, 1);

	for (i = 0; i < ROWS; i++)
		rows[i].jobs = iodemo_measure_jobs(device, before.fd, rows[i].transfer,
						   instructions, records);
	if (json)
		print_json();
	else
		print_table();
	if (fflush(stdout) || ferror(stdout))
		err(1, "standard output");
	return 0;
}
