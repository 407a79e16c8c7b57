// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has a device open: what /proc/PID/fd and /proc/PID/fdinfo tell
 *
 * Nobody is disturbed by that, the device least of all. Processes come and go
 * meanwhile: what can't be read any more is passed over.
 */
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"

/* Does this line of fdinfo tell the number with this name? */
static bool get_number(const char *line, const char *name, __u64 *value)
{
	size_t length = strlen(name);

	if (strncmp(line, name, length))
		return false;
	*value = strtoull(line + length, NULL, 10);
	return true;
}

/* What fdinfo says of an iodemo file; false if it is gone. */
static bool read_fdinfo(struct ctl_reader *reader)
{
	char path[64], line[256], format[8];
	unsigned int flags;
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", reader->pid, reader->fd);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "flags: %o", &flags) == 1)
			reader->writes_only = (flags & O_ACCMODE) == O_WRONLY;
		else if (sscanf(line, "iodemo-format: %7s", format) == 1)
			reader->raw = !strcmp(format, "raw");
		else if (get_number(line, "iodemo-cursor:", &reader->cursor))
			found = true;
		else if (!get_number(line, "iodemo-lag:", &reader->lag) &&
			 !get_number(line, "iodemo-lost:", &reader->lost) &&
			 !get_number(line, "iodemo-skipped:", &reader->skipped))
			get_number(line, "iodemo-client:", &reader->client);
	}
	fclose(file);
	return found;
}

/* A process may call itself whatever it likes. */
static void read_command(struct ctl_reader *reader)
{
	char path[64];
	FILE *file;
	char *c;

	snprintf(path, sizeof(path), "/proc/%d/comm", reader->pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(reader->command, sizeof(reader->command), file))
		reader->command[0] = '\0';
	fclose(file);
	reader->command[strcspn(reader->command, "\n")] = '\0';
	for (c = reader->command; *c; c++)
		if (!isgraph(*c))
			*c = '?';
}

static bool is_known(const struct ctl_readers *readers, __u64 client)
{
	size_t i;

	for (i = 0; client && i < readers->count; i++)
		if (readers->reader[i].client == client)
			return true;
	return false;
}

static void add(struct ctl_readers *readers, const struct ctl_reader *reader)
{
	readers->reader = reallocarray(readers->reader, readers->count + 1, sizeof(*reader));
	if (!readers->reader)
		err(1, "readers");
	readers->reader[readers->count++] = *reader;
}

/* Of one process. Looking at a link in /proc opens nothing. */
static void look_at_files(pid_t pid, dev_t device, struct ctl_readers *readers)
{
	struct dirent *entry;
	struct stat status;
	char path[32];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	folder = opendir(path);
	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		struct ctl_reader reader = { .pid = pid, .fd = atoi(entry->d_name) };

		if (!isdigit(entry->d_name[0]) ||
		    fstatat(dirfd(folder), entry->d_name, &status, 0) ||
		    !S_ISCHR(status.st_mode) || status.st_rdev != device ||
		    !read_fdinfo(&reader) || is_known(readers, reader.client))
			continue;
		read_command(&reader);
		add(readers, &reader);
	}
	closedir(folder);
}

void ctl_find_readers(dev_t device, struct ctl_readers *readers)
{
	struct dirent *entry;
	DIR *proc;

	*readers = (struct ctl_readers){ };
	proc = opendir("/proc");
	if (!proc)
		err(1, "/proc");
	while ((entry = readdir(proc)))
		if (isdigit(entry->d_name[0]) && atoi(entry->d_name) != getpid())
			look_at_files(atoi(entry->d_name), device, readers);
	closedir(proc);
}

void ctl_free_readers(struct ctl_readers *readers)
{
	free(readers->reader);
	*readers = (struct ctl_readers){ };
}
