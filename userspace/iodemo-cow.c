// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy-on-write, where it is real: the ring in a private mapping
 *
 * The kernel gives such a mapping the device's own pages, and copies none. When the
 * program writes to one, there is a page fault, and that page becomes the program's
 * own: the device goes on without it.
 *
 * What to see: reading costs no memory and follows the device. The first write to a
 * page costs a fault and a page; the second nothing; and what the device writes there
 * afterwards, the program doesn't see any more.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli.h"

static const char *device = IODEMO_DEVICE;
static char *mapping;
static size_t length, page_size;

static void usage(void)
{
	printf("Usage: %s [OPTION]...\n\n"
	       "Maps the ring of a device privately, reads it, writes to it, and shows what is\n"
	       "copied when, and what that costs.\n\n"
	       "  -d, --device PATH    of PATH (default %s)\n"
	       "  -h, --help           this text\n"
	       "  -V, --version        which iodemo this is\n",
	       program_invocation_short_name, IODEMO_DEVICE);
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "device",	required_argument,	NULL, 'd' },
		{ "help",	no_argument,		NULL, 'h' },
		{ "version",	no_argument,		NULL, 'V' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "d:hV", known, NULL)) != -1) {
		switch (option) {
		case 'd':
			device = optarg;
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

/* What the kernel says of the mapping: kB that are our own */
static long own_kb(void)
{
	char line[256], begin[32];
	FILE *file = fopen("/proc/self/smaps", "re");
	bool found = false;
	long kb = -1;

	if (!file)
		err(1, "/proc/self/smaps");
	snprintf(begin, sizeof(begin), "%lx-", (unsigned long)mapping);
	while (kb < 0 && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, begin, strlen(begin)))
			found = true;
		else if (found)
			sscanf(line, "Anonymous: %ld", &kb);
	}
	fclose(file);
	return kb;
}

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static void read_page(atomic_char *page)
{
	atomic_load_explicit(page, memory_order_relaxed);
}

static void write_page(atomic_char *page)
{
	atomic_store_explicit(page, '!', memory_order_relaxed);
}

/* To each page that has records */
static void on_each(const char *what, void (*touch)(atomic_char *page))
{
	size_t pages = (length - IODEMO_MMAP_RECORDS) / page_size, i;
	long before = faults(), after;
	__u64 begin = iodemo_now(), end;

	for (i = 0; i < pages; i++)
		touch((atomic_char *)(mapping + IODEMO_MMAP_RECORDS + i * page_size));
	end = iodemo_now();
	after = faults();
	printf("%-36s  %6ld  %8ld  %10.0f\n", what, after - before, own_kb(),
	       (double)(end - begin) / pages);
}

static void trigger(int fd, __u32 count)
{
	iodemo_ioctl(fd, device, IODEMO_TRIGGER, &count, "TRIGGER");
}

/* How many of the ring's records the mapping shows as they are */
static unsigned int current_records(__u64 head, unsigned int capacity)
{
	const struct iodemo_record *records = (const void *)(mapping + IODEMO_MMAP_RECORDS);
	unsigned int i, count = 0;

	for (i = 0; i < capacity; i++)
		count += records[i].seq + capacity >= head && records[i].seq % capacity == i &&
			 records[i].seq < head;
	return count;
}

static void show_current(int fd, const char *when, unsigned int capacity)
{
	struct iodemo_stats stats;

	iodemo_ioctl(fd, device, IODEMO_GET_STATS, &stats, "GET_STATS");
	printf("%s, it shows %u of the ring's %u records\n", when,
	       current_records(stats.records, capacity), capacity);
}

int main(int argc, char **argv)
{
	struct iodemo_info info;
	int fd;

	options(argc, argv);
	page_size = sysconf(_SC_PAGESIZE);
	fd = iodemo_open_or_exit(device, O_RDWR);
	iodemo_ioctl(fd, device, IODEMO_GET_INFO, &info, "GET_INFO");
	length = IODEMO_MMAP_RECORDS + info.capacity * sizeof(struct iodemo_record);
	length = (length + page_size - 1) / page_size * page_size;
	mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, IODEMO_MMAP_RING);
	if (mapping == MAP_FAILED)
		err(1, "%s: mmap, private and to be written", device);

	trigger(fd, info.capacity);
	show_current(fd, "Mapped", info.capacity);
	printf("\n%-36s  %6s  %8s  %10s\n", "a byte of each page of records", "faults", "kB, own",
	       "ns a page");
	on_each("read", read_page);
	on_each("written", write_page);
	on_each("written again", write_page);
	printf("\n");
	trigger(fd, info.capacity);
	show_current(fd, "A lap later", info.capacity);
	printf("\nfaults: the kernel had to see to a page. kB, own: of the mapping, so much is\n"
	       "the program's alone (Anonymous in /proc/self/smaps). The device and its other\n"
	       "readers never notice.\n");
	if (fflush(stdout) || ferror(stdout))
		err(1, "standard output");
	return 0;
}
