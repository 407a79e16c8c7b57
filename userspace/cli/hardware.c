// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hardware behind a device, by sysfs
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "hardware.h"

static void path_of(const char *device, const char *attribute, char *path, size_t size)
{
	const char *name = strrchr(device, '/');

	snprintf(path, size, "/sys/class/misc/%s/device/%s", name ? name + 1 : device, attribute);
}

int iodemo_hardware_get(const char *device, const char *attribute, char *text, size_t size)
{
	char path[4096];
	ssize_t length;
	int fd;

	path_of(device, attribute, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	length = read(fd, text, size - 1);
	if (length < 0)
		length = -errno;
	close(fd);
	if (length < 0)
		return length;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

int iodemo_hardware_set(const char *device, const char *attribute, const char *text)
{
	char path[4096];
	int fd, error = 0;

	path_of(device, attribute, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

__u64 iodemo_hardware_count(const char *device, const char *attribute)
{
	char text[32];
	int error = iodemo_hardware_get(device, attribute, text, sizeof(text));

	if (error)
		errx(1, "%s: its hardware's %s: %s", device, attribute, strerror(-error));
	return strtoull(text, NULL, 10);
}
