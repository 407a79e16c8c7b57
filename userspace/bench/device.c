// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device while it is measured: its timer is off, and records come when they
 * are asked for. At the end it is as it was, and so is the module.
 */
#include <err.h>
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "cli.h"

#define MODULE		"iodemo"
#define SYSFS		"/sys/module/" MODULE
#define WORDS_MAX	16	/* of a command */

/* The devices' configurations before we changed them. */
static struct {
	bool known;
	struct iodemo_config config;
} before[IODEMO_DEVICES_MAX];

/* The module before we loaded it anew. */
static bool reloaded;
static bool was_loaded;
static char parameters_before[512];

/* That of another source, if we have loaded it */
static const char *source;

static const char *path_of(unsigned int index)
{
	static char path[4096];

	if (!index)
		return bench_options.device;
	snprintf(path, sizeof(path), "%s%u", IODEMO_DEVICE, index);
	return path;
}

unsigned int bench_devices(void)
{
	unsigned int count = 0;

	while (count < IODEMO_DEVICES_MAX && !access(path_of(count), F_OK))
		count++;
	return count;
}

/* All that we open is closed by then, or else the module can't be unloaded. */
static void put_back(void)
{
	unsigned int i;

	close_range(STDERR_FILENO + 1, ~0U, 0);
	bench_unload();
	for (i = 0; i < IODEMO_DEVICES_MAX; i++) {
		int fd;

		if (!before[i].known)
			continue;
		fd = open(path_of(i), O_WRONLY | O_CLOEXEC);
		if (fd < 0 || ioctl(fd, IODEMO_SET_CONFIG, &before[i].config))
			warn("%s: period_us=%u burst=%u was not put back", path_of(i),
			     before[i].config.period_us, before[i].config.burst);
		if (fd >= 0)
			close(fd);
	}
}

static void put_back_at_exit(void)
{
	static bool registered;

	if (!registered && atexit(put_back))
		errx(1, "atexit");
	registered = true;
}

/* Devices that we loaded ourselves have nothing to put back. */
static void remember(unsigned int index, int fd)
{
	if (reloaded || before[index].known)
		return;
	iodemo_ioctl(fd, path_of(index), IODEMO_GET_CONFIG, &before[index].config, "GET_CONFIG");
	before[index].known = true;
	put_back_at_exit();
}

static void set_burst(int fd, unsigned int burst)
{
	struct iodemo_config config = { .burst = burst };

	iodemo_ioctl(fd, bench_options.device, IODEMO_SET_CONFIG, &config, "SET_CONFIG");
}

int bench_open(unsigned int index, int flags)
{
	int fd = iodemo_open_or_exit(path_of(index), flags | O_NONBLOCK);

	iodemo_set_raw(fd, path_of(index), 1);
	if ((flags & O_ACCMODE) != O_RDONLY) {
		remember(index, fd);
		set_burst(fd, 1);
	}
	return fd;
}

void bench_trigger(int fd, unsigned int interrupts)
{
	__u32 count = interrupts;

	/* A signal leaves in it what is still to do. */
	while (ioctl(fd, IODEMO_TRIGGER, &count))
		if (errno != EINTR)
			err(1, "%s: TRIGGER", bench_options.device);
}

void bench_store(int fd, unsigned int records)
{
	unsigned int burst;

	for (; records; records -= burst) {
		burst = records < IODEMO_BURST_MAX ? records : IODEMO_BURST_MAX;
		set_burst(fd, burst);
		bench_trigger(fd, 1);
	}
	set_burst(fd, 1);
}

void bench_drain(int fd)
{
	static struct iodemo_record records[IODEMO_BATCH];

	while (read(fd, records, sizeof(records)) > 0)
		;
}

/* The module -------------------------------------------------------------- */

/* Runs a command with more arguments, split at blanks; did it succeed? */
static bool run(const char *const *words, const char *more)
{
	char *argv[WORDS_MAX + 1], *copy, *word;
	unsigned int count = 0;
	int error, status;
	pid_t pid;

	while (*words)
		argv[count++] = (char *)*words++;
	copy = strdup(more);
	if (!copy)
		err(1, "no memory for '%s'", more);
	for (word = strtok(copy, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
		argv[count++] = word;
	argv[count] = NULL;

	error = posix_spawnp(&pid, *argv, NULL, NULL, argv, environ);
	free(copy);
	if (error) {
		warnx("%s: %s", *argv, strerror(error));
		return false;
	}
	if (waitpid(pid, &status, 0) < 0)
		err(1, "waitpid");
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static bool is_loaded(void)
{
	return !access(SYSFS, F_OK);
}

static unsigned int users(void)
{
	FILE *file = fopen(SYSFS "/refcnt", "re");
	unsigned int count = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%u", &count) != 1)
		count = 0;
	fclose(file);
	return count;
}

/* io_uring lets go of a file some time after it was told to. */
static bool unload(void)
{
	unsigned int tries;

	for (tries = 0; tries < 20 && users(); tries++)
		usleep(100000);
	return !is_loaded() || run((const char *[]){ "rmmod", MODULE, NULL }, "");
}

static bool load(const char *parameters)
{
	if (bench_options.module)
		return run((const char *[]){ "insmod", bench_options.module, NULL }, parameters);
	return run((const char *[]){ "modprobe", MODULE, NULL }, parameters);
}

/* Who unloads a module should know before where to get it again. Returns NULL if so. */
static const char *cannot_load(void)
{
	if (bench_options.module)
		return access(bench_options.module, R_OK) ?
		       bench_cannot(bench_options.module, errno) : NULL;
	return run((const char *[]){ "modprobe", "-n", MODULE, NULL }, "") ?
	       NULL : "modprobe finds none: --module names a file";
}

static void remember_parameter(const char *name)
{
	size_t length = strlen(parameters_before);
	char path[512], value[64];
	FILE *file;

	snprintf(path, sizeof(path), SYSFS "/parameters/%s", name);
	file = fopen(path, "re");
	if (!file)
		err(1, "%s", path);
	if (fscanf(file, "%63s", value) == 1)
		snprintf(parameters_before + length, sizeof(parameters_before) - length,
			 "%s=%s ", name, value);
	fclose(file);
}

static void remember_module(void)
{
	unsigned int i, count = bench_devices();
	struct dirent *entry;
	DIR *folder;
	int fd;

	*parameters_before = '\0';
	was_loaded = is_loaded();
	if (!was_loaded)
		return;

	for (i = 0; i < count; i++) {
		fd = iodemo_open_or_exit(path_of(i), O_RDONLY);
		remember(i, fd);
		close(fd);
	}
	folder = opendir(SYSFS "/parameters");
	if (!folder)
		err(1, SYSFS "/parameters");
	while ((entry = readdir(folder)))
		if (*entry->d_name != '.')
			remember_parameter(entry->d_name);
	closedir(folder);
}

const char *bench_load(const char *parameters)
{
	const char *reason;

	if (!bench_options.reload || geteuid())
		return "needs --reload, as root";
	reason = cannot_load();
	if (reason)
		return reason;
	if (!reloaded)
		remember_module();
	if (!unload())
		return "the module can't be unloaded: is the device open elsewhere?";
	reloaded = true;
	put_back_at_exit();
	if (!load(parameters))
		return "the module can't be loaded so: dmesg says why";
	return NULL;
}

const char *bench_load_source(const char *module, const char *parameters)
{
	if (source || !bench_options.reload || geteuid())
		return "needs --reload, as root";
	if (!run((const char *[]){ "modprobe", "-n", module, NULL }, ""))
		return "modprobe finds none";
	if (!run((const char *[]){ "modprobe", module, NULL }, parameters))
		return "the module can't be loaded: dmesg says why";
	source = module;
	put_back_at_exit();
	return NULL;
}

void bench_unload_source(void)
{
	if (source && !run((const char *[]){ "rmmod", source, NULL }, ""))
		warnx("%s is still loaded", source);
	source = NULL;
}

void bench_unload(void)
{
	bench_unload_source();
	if (!reloaded)
		return;
	if (!unload() || (was_loaded && !load(parameters_before)))
		warnx("the module was not put back: modprobe %s %s", MODULE, parameters_before);
	reloaded = false;
}
