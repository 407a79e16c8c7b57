// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening and configuring a device
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

int iodemo_open_or_exit(const char *path, int flags)
{
	struct iodemo_info info;
	int fd;

	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		errx(1, "%s: %s; load the module: `sudo modprobe iodemo`,\n"
		     "or where it was built `sudo insmod modules/iodemo/iodemo.ko`",
		     path, strerror(errno));
	if (fd < 0 && errno == EBUSY)
		errx(1, "%s: reserved by another program", path);
	if (fd < 0)
		err(1, "%s: can't open it for %s", path,
		    (flags & O_ACCMODE) == O_RDONLY ? "reading" :
		    (flags & O_ACCMODE) == O_WRONLY ? "writing" : "reading and writing");

	if (ioctl(fd, IODEMO_GET_INFO, &info)) {
		if (errno == ENOTTY)
			errx(1, "%s: not an iodemo device", path);
		err(1, "%s: GET_INFO", path);
	}
	if (info.version < IODEMO_VERSION)
		errx(1, "%s: interface version %u is out of range: %u and newer", path,
		     info.version, IODEMO_VERSION);
	return fd;
}

void iodemo_ioctl(int fd, const char *path, unsigned long request, void *arg, const char *what)
{
	if (!ioctl(fd, request, arg))
		return;
	if (errno == EBUSY)
		errx(1, "%s: %s: reserved by another program", path, what);
	if (errno == ENODEV)
		errx(1, "%s: %s: the device was unplugged", path, what);
	if (errno == EOPNOTSUPP)
		errx(1, "%s: %s: its source can't do that;\n"
		     "`iodemo-ctl -d %s info` tells what it can", path, what, path);
	if (errno == EPERM)
		errx(1, "%s: %s: only for root, and for the owner and the group of %s, which\n"
		     "`sudo chgrp \"$(id -gn)\" %s` makes yours", path, what, path, path);
	err(1, "%s: %s", path, what);
}

void iodemo_set_raw(int fd, const char *path, __u32 low_water)
{
	struct iodemo_client_config client = {
		.format = IODEMO_FORMAT_RAW,
		.low_water = low_water,
	};

	iodemo_ioctl(fd, path, IODEMO_SET_CLIENT, &client, "SET_CLIENT");
}
