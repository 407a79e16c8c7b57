// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same hardware without a driver of ours: its registers are mapped into the
 * program, and the kernel's uio_pci_generic turns its interrupts into a file
 *
 * What to see: a register costs an instruction, and no system call. But an interrupt
 * has to be acknowledged by the program, which takes two calls; only one program can
 * use the device; whoever can open these files can have the device write anywhere in
 * memory, so without an IOMMU there is no DMA here; and what the driver gives to any
 * number of readers (wake-ups, poll, signals, buffering) is to be written anew.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "hardware.h"

#define DEVICE		IODEMO_DEVICE_EDU
#define RECORDS		100
#define RECORDS_MAX	1000000
#define BUS		"/sys/bus/pci/"
#define DRIVER		"uio_pci_generic"

/* Registers, and one of the configuration space; see modules/iodemo-edu */
#define EDU_SIZE	4096
#define EDU_DATA	0x04
#define EDU_FACTORIAL	0x08
#define EDU_STATUS	0x20
#define  EDU_BUSY	0x01
#define  EDU_LINE	0x80
#define EDU_IRQ_STATUS	0x24
#define EDU_IRQ_ACK	0x64
#define PCI_COMMAND	4
#define  INTX_DISABLE	0x400

#define ARGUMENT	1000000
#define RESULT		0	/* of its factorial, the lower 32 bits */

static unsigned int records = RECORDS;
static bool instructions;

static char address[32];		/* on the bus */
static atomic_uint *registers;		/* mapped; each access is one */
static int config = -1, uio = -1;
static __u64 accesses, polls, calls;

static void usage(void)
{
	printf("Usage: %s [OPTION]...\n\n"
	       "Takes QEMU's edu device from its driver, works it from here by uio_pci_generic, and\n"
	       "shows what a record costs both ways. Needs root; the driver has the device again\n"
	       "afterwards.\n\n"
	       "  -n, --records N      make N records each way: 1..%u (default %u)\n"
	       "  -i, --instructions   a nanosecond of this machine is an instruction, as with\n"
	       "                       QEMU's -icount shift=0\n"
	       "  -h, --help           this text\n"
	       "  -V, --version        which iodemo this is\n",
	       program_invocation_short_name, RECORDS_MAX, RECORDS);
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "records",		required_argument,	NULL, 'n' },
		{ "instructions",	no_argument,		NULL, 'i' },
		{ "help",		no_argument,		NULL, 'h' },
		{ "version",		no_argument,		NULL, 'V' },
		{ }
	};
	int option;

	while ((option = getopt_long(argc, argv, "n:ihV", known, NULL)) != -1) {
		switch (option) {
		case 'n':
			records = iodemo_number("--records", optarg, 1, RECORDS_MAX);
			break;
		case 'i':
			instructions = true;
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

/* Finding it, and taking it ----------------------------------------------- */

static void path_of(char *path, size_t size, const char *file)
{
	snprintf(path, size, BUS "devices/%s/%s", address, file);
}

static bool has_id(const char *device, const char *file, const char *id)
{
	char path[4096], text[16] = "";
	FILE *stream;
	bool is;

	snprintf(path, sizeof(path), BUS "devices/%s/%s", device, file);
	stream = fopen(path, "re");
	if (!stream)
		return false;
	is = fgets(text, sizeof(text), stream) && !strncmp(text, id, strlen(id));
	fclose(stream);
	return is;
}

static void find_device(void)
{
	DIR *dir = opendir(BUS "devices");
	struct dirent *entry;

	if (!dir)
		err(1, BUS "devices");
	while (!*address && (entry = readdir(dir)))
		if (has_id(entry->d_name, "vendor", "0x1234") &&
		    has_id(entry->d_name, "device", "0x11e8"))
			snprintf(address, sizeof(address), "%.31s", entry->d_name);
	closedir(dir);
	if (!*address)
		errx(2, "this machine has no edu device; QEMU's option -device edu gives it one");
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* The driver of this name, or whichever wants it if that is empty */
static int give_to(const char *driver)
{
	char path[4096], line[64];
	int error;

	path_of(path, sizeof(path), "driver/unbind");
	if (!access(path, F_OK))
		write_text(path, address);
	path_of(path, sizeof(path), "driver_override");
	snprintf(line, sizeof(line), "%s\n", driver);
	error = write_text(path, line);
	return error ?: write_text(BUS "drivers_probe", address);
}

static void give_back(void)
{
	if (give_to(""))
		warnx("%s was not given back to its driver", address);
}

static void load_uio(void)
{
	char *const argv[] = { "modprobe", DRIVER, NULL };
	int error, status = 0;
	pid_t pid;

	error = posix_spawnp(&pid, *argv, NULL, NULL, argv, environ);
	if (error)
		errx(1, "modprobe: %s", strerror(error));
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(2, "this kernel has no module " DRIVER);
}

/* The number of the file is the kernel's choice. */
static void open_uio(void)
{
	char path[4096], node[64] = "";
	struct dirent *entry;
	DIR *dir;

	path_of(path, sizeof(path), "uio");
	dir = opendir(path);
	if (!dir)
		errx(1, "%s: " DRIVER " did not take the device", address);
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "uio", 3))
			snprintf(node, sizeof(node), "/dev/%.50s", entry->d_name);
	closedir(dir);
	uio = open(node, O_RDWR | O_CLOEXEC);
	if (uio < 0)
		err(1, "%s", node);
}

/* Ctrl-C too gives it back. */
static void stop(int sig)
{
	(void)sig;
	exit(1);
}

static void take_device(void)
{
	char path[4096];
	int fd, error;

	load_uio();
	if (atexit(give_back))
		errx(1, "atexit");
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	signal(SIGHUP, stop);
	error = give_to(DRIVER);
	if (error)
		errx(1, "%s: can't be given to " DRIVER ": %s", address, strerror(-error));
	open_uio();

	path_of(path, sizeof(path), "config");
	config = open(path, O_RDWR | O_CLOEXEC);
	if (config < 0)
		err(1, "%s", path);
	path_of(path, sizeof(path), "resource0");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	registers = mmap(NULL, EDU_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (registers == MAP_FAILED)
		err(1, "%s: mmap", path);
	close(fd);
}

/* A driver in a program --------------------------------------------------- */

static __u32 get(unsigned int offset)
{
	accesses++;
	return atomic_load_explicit(&registers[offset / 4], memory_order_acquire);
}

static void put(unsigned int offset, __u32 value)
{
	accesses++;
	atomic_store_explicit(&registers[offset / 4], value, memory_order_release);
}

/* Word by word through the data register, which gives back the inverse */
static void fetch(struct iodemo_record *record, __u64 seq)
{
	const __u8 *sample = iodemo_sample(seq);
	unsigned int i;

	if (get(EDU_FACTORIAL) != RESULT)
		errx(1, "the device's result is wrong");
	for (i = 0; i < IODEMO_DATA_SIZE; i += 4) {
		__u32 word;

		memcpy(&word, sample + i, sizeof(word));
		put(EDU_DATA, word);
		word = ~get(EDU_DATA);
		memcpy(record->data + i, &word, sizeof(word));
	}
	if (memcmp(record->data, sample, IODEMO_DATA_SIZE))
		errx(1, "record %llu came back wrong", seq);
}

static void program_pio(__u64 seq)
{
	struct iodemo_record record;

	put(EDU_FACTORIAL, ARGUMENT);
	while (get(EDU_STATUS) & EDU_BUSY)
		polls++;
	fetch(&record, seq);
}

/*
 * The kernel's handler can't know how to quiet this device, so it has shut the line off
 * for it, and that is undone here.
 */
static void listen_to_line(void)
{
	__u16 command;

	if (pread(config, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
		err(1, "%s: config", address);
	command &= ~INTX_DISABLE;
	if (pwrite(config, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
		err(1, "%s: config", address);
	calls += 2;
}

static void program_interrupt(__u64 seq)
{
	struct iodemo_record record;
	__u32 count;

	put(EDU_FACTORIAL, ARGUMENT);
	if (read(uio, &count, sizeof(count)) != sizeof(count))
		err(1, "uio: read");
	calls++;
	put(EDU_IRQ_ACK, get(EDU_IRQ_STATUS));
	listen_to_line();
	fetch(&record, seq);
}

/* The driver --------------------------------------------------------------- */

static int edu = -1;

static void driver_record(__u64 seq)
{
	struct iodemo_record record;
	__u32 count = 1;

	iodemo_ioctl(edu, DEVICE, IODEMO_TRIGGER, &count, "TRIGGER");
	if (read(edu, &record, sizeof(record)) != sizeof(record))
		err(1, "%s: read", DEVICE);
	calls += 2;
	if (record.type == IODEMO_TYPE_SAMPLE &&
	    memcmp(record.data, iodemo_sample(record.seq), IODEMO_DATA_SIZE))
		errx(1, "%s: record %llu is not what the device makes", DEVICE, record.seq);
	(void)seq;
}

/* What it costs ------------------------------------------------------------ */

/* The program counts itself. */
static void count_of_driver(void)
{
	if (edu < 0)
		return;
	accesses = iodemo_hardware_count(DEVICE, "accesses");
	polls = iodemo_hardware_count(DEVICE, "polls");
}

static double cost_of(unsigned int count, void (*one)(__u64 seq))
{
	double begin = iodemo_busy(instructions);
	__u64 i;

	for (i = 0; i < count; i++)
		one(i);
	return iodemo_busy(instructions) - begin;
}

static void measure(const char *name, void (*one)(__u64 seq))
{
	__u64 begin_accesses, begin_polls, begin_calls;
	double busy;

	iodemo_keep_busy(instructions);
	one(0);
	count_of_driver();
	begin_accesses = accesses;
	begin_polls = polls;
	begin_calls = calls;
	busy = (cost_of(records, one) - cost_of(0, one)) / records;
	iodemo_keep_busy(false);
	count_of_driver();
	printf("%-18s  %5llu  %8.0f  %7.0f", name, (calls - begin_calls) / records,
	       (double)(accesses - begin_accesses) / records,
	       (double)(polls - begin_polls) / records);
	if (instructions)
		printf("  %12.0f\n", busy);
	else
		printf("  %12.1f\n", busy / 1000);
	fflush(stdout);
}

static void measure_driver(const char *name, const char *transfer)
{
	int error = iodemo_hardware_set(DEVICE, "transfer", transfer);

	if (error)
		errx(1, "%s: transfer=%s: %s", DEVICE, transfer, strerror(-error));
	measure(name, driver_record);
}

/* Its configuration goes with it when we take the device, so nothing is put back. */
static void show_driver(void)
{
	struct iodemo_config config_none = { .burst = 1 };

	if (access(DEVICE, F_OK)) {
		printf("(%s isn't there, so only the program: load iodemo-edu.ko for the driver)\n",
		       DEVICE);
		return;
	}
	edu = iodemo_open_or_exit(DEVICE, O_RDWR);
	iodemo_set_raw(edu, DEVICE, 1);
	iodemo_ioctl(edu, DEVICE, IODEMO_SET_CONFIG, &config_none, "SET_CONFIG");
	measure_driver("driver, pio", "pio");
	measure_driver("driver, interrupt", "interrupt");
	close(edu);
	edu = -1;
}

static void show_program(void)
{
	take_device();
	put(EDU_STATUS, 0);
	put(EDU_IRQ_ACK, ~0U);
	measure("program, pio", program_pio);
	put(EDU_STATUS, EDU_LINE);
	listen_to_line();
	measure("program, interrupt", program_interrupt);
	put(EDU_STATUS, 0);
	put(EDU_IRQ_ACK, ~0U);
}

int main(int argc, char **argv)
{
	options(argc, argv);
	find_device();
	printf("%-18s  %5s  %8s  %7s  %12s\n", "who, and how", "calls", "accesses", "polls",
	       instructions ? "instructions" : "CPU µs");
	show_driver();
	show_program();
	printf("\nEach figure is for one record, fired and read:\n"
	       "  calls     system calls of the program\n"
	       "  accesses  to the device's registers; polls: of these, that only found it busy\n"
	       "  %s\n",
	       instructions ? "instructions, of kernel and program, with the polls" :
			      "CPU       of the program, with its polls, without interrupts");
	if (fflush(stdout) || ferror(stdout))
		err(1, "standard output");
	return 0;
}
