// SPDX-License-Identifier: GPL-2.0-only
/*
 * iodemo: the five I/O models on one character device
 *
 * Module init and exit, and the parameters of all devices.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>

#include "builtin.h"
#include "models.h"
#include "param.h"

static struct iodemo_ranged capacity = {
	.value = 1024, .min = IODEMO_CAPACITY_MIN, .max = IODEMO_CAPACITY_MAX,
	.power_of_two = true,
};
module_param_cb(capacity, &iodemo_ranged_ops, &capacity, 0444);
MODULE_PARM_DESC(capacity, "records in the ring, a power of two in 16..65536 (default 1024)");

/* Of 0, the kernel would make a mode of its own; and nobody executes a device. */
static int mode_set(const char *text, const struct kernel_param *kp)
{
	unsigned int mode;

	if (kstrtouint(text, 8, &mode) || !mode || mode & ~0666) {
		pr_err("%s=%s is out of range: octal, bits of 0666, one at least; to poll, see service=\n",
		       kp->name, text);
		return -EINVAL;
	}
	*(umode_t *)kp->arg = mode;
	return 0;
}

static int mode_get(char *text, const struct kernel_param *kp)
{
	return sysfs_emit(text, "%#o\n", *(umode_t *)kp->arg);
}

static const struct kernel_param_ops mode_ops = {
	.set = mode_set,
	.get = mode_get,
};

static umode_t mode = 0666;
module_param_cb(mode, &mode_ops, &mode, 0444);
MODULE_PARM_DESC(mode, "of the nodes, octal, bits of 0666: who may read, and write and TRIGGER (default 0666)");

static int __init iodemo_init(void)
{
	const struct iodemo_device_defaults defaults = {
		.fops = &iodemo_fops,
		.capacity = capacity.value,
		.mode = mode,
	};
	int err;

	iodemo_device_init(&defaults);
	err = iodemo_fasync_init();
	if (err)
		return err;
	err = iodemo_aio_init();
	if (err)
		goto err_aio;
	iodemo_debugfs_init();
	err = iodemo_builtin_init();
	if (err)
		goto err_builtin;
	return 0;

err_builtin:
	iodemo_debugfs_exit();
	iodemo_aio_exit();
err_aio:
	iodemo_fasync_exit();
	return err;
}

static void __exit iodemo_exit(void)
{
	iodemo_builtin_exit();
	iodemo_debugfs_exit();
	iodemo_aio_exit();
	iodemo_fasync_exit();
}

module_init(iodemo_init);
module_exit(iodemo_exit);

MODULE_AUTHOR("The iodemo authors");
MODULE_DESCRIPTION("A device fed by simulated interrupts, to show and test the five I/O models");
MODULE_LICENSE("GPL");
MODULE_VERSION(IODEMO_VERSION_STRING);
