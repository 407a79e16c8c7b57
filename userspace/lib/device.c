// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening, configuring and firing a device
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libiodemo.h"

/* The oldest that this was tested with; the interface only grows. */
#define VERSION_MIN	4

static int call(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) ? -errno : 0;
}

/* Is it a device, and one that we understand? */
static int check(int fd)
{
	struct iodemo_info info;
	int err = call(fd, IODEMO_GET_INFO, &info);

	if (err)
		return err;
	if (info.version < VERSION_MIN || info.record_size != sizeof(struct iodemo_record))
		return -EPROTO;
	return iodemo_set_client(fd, IODEMO_FORMAT_RAW, IODEMO_LOW_WATER_MIN);
}

int iodemo_open(const char *path, int flags)
{
	int fd = open(path ? path : IODEMO_DEVICE, flags | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = check(fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int iodemo_configure(int fd, __u32 period_us, __u32 burst)
{
	struct iodemo_config config = { .period_us = period_us, .burst = burst };

	return call(fd, IODEMO_SET_CONFIG, &config);
}

int iodemo_set_client(int fd, __u32 format, __u32 low_water)
{
	struct iodemo_client_config config = { .format = format, .low_water = low_water };

	return call(fd, IODEMO_SET_CLIENT, &config);
}

int iodemo_set_types(int fd, __u32 types)
{
	struct iodemo_client_config config;
	int err = call(fd, IODEMO_GET_CLIENT, &config);

	if (err)
		return err;
	config.types = types;
	return call(fd, IODEMO_SET_CLIENT, &config);
}

/* After a signal the driver has left in it how many are still to fire. */
int iodemo_fire(int fd, __u32 interrupts)
{
	int err;

	do {
		err = call(fd, IODEMO_TRIGGER, &interrupts);
	} while (err == -EINTR);
	return err;
}
