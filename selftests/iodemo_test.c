// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the iodemo tests share; see iodemo_test.h.
 */
#include "iodemo_test.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

#include "../kselftest.h"

/* For what a *_fault() function found. */
static __thread char fault[256];

static const char *say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(fault, sizeof(fault), format, ap);
	va_end(ap);
	return fault;
}

/* The module */

#ifndef MODULE_INIT_COMPRESSED_FILE
#define MODULE_INIT_COMPRESSED_FILE 4
#endif

/*
 * modprobe only says that it failed; the tests compare errnos. So find the file
 * as modprobe does and load it with the system call. IODEMO_KO names another.
 */
static int find_module(const char *module, char *path, size_t size)
{
	char dep[sizeof(((struct utsname *)0)->release) + 64];
	const char *ko = strcmp(module, "iodemo") ? NULL : getenv("IODEMO_KO");
	char file_name[64];
	struct utsname uts;
	char *line = NULL;
	size_t len = 0;
	FILE *file;
	int err = -ENOENT;

	if (ko) {
		snprintf(path, size, "%s", ko);
		return access(path, R_OK) ? -errno : 0;
	}

	snprintf(file_name, sizeof(file_name), "%s.ko", module);
	uname(&uts);
	snprintf(dep, sizeof(dep), "/lib/modules/%s/modules.dep", uts.release);
	file = fopen(dep, "r");
	if (!file)
		return -errno;
	while (err && getline(&line, &len, file) > 0) {
		char *end = strchr(line, ':');
		char *name;

		if (!end)
			continue;
		*end = '\0';
		name = strrchr(line, '/');
		name = name ? name + 1 : line;
		if (strncmp(name, file_name, strlen(file_name)))
			continue;
		if (line[0] == '/')
			snprintf(path, size, "%s", line);
		else
			snprintf(path, size, "/lib/modules/%s/%s", uts.release, line);
		err = 0;
	}
	free(line);
	fclose(file);
	return err;
}

static void __attribute__((constructor)) need_iodemo(void)
{
	char path[PATH_MAX];

	if (geteuid()) {
		ksft_print_header();
		ksft_exit_skip("only root can load a module\n");
	}
	if (find_module("iodemo", path, sizeof(path))) {
		ksft_print_header();
		ksft_exit_skip("no iodemo.ko in this kernel's modules\n");
	}
}

int unload_module(const char *module)
{
	return result(syscall(SYS_delete_module, module, O_NONBLOCK));
}

/* Another device, and the module of its source; NULL: the timer's */
static const char *node_path(void)
{
	return getenv("IODEMO_NODE") ?: "/dev/iodemo";
}

static const char *source_module(void)
{
	return getenv("IODEMO_MODULE");
}

bool other_source(void)
{
	return source_module();
}

const char *line_name(void)
{
	return source_module() ?: "iodemo";
}

/* As rmmod takes it, which loads no files */
static int unload_source(void)
{
	char name[64];
	char *p;

	snprintf(name, sizeof(name), "%s", source_module());
	for (p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return unload_module(name);
}

int unload(void)
{
	int err = source_module() ? unload_source() : 0;

	return err && err != -ENOENT ? err : unload_module("iodemo");
}

int unload_when_free(void)
{
	int err;

	/* EBUSY: a test that was ended is still in the middle of loading it. */
	do {
		err = unload();
	} while ((err == -EWOULDBLOCK || err == -EBUSY) && !sched_yield());
	return err;
}

int open_module(const char *module, int *flags)
{
	char path[PATH_MAX];
	int err = find_module(module, path, sizeof(path));

	if (err)
		return err;
	*flags = strcmp(path + strlen(path) - 3, ".ko") ? MODULE_INIT_COMPRESSED_FILE : 0;
	return result(open(path, O_RDONLY | O_CLOEXEC));
}

int load_module(const char *module, const char *parameters)
{
	int err, fd, flags;

	fd = open_module(module, &flags);
	if (fd < 0)
		return fd;
	err = result(syscall(SYS_finit_module, fd, parameters, flags));
	close(fd);
	return err;
}

/* Of the parameters, those that each source has: append one to @to */
static void append_parameter(char *to, size_t size, const char *from, const char *name)
{
	const char *found = strstr(from, name);
	size_t len = strlen(to);

	if (found)
		snprintf(to + len, size - len, "%.*s ", (int)strcspn(found, " "), found);
}

/* Where the hardware is when it has no driver: /sys/bus/BUS/drivers/DRIVER, its name there */
static char driver_path[PATH_MAX], hardware_name[64];

static int find_hardware(void)
{
	char path[PATH_MAX], link[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/class/misc/%s/device", strrchr(node_path(), '/') + 1);
	if (!realpath(path, link))
		return -errno;
	snprintf(hardware_name, sizeof(hardware_name), "%.63s", strrchr(link, '/') + 1);
	if (strlen(path) + sizeof("/driver") > sizeof(path))
		return -ENAMETOOLONG;
	strcat(path, "/driver");
	return realpath(path, driver_path) ? 0 : -errno;
}

static int load_source(const char *from)
{
	char parameters[128] = "";
	int err;

	append_parameter(parameters, sizeof(parameters), from, "period_us=");
	append_parameter(parameters, sizeof(parameters), from, "burst=");
	err = load_module(source_module(), parameters);
	return err ?: find_hardware();
}

int load(const char *format, ...)
{
	char given[256], parameters[300];
	va_list ap;
	int err;

	va_start(ap, format);
	vsnprintf(given, sizeof(given), format, ap);
	va_end(ap);
	snprintf(parameters, sizeof(parameters), "%s%s",
		 strstr(given, "period_us=") ? "" : "period_us=0 ", given);

	err = unload_when_free();
	if (err && err != -ENOENT)
		return err;
	err = load_module("iodemo", parameters);
	return err || !source_module() ? err : load_source(parameters);
}

void close_all(void)
{
	close_range(STDERR_FILENO + 1, ~0U, 0);
}

static int write_driver_file(const char *name, int index)
{
	char path[PATH_MAX + 16], device[64];

	if (source_module()) {
		snprintf(path, sizeof(path), "%s/%s", driver_path, name);
		snprintf(device, sizeof(device), "%s", hardware_name);
	} else {
		snprintf(path, sizeof(path), "/sys/bus/platform/drivers/iodemo/%s", name);
		snprintf(device, sizeof(device), "iodemo.%d", index);
	}
	return write_file(path, device);
}

int bind_device(int index)
{
	return write_driver_file("bind", index);
}

int unbind_device(int index)
{
	return write_driver_file("unbind", index);
}

bool kernel_watches(void)
{
	return !access("/proc/lockdep", F_OK) || !access("/sys/module/kcsan", F_OK);
}

bool kernel_is_realtime(void)
{
	struct utsname uts;

	return !uname(&uts) && strstr(uts.version, "PREEMPT_RT");
}

bool since_linux(int major, int minor)
{
	struct utsname uts;
	int is_major, is_minor;

	if (uname(&uts) || sscanf(uts.release, "%d.%d", &is_major, &is_minor) != 2)
		return true;
	return is_major > major || (is_major == major && is_minor >= minor);
}

long read_file(const char *path, char *buf, size_t size)
{
	size_t len = 0;
	long ret;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		ret = result(read(fd, buf + len, size - 1 - len));
		if (ret > 0)
			len += ret;
	} while (ret > 0 && len < size - 1);
	close(fd);
	buf[len] = '\0';
	return ret < 0 ? ret : (long)len;
}

long write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = result(write(fd, text, strlen(text)));
	close(fd);
	return ret < 0 ? ret : 0;
}

long proc_interrupts(const char *name)
{
	char buf[1 << 16];
	char *line, *next;

	if (read_file("/proc/interrupts", buf, sizeof(buf)) < 0)
		return -1;
	for (line = strtok_r(buf, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		char *last = strrchr(line, ' ');
		char *p = strchr(line, ':');
		long sum = 0;

		if (!p || !last || strcmp(last + 1, name))
			continue;
		for (p++; ; ) {
			char *end;
			unsigned long n = strtoul(p, &end, 10);

			if (end == p || *end != ' ')
				break;
			sum += n;
			p = end;
		}
		return sum;
	}
	return -1;
}

/* The device */

int open_device(int index, int flags)
{
	char path[64];

	if (index)
		snprintf(path, sizeof(path), "%s%d", node_path(), index);
	else
		snprintf(path, sizeof(path), "%s", node_path());
	return result(open(path, flags | O_CLOEXEC));
}

int open_raw(int index, int flags)
{
	int fd = open_device(index, flags);
	long err;

	if (fd < 0)
		return fd;
	err = set_client(fd, IODEMO_FORMAT_RAW, 1);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

long trigger(int fd, __u32 count)
{
	return result(ioctl(fd, IODEMO_TRIGGER, &count));
}

long set_client(int fd, __u32 format, __u32 low_water)
{
	struct iodemo_client_config config = {
		.format = format,
		.low_water = low_water,
	};

	return result(ioctl(fd, IODEMO_SET_CLIENT, &config));
}

long set_low_water(int fd, __u32 low_water)
{
	return set_client(fd, IODEMO_FORMAT_RAW, low_water);
}

long set_config(int fd, __u32 period_us, __u32 burst)
{
	struct iodemo_config config = {
		.period_us = period_us,
		.burst = burst,
	};

	return result(ioctl(fd, IODEMO_SET_CONFIG, &config));
}

struct iodemo_stats get_stats(int fd)
{
	struct iodemo_stats stats;

	if (ioctl(fd, IODEMO_GET_STATS, &stats))
		memset(&stats, 0xff, sizeof(stats));
	return stats;
}

/* Records */

__u64 clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* The C library opens files each time it is asked. */
static long processors(void)
{
	static atomic_long count;

	if (!count)
		count = sysconf(_SC_NPROCESSORS_CONF);
	return count;
}

const char *sample_fault(const struct iodemo_record *record, __u64 seq)
{
	if (record->seq != seq)
		return say("seq %llu, not %llu", record->seq, seq);
	if (record->type != IODEMO_TYPE_SAMPLE)
		return say("seq %llu: type %u is no sample", seq, record->type);
	if (record->len != IODEMO_DATA_SIZE)
		return say("seq %llu: %u bytes of data", seq, record->len);
	if (memcmp(record->data, iodemo_sample(seq), IODEMO_DATA_SIZE))
		return say("seq %llu: data %.40s", seq, record->data);
	if (record->cpu >= processors())
		return say("seq %llu: cpu %u", seq, record->cpu);
	if (!record->timestamp || record->timestamp > clock_ns())
		return say("seq %llu: timestamp %llu", seq, record->timestamp);
	return "";
}

const char *read_fault(int fd, __u64 seq, long count)
{
	struct iodemo_record *records = calloc(count, RECORD);
	const char *what = "";
	long got, i;

	got = result(read(fd, records, count * RECORD));
	if (got != count * RECORD)
		what = say("read() of %ld records gave %ld", count, got);
	for (i = 0; i < count && !*what; i++)
		what = sample_fault(&records[i], seq + i);
	free(records);
	return what;
}

const char *echo_fault(int fd, const char *data, size_t len)
{
	static const char zero[IODEMO_DATA_SIZE];
	struct iodemo_record record;
	long got;

	got = result(read(fd, &record, sizeof(record)));
	if (got != RECORD)
		return say("read() gave %ld", got);
	if (record.type != IODEMO_TYPE_ECHO)
		return say("seq %llu: type %u is no echo", record.seq, record.type);
	if (record.len != len)
		return say("seq %llu: %u bytes, not %zu", record.seq, record.len, len);
	if (memcmp(record.data, data, len))
		return say("seq %llu: data %.*s", record.seq, record.len, record.data);
	if (memcmp(record.data + len, zero, sizeof(zero) - len))
		return say("seq %llu: more than zeros past the data", record.seq);
	return "";
}

long read_nowait(int fd, void *buf, size_t size)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };

	return result(preadv2(fd, &iov, 1, -1, RWF_NOWAIT));
}

long write_nowait(int fd, const void *buf, size_t size)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = size };

	return result(pwritev2(fd, &iov, 1, -1, RWF_NOWAIT));
}

struct iodemo_record raw_record(const char *data)
{
	struct iodemo_record record = { .len = strlen(data) };

	memcpy(record.data, data, record.len);
	return record;
}

long write_records(int fd, long count)
{
	struct iodemo_record *records = calloc(count, RECORD);
	long i, ret;

	for (i = 0; i < count; i++)
		records[i] = raw_record("again");
	ret = result(write(fd, records, count * RECORD));
	free(records);
	return ret;
}

long fill_queue(int fd)
{
	struct iodemo_record record = raw_record("full");
	long count = 0;

	while (write_nowait(fd, &record, sizeof(record)) == RECORD)
		count++;
	return count;
}

int poll_now(int fd, int events)
{
	struct pollfd p = { .fd = fd, .events = events };
	long ret = result(poll(&p, 1, 0));

	return ret < 0 ? ret : p.revents;
}

/* Signals */

atomic_int signals_caught;

static void count_signal(int sig)
{
	(void)sig;
	signals_caught++;
}

int catch_signal(int sig, int flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };

	return result(sigaction(sig, &action, NULL));
}

long take_signal(siginfo_t *info)
{
	static const struct timespec none;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	for (sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		sigaddset(&set, sig);
	return result(sigtimedwait(&set, info, &none));
}

long signal_on(int fd, int sig)
{
	sigset_t set;
	int flags;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	if (sig)
		sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);

	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETSIG, sig) || fcntl(fd, F_SETOWN, getpid()))
		return -errno;
	return result(fcntl(fd, F_SETFL, flags | O_ASYNC));
}
