// SPDX-License-Identifier: GPL-2.0-only
/*
 * iodemo: the five I/O models on one character device
 *
 * Module init and exit, and the parameters.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#include "models.h"

/* A numeric parameter's value, and which values are right. */
struct ranged {
	unsigned int value;
	unsigned int min;
	unsigned int max;
	bool or_zero;
	bool power_of_two;
};

static bool param_holds(const struct ranged *param, unsigned int value)
{
	if (param->or_zero && !value)
		return true;
	if (param->power_of_two && !is_power_of_2(value))
		return false;
	return value >= param->min && value <= param->max;
}

static int ranged_set(const char *text, const struct kernel_param *kp)
{
	struct ranged *param = kp->arg;
	unsigned int value;

	if (kstrtouint(text, 0, &value) || !param_holds(param, value)) {
		pr_err("%s=%s is out of range: %s%u..%u%s\n", kp->name, text,
		       param->power_of_two ? "a power of two in " : "",
		       param->min, param->max, param->or_zero ? ", or 0 for only TRIGGER" : "");
		return -EINVAL;
	}
	param->value = value;
	return 0;
}

static int ranged_get(char *text, const struct kernel_param *kp)
{
	const struct ranged *param = kp->arg;

	return sysfs_emit(text, "%u\n", param->value);
}

static const struct kernel_param_ops ranged_ops = {
	.set = ranged_set,
	.get = ranged_get,
};

static struct ranged devices = {
	.value = 1, .min = IODEMO_DEVICES_MIN, .max = IODEMO_DEVICES_MAX,
};
module_param_cb(devices, &ranged_ops, &devices, 0444);
MODULE_PARM_DESC(devices, "how many devices, 1..16: /dev/iodemo, /dev/iodemo1, ... (default 1)");

static struct ranged period_us = {
	.value = 100000, .min = IODEMO_PERIOD_US_MIN, .max = IODEMO_PERIOD_US_MAX,
	.or_zero = true,
};
module_param_cb(period_us, &ranged_ops, &period_us, 0444);
MODULE_PARM_DESC(period_us, "microseconds between interrupts, 10..60000000, or 0 for only TRIGGER (default 100000)");

static struct ranged burst = {
	.value = 1, .min = IODEMO_BURST_MIN, .max = IODEMO_BURST_MAX,
};
module_param_cb(burst, &ranged_ops, &burst, 0444);
MODULE_PARM_DESC(burst, "samples an interrupt, 1..1024 (default 1)");

static struct ranged capacity = {
	.value = 1024, .min = IODEMO_CAPACITY_MIN, .max = IODEMO_CAPACITY_MAX,
	.power_of_two = true,
};
module_param_cb(capacity, &ranged_ops, &capacity, 0444);
MODULE_PARM_DESC(capacity, "records in the ring, a power of two in 16..65536 (default 1024)");

static bool threaded;
module_param(threaded, bool, 0444);
MODULE_PARM_DESC(threaded, "wake readers from the interrupt's thread, not from its hard handler (default 0)");

/* Of 0, the kernel would make a mode of its own; and nobody executes a device. */
static int mode_set(const char *text, const struct kernel_param *kp)
{
	unsigned int mode;

	if (kstrtouint(text, 8, &mode) || !mode || mode & ~0666) {
		pr_err("%s=%s is out of range: octal, bits of 0666, one at least\n",
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

static int iodemo_probe(struct platform_device *pdev)
{
	const struct iodemo_device_params params = {
		.fops = &iodemo_fops,
		.source = &iodemo_timer_source_ops,
		.config.period_us = period_us.value,
		.config.burst = burst.value,
		.capacity = capacity.value,
		.threaded = threaded,
		.mode = mode,
	};

	return iodemo_device_plug(pdev, &params);
}

static int iodemo_suspend(struct device *dev)
{
	iodemo_device_suspend(dev_get_drvdata(dev));
	return 0;
}

static int iodemo_resume(struct device *dev)
{
	iodemo_device_resume(dev_get_drvdata(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(iodemo_pm_ops, iodemo_suspend, iodemo_resume);

/* Loading tells whether all devices are there, so it can't be left to others. */
static struct platform_driver iodemo_driver = {
	.driver.name = IODEMO_NAME,
	.driver.pm = pm_sleep_ptr(&iodemo_pm_ops),
	.driver.probe_type = PROBE_FORCE_SYNCHRONOUS,
	.probe = iodemo_probe,
};

/* The hardware that a bus would find. */
static struct platform_device *platform_devices[IODEMO_DEVICES_MAX];

static void unregister_platform_devices(unsigned int n)
{
	while (n--)
		platform_device_unregister(platform_devices[n]);
}

static int __init register_platform_devices(void)
{
	for (unsigned int i = 0; i < devices.value; i++) {
		struct platform_device *pdev;

		pdev = platform_device_register_simple(IODEMO_NAME, i, NULL, 0);
		if (IS_ERR(pdev)) {
			unregister_platform_devices(i);
			return PTR_ERR(pdev);
		}
		platform_devices[i] = pdev;

		/* A failed probe has told why; without all devices we don't load. */
		if (!platform_get_drvdata(pdev)) {
			unregister_platform_devices(i + 1);
			return -ENODEV;
		}
	}
	return 0;
}

static int __init iodemo_init(void)
{
	int err;

	err = iodemo_fasync_init();
	if (err)
		return err;
	err = iodemo_aio_init();
	if (err)
		goto err_aio;
	iodemo_debugfs_init();
	err = platform_driver_register(&iodemo_driver);
	if (err)
		goto err_driver;
	err = register_platform_devices();
	if (err)
		goto err_devices;
	return 0;

err_devices:
	platform_driver_unregister(&iodemo_driver);
err_driver:
	iodemo_debugfs_exit();
	iodemo_aio_exit();
err_aio:
	iodemo_fasync_exit();
	return err;
}

static void __exit iodemo_exit(void)
{
	unregister_platform_devices(devices.value);
	platform_driver_unregister(&iodemo_driver);
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
