// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking a device away, and putting it back
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "libiodemo.h"

static int tell_driver(const char *path, unsigned int index)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = dprintf(fd, "iodemo.%u", index) < 0 ? -errno : 0;
	close(fd);
	return err;
}

int iodemo_unplug(unsigned int index)
{
	return tell_driver("/sys/bus/platform/drivers/iodemo/unbind", index);
}

int iodemo_plug(unsigned int index)
{
	return tell_driver("/sys/bus/platform/drivers/iodemo/bind", index);
}
