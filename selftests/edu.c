// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware with registers: QEMU's educational PCI device, in each of the three ways
 * in which data gets from it into memory. What went through the registers, the engine
 * and the line is counted, and the counts are exact.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"
#include "iodemo_suspend.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>

#define MODULE		"iodemo_edu"
#define NODE		"/dev/iodemo-edu"
#define BUS		"/sys/bus/pci/"
#define BURST_MAX	8
#define WORDS		(IODEMO_DATA_SIZE / 4)

/* Of the configuration space */
#define PCI_COMMAND		4
#define PCI_COMMAND_MEMORY	2
#define PCI_COMMAND_MASTER	4
#define PCI_COMMAND_NO_LINE	0x400

/* Of the registers */
#define EDU_FACTORIAL	0x08
#define EDU_STATUS	0x20
#define EDU_BUSY	1

static char address[32];	/* of the device on the bus */

/* Where the device is, whether it has a driver or not; 0, or -ENOENT */
static int find_device(void)
{
	static const char id[] = "0x1234\n0x11e8\n";
	char path[PATH_MAX], found[32];
	struct dirent *entry;
	int err = -ENOENT;
	DIR *dir;

	dir = opendir(BUS "devices");
	if (!dir)
		return -errno;
	while (err && (entry = readdir(dir))) {
		long len;

		snprintf(path, sizeof(path), BUS "devices/%s/vendor", entry->d_name);
		len = read_file(path, found, sizeof(found));
		if (len <= 0)
			continue;
		snprintf(path, sizeof(path), BUS "devices/%s/device", entry->d_name);
		if (read_file(path, found + len, sizeof(found) - len) <= 0 || strcmp(found, id))
			continue;
		snprintf(address, sizeof(address), "%.31s", entry->d_name);
		err = 0;
	}
	closedir(dir);
	return err;
}

static long write_device(const char *attribute, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), BUS "devices/%s/%s", address, attribute);
	return write_file(path, text);
}

static long bind_edu(void)
{
	return write_file(BUS "drivers/iodemo-edu/bind", address);
}

static long unbind_edu(void)
{
	return write_file(BUS "drivers/iodemo-edu/unbind", address);
}

/* One of the driver's counts; -ENOENT without a driver */
static long count(const char *attribute)
{
	char path[PATH_MAX], text[32];
	long ret;

	snprintf(path, sizeof(path), BUS "devices/%s/%s", address, attribute);
	ret = read_file(path, text, sizeof(text));
	return ret < 0 ? ret : atol(text);
}

/* Bits of the command register: its memory answers, it may write to ours. */
static int set_command(unsigned short bits, bool on)
{
	unsigned short command;
	char path[PATH_MAX];
	int fd, err = 0;

	snprintf(path, sizeof(path), BUS "devices/%s/config", address);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (pread(fd, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
		err = -errno;
	command = on ? command | bits : command & ~bits;
	if (!err && pwrite(fd, &command, sizeof(command), PCI_COMMAND) != sizeof(command))
		err = -errno;
	close(fd);
	return err;
}

/* The registers of a device that has no driver; NULL: they can't be mapped */
static atomic_uint *map_registers(void)
{
	char path[PATH_MAX];
	void *map;
	int fd;

	snprintf(path, sizeof(path), BUS "devices/%s/resource0", address);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

static int open_edu(int flags)
{
	const struct iodemo_client_config raw = {
		.format = IODEMO_FORMAT_RAW,
		.low_water = 1,
	};
	int fd = result(open(NODE, flags | O_CLOEXEC));
	int err = fd < 0 ? 0 : result(ioctl(fd, IODEMO_SET_CLIENT, &raw));

	return err ?: fd;
}

/* Is there any of which hardware can be pulled out? */
static bool has_slots(void)
{
	DIR *dir = opendir(BUS "slots");
	int entries = 0;

	while (dir && readdir(dir))
		entries++;
	if (dir)
		closedir(dir);
	return entries > 2;
}

/* The machine's own monitor does what the kernel's log asks for; see scripts/vm.sh. */
static long ask_machine(const char *what)
{
	char line[64];

	snprintf(line, sizeof(line), "guest: asks for %s\n", what);
	return write_file("/dev/kmsg", line);
}

/*
 * Which can't put it in while the old one is not quite out, and says so only to itself: so
 * it is asked again if no node has come meanwhile.
 */
static int put_in_and_open(void)
{
	struct pollfd nodes = { .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN };
	char events[4096];
	int fd;

	inotify_add_watch(nodes.fd, "/dev", IN_CREATE);
	do {
		ask_machine("device_add edu,id=edu,bus=port1");
		do {
			fd = open_edu(O_RDWR);
		} while (fd == -ENOENT && poll(&nodes, 1, 200) > 0 &&
			 read(nodes.fd, events, sizeof(events)) > 0);
	} while (fd == -ENOENT);
	close(nodes.fd);
	return fd;
}

FIXTURE(edu) {
	int fd;
	const char *unsuited;
};

FIXTURE_VARIANT(edu) {
	const char *transfer;
	int records;		/* a round number that doesn't take too long */
	int accesses;		/* to registers a record, but for polls */
	int interrupts;		/* a record */
	int register_bytes;
	int dma_bytes;
};

/* Command, status, result, and there and back for each word */
FIXTURE_VARIANT_ADD(edu, pio) {
	.transfer = "pio",
	.records = 200,
	.accesses = 3 + 2 * WORDS,
	.register_bytes = 2 * IODEMO_DATA_SIZE,
};

/* Command, why the line was pulled, acknowledge, result, and likewise */
FIXTURE_VARIANT_ADD(edu, interrupt) {
	.transfer = "interrupt",
	.records = 200,
	.accesses = 4 + 2 * WORDS,
	.interrupts = 1,
	.register_bytes = 2 * IODEMO_DATA_SIZE,
};

/* From, to, size, command, why the line was pulled, acknowledge */
FIXTURE_VARIANT_ADD(edu, dma) {
	.transfer = "dma",
	.records = 5,
	.accesses = 6,
	.interrupts = 1,
	.dma_bytes = IODEMO_DATA_SIZE,
};

FIXTURE_SETUP(edu)
{
	char parameters[64];
	int err;

	err = find_device();
	if (err)
		SKIP_FIXTURE("this machine has no edu device (qemu: -device edu)");
	unload_module(MODULE);		/* if a test was ended before it could */
	ASSERT_EQ(0, load("capacity=4096"));
	snprintf(parameters, sizeof(parameters), "period_us=0 transfer=%s", variant->transfer);
	err = load_module("iodemo-edu", parameters);
	if (err == -ENOENT)
		SKIP_FIXTURE("no iodemo-edu.ko in this kernel's modules");
	ASSERT_EQ(0, err);
	self->fd = open_edu(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(edu)
{
	close_all();
	unload_module(MODULE);
	EXPECT_EQ(0, unload_when_free());
}

TEST_F(edu, GET_INFO_names_it_and_what_it_can_do)
{
	struct iodemo_info info;

	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_INFO, &info)));
	EXPECT_STREQ("edu", info.source);
	EXPECT_EQ(0U, info.index);
	EXPECT_LT(0U, info.irq);
	EXPECT_EQ(TX_DRAIN, (int)info.tx_drain);
	EXPECT_EQ(IODEMO_INFO_TRIGGER | IODEMO_INFO_CONFIG,
		  info.flags & (IODEMO_INFO_TRIGGER | IODEMO_INFO_CONFIG | IODEMO_INFO_THREADED));
}

TEST_F(edu, each_TRIGGER_is_one_job_and_done_when_it_returns)
{
	long line = proc_interrupts("iodemo-edu");
	int i;

	ASSERT_LE(0, line);
	for (i = 0; i < variant->records; i++) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		ASSERT_EQ(i + 1, count("jobs"));
		ASSERT_EQ(1, STAT(self->fd, lag));
		EXPECT_READ(self->fd, i, 1);
	}
	EXPECT_EQ(variant->records, STAT(self->fd, records));
	EXPECT_EQ(variant->records * variant->interrupts, STAT(self->fd, interrupts));
	EXPECT_EQ(variant->records * variant->interrupts, proc_interrupts("iodemo-edu") - line);
	EXPECT_EQ(variant->records * variant->accesses, count("accesses") - count("polls"));
	EXPECT_EQ(variant->records * variant->register_bytes, count("register_bytes"));
	EXPECT_EQ(variant->records * variant->dma_bytes, count("dma_bytes"));
	if (variant->interrupts)
		EXPECT_EQ(0, count("polls"));
}

TEST_F(edu, wakes_who_sleeps)
{
	int other = open_edu(O_RDONLY);
	struct sleeper r = reader(self->fd, 1), p = poller(other, POLLIN);

	ASSERT_LE(0, other);
	ASSERT_TRUE(falls_asleep(&p));
	ASSERT_TRUE(falls_asleep(&r));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, sleeper_result(&r));
	EXPECT_SAMPLE(&r.records[0], 0);
	EXPECT_EQ(POLLIN, sleeper_result(&p));
}

TEST_F(edu, sends_back_what_is_written_and_in_that_order)
{
	struct iodemo_record written[TX_DRAIN + 1] = {
		raw_record("a"), raw_record("four"), raw_record("thirteen byte"),
		raw_record("0123456789012345678901234567890123456789"), raw_record("next"),
	};
	int i;

	ASSERT_EQ((long)sizeof(written), result(write(self->fd, written, sizeof(written))));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(1 + TX_DRAIN, STAT(self->fd, lag));
	EXPECT_EQ(TX_DRAIN, STAT(self->fd, echoes));
	EXPECT_READ(self->fd, 0, 1);
	for (i = 0; i < TX_DRAIN; i++)
		EXPECT_ECHO(self->fd, (char *)written[i].data, written[i].len);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 1 + TX_DRAIN, 1);
	EXPECT_ECHO(self->fd, "next", 4);
	/* Out, back, and the sample; the other ways have no more interrupts. */
	EXPECT_EQ(2 * variant->interrupts * (variant->dma_bytes ? 3 : 1),
		  STAT(self->fd, interrupts));
	EXPECT_EQ(2 * variant->dma_bytes * (1 + TX_DRAIN + 1), count("dma_bytes"));
}

TEST_F_TIMEOUT(edu, bursts_are_whole_at_the_end_of_its_memory_too, 120)
{
	int i, bursts = 2 * IODEMO_SAMPLES / BURST_MAX;

	ASSERT_EQ(0, set_config(self->fd, 0, BURST_MAX));
	for (i = 0; i < bursts; i++) {
		ASSERT_EQ(0, trigger(self->fd, 1));
		EXPECT_READ(self->fd, i * BURST_MAX, BURST_MAX);
	}
	EXPECT_EQ(bursts * variant->interrupts, STAT(self->fd, interrupts));
}

TEST_F(edu, has_ranges_of_its_own)
{
	EXPECT_EQ(-EINVAL, set_config(self->fd, 0, BURST_MAX + 1));
	EXPECT_EQ(-EINVAL, set_config(self->fd, 99, 1));
	EXPECT_EQ(0, set_config(self->fd, 60000000, BURST_MAX));
	EXPECT_LT((long)clock_ns(), STAT(self->fd, expires));
	EXPECT_EQ(-EINVAL, write_device("transfer", "telepathy"));
	EXPECT_EQ(0, set_config(self->fd, 0, 1));
	EXPECT_EQ(0, STAT(self->fd, expires));
	EXPECT_EQ(0, trigger(self->fd, 1));
}

TEST_F(edu, a_period_makes_records_while_it_is_open)
{
	struct iodemo_record record;
	int i;

	ASSERT_EQ(0, set_config(self->fd, 1000, 1));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(RECORD, result(read(self->fd, &record, sizeof(record))));
		EXPECT_SAMPLE(&record, i);
	}
	/* 100 ms for a job, and 1 for a period */
	if (variant->dma_bytes)
		EXPECT_LT(100, STAT(self->fd, overruns));
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
}

/* Whatever is under way, nothing is lost, and nothing comes twice. */
TEST_F_TIMEOUT(edu, transfer_can_change_while_it_is_open_and_at_work, 120)
{
	static const char * const transfers[] = { "dma", "pio", "interrupt", "dma", "interrupt" };
	struct iodemo_record record;
	unsigned int i;
	long seq = 0;

	ASSERT_EQ(0, set_config(self->fd, 1000, 1));
	for (i = 0; i < ARRAY_SIZE(transfers); i++) {
		char path[PATH_MAX], now[32];
		long end;

		ASSERT_EQ(0, write_device("transfer", transfers[i]));
		snprintf(path, sizeof(path), BUS "devices/%s/transfer", address);
		ASSERT_LT(0, read_file(path, now, sizeof(now)));
		EXPECT_EQ(0, strncmp(now, transfers[i], strlen(transfers[i])));
		end = STAT(self->fd, records) + 2;
		for (; seq < end; seq++) {
			ASSERT_EQ(RECORD, result(read(self->fd, &record, sizeof(record))));
			ASSERT_STREQ("", sample_fault(&record, seq));
		}
	}
}

TEST_F(edu, unbound_in_the_middle_of_a_transfer_what_came_can_be_read)
{
	struct iodemo_record record;
	long seq;
	int fd;

	ASSERT_EQ(0, set_config(self->fd, 1000, 1));
	ASSERT_EQ(RECORD, result(read(self->fd, &record, sizeof(record))));
	ASSERT_EQ(0, unbind_edu());
	for (seq = 1; result(read(self->fd, &record, sizeof(record))) == RECORD; seq++)
		ASSERT_STREQ("", sample_fault(&record, seq));
	EXPECT_EQ(0, result(read(self->fd, &record, sizeof(record))));
	EXPECT_EQ(-ENODEV, trigger(self->fd, 1));
	EXPECT_EQ(-ENOENT, open_edu(O_RDONLY));
	ASSERT_EQ(0, bind_edu());
	fd = open_edu(O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_READ(fd, 0, 1);
	EXPECT_EQ(0, result(read(self->fd, &record, sizeof(record))));
}

/* Nobody answers on the bus any more, and the kernel has not yet heard of it. */
TEST_F_TIMEOUT(edu, gone_from_the_bus_TRIGGER_is_ENODEV, 120)
{
	struct sleeper r = reader(self->fd, 2);
	struct iodemo_record record;

	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, set_low_water(self->fd, 2));
	ASSERT_TRUE(falls_asleep(&r));
	ASSERT_EQ(0, set_command(PCI_COMMAND_MEMORY, false));
	EXPECT_EQ(-ENODEV, trigger(self->fd, 1));
	EXPECT_EQ(-ENODEV, trigger(self->fd, 1));
	EXPECT_EQ(-ENODEV, write_device("transfer", "dma"));
	EXPECT_EQ(1, STAT(self->fd, records));
	ASSERT_TRUE(sleeper_sleeps(&r));
	/* With a job under way */
	ASSERT_EQ(0, set_config(self->fd, 1000, 1));
	ASSERT_EQ(0, unbind_edu());
	EXPECT_EQ(RECORD, sleeper_result(&r));
	EXPECT_SAMPLE(&r.records[0], 0);
	EXPECT_EQ(0, result(read(self->fd, &record, sizeof(record))));
	/* The driver sets what it needs. */
	ASSERT_EQ(0, bind_edu());
}

/* It may not speak: neither write to memory, as its messages do, nor pull a line. */
TEST_F_TIMEOUT(edu, never_ready_TRIGGER_is_EIO_and_then_it_works_again, 120)
{
	if (!variant->interrupts)
		SKIP(return, "pio needs no such thing");
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_EQ(0, set_command(PCI_COMMAND_MASTER, false));
	ASSERT_EQ(0, set_command(PCI_COMMAND_NO_LINE, true));
	EXPECT_EQ(-EIO, trigger(self->fd, 1));
	EXPECT_EQ(1, STAT(self->fd, records));
	ASSERT_EQ(0, set_command(PCI_COMMAND_NO_LINE, false));
	ASSERT_EQ(0, set_command(PCI_COMMAND_MASTER, true));
	ASSERT_EQ(0, write_device("transfer", variant->transfer));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 2);
}

/* Who calculates the factorial of four billion has no ear for other commands. */
TEST_F_TIMEOUT(edu, busy_for_long_TRIGGER_is_EIO_and_then_it_works_again, 240)
{
	atomic_uint *registers;
	int fd, err, failures = 0;

	if (variant->dma_bytes)
		SKIP(return, "the engine has nothing to do with that");
	ASSERT_EQ(0, unbind_edu());
	registers = map_registers();
	if (!registers)
		SKIP(return, "this kernel can't map registers (CONFIG_HAVE_PCI_MMAP)");
	ASSERT_EQ(0, set_command(PCI_COMMAND_MEMORY, true));
	registers[EDU_FACTORIAL / 4] = 0xffffffff;
	ASSERT_EQ((__u32)EDU_BUSY, registers[EDU_STATUS / 4] & EDU_BUSY);
	ASSERT_EQ(0, bind_edu());
	fd = open_edu(O_RDWR);
	ASSERT_LE(0, fd);
	/* An interrupt that comes at last is that of the wrong result. */
	while ((err = trigger(fd, 1)) == -EIO)
		failures++;
	EXPECT_EQ(0, err);
	EXPECT_LE(1, failures);
	EXPECT_READ(fd, 0, 1);
	EXPECT_EQ(1, STAT(fd, records));
}

/* As when the hardware is pulled out */
TEST_F_TIMEOUT(edu, removed_readers_get_what_there_is_and_then_the_end, 120)
{
	struct sleeper r = reader(self->fd, 4);
	struct iodemo_record record;

	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_EQ(0, set_low_water(self->fd, 4));
	ASSERT_TRUE(falls_asleep(&r));
	ASSERT_EQ(0, write_device("remove", "1"));
	EXPECT_EQ(2 * RECORD, sleeper_result(&r));
	EXPECT_EQ(0, result(read(self->fd, &record, sizeof(record))));
	ASSERT_EQ(0, write_file(BUS "rescan", "1"));
	EXPECT_LE(0, open_edu(O_RDWR));
}

TEST_F_TIMEOUT(edu, pulled_out_while_at_work_readers_get_the_end, 240)
{
	struct iodemo_record record;
	long seq, got;
	int fd;

	if (!booted_with("guest.monitor"))
		SKIP(return, "nobody here pulls out hardware");
	if (!has_slots())
		SKIP(return, "in this kernel nobody can (CONFIG_HOTPLUG_PCI)");
	ASSERT_EQ(0, set_config(self->fd, 10000, 1));
	ASSERT_EQ(RECORD, result(read(self->fd, &record, sizeof(record))));
	ASSERT_EQ(0, ask_machine("device_del edu"));
	for (seq = 1; (got = result(read(self->fd, &record, sizeof(record)))) == RECORD; seq++)
		ASSERT_STREQ("", sample_fault(&record, seq));
	EXPECT_EQ(0, got);
	while (!access(NODE, F_OK))
		sched_yield();
	fd = put_in_and_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, find_device());
	ASSERT_EQ(0, trigger(fd, 1));
	EXPECT_READ(fd, 0, 1);
}

TEST_F(edu, module_can_go_while_a_file_is_open)
{
	struct sleeper r = reader(self->fd, 1);
	struct iodemo_record record;

	ASSERT_EQ(0, set_config(self->fd, 1000, 1));
	ASSERT_TRUE(sleeper_start(&r));
	EXPECT_EQ(RECORD, sleeper_result(&r));
	ASSERT_EQ(0, unload_module(MODULE));
	while (result(read(self->fd, &record, sizeof(record))) == RECORD)
		;
	EXPECT_EQ(0, result(read(self->fd, &record, sizeof(record))));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_EQ(-1, proc_interrupts("iodemo-edu"));
}

/* Loaded with what it doesn't know, it tells so, and is not there. */
TEST(edu_parameters_out_of_range_are_EINVAL)
{
	static const char * const wrong[] = {
		"transfer=telepathy", "transfer=", "period_us=99", "period_us=60000001",
		"burst=0", "burst=9",
	};
	unsigned int i;

	ASSERT_EQ(0, load("devices=1"));
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, load_module("iodemo-edu", wrong[i]))
			unload_module(MODULE);
	EXPECT_EQ(0, unload());
}

/*
 * The last: a machine that has slept has no ear for device_del any more (QEMU 7.2). Each
 * time the device's memory and registers are as after power-on.
 */
FIXTURE(slept) {
	int fd;
};

FIXTURE_SETUP(slept)
{
	const char *unsuited = suspend_unsuited(NULL);
	int err = find_device();

	if (err || unsuited)
		SKIP_FIXTURE("%s", unsuited ?: "this machine has no edu device");
	unload_module(MODULE);
	ASSERT_EQ(0, load("capacity=16384"));
	ASSERT_EQ(0, load_module("iodemo-edu", "period_us=1000"));
	self->fd = open_edu(O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(slept)
{
	close_all();
	unload_module(MODULE);
	EXPECT_EQ(0, unload_when_free());
}

TEST_F_TIMEOUT(slept, with_its_machine_it_goes_on_afterwards_each_way, 3 * LONG_TEST)
{
	static const char * const transfers[] = { "pio", "interrupt", "dma" };
	struct iodemo_record record;
	unsigned int i;
	long seq = 0;

	for (i = 0; i < ARRAY_SIZE(transfers); i++) {
		long end;

		ASSERT_EQ(0, write_device("transfer", transfers[i]));
		ASSERT_EQ(0, suspend_machine(NULL));
		for (end = STAT(self->fd, records) + 3; seq < end; seq++) {
			ASSERT_EQ(RECORD, result(read(self->fd, &record, sizeof(record))));
			ASSERT_STREQ("", sample_fault(&record, seq));
		}
	}
	ASSERT_EQ(0, set_config(self->fd, 0, 1));
	ASSERT_EQ(0, trigger(self->fd, 1));
}

TEST_HARNESS_MAIN
