// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver of the simulated hardware, and the hardware that a bus would find: as
 * many platform devices as the module was told to make
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "builtin.h"
#include "param.h"
#include "timer_source.h"

#define NAME	"iodemo"

static struct iodemo_ranged devices = {
	.value = 1, .min = IODEMO_DEVICES_MIN, .max = IODEMO_DEVICES_MAX,
};
module_param_cb(devices, &iodemo_ranged_ops, &devices, 0444);
MODULE_PARM_DESC(devices, "how many devices, 1..16: /dev/iodemo, /dev/iodemo1, ... (default 1)");

static struct iodemo_ranged period_us = {
	.value = 100000, .min = IODEMO_PERIOD_US_MIN, .max = IODEMO_PERIOD_US_MAX,
	.or_zero = true,
};
module_param_cb(period_us, &iodemo_ranged_ops, &period_us, 0444);
MODULE_PARM_DESC(period_us, "microseconds between interrupts, 10..60000000, or 0 for only TRIGGER (default 100000)");

static struct iodemo_ranged burst = {
	.value = 1, .min = IODEMO_BURST_MIN, .max = IODEMO_BURST_MAX,
};
module_param_cb(burst, &iodemo_ranged_ops, &burst, 0444);
MODULE_PARM_DESC(burst, "samples an interrupt, 1..1024 (default 1)");

static bool threaded;
module_param(threaded, bool, 0444);
MODULE_PARM_DESC(threaded, "wake readers from the interrupt's thread, not from its hard handler (default 0)");

static bool rest = true;
module_param(rest, bool, 0444);
MODULE_PARM_DESC(rest, "rest after work, so that it takes a third of a processor at most (default 1); 0 shows live-lock");

static struct iodemo_ranged poll_us = {
	.value = 1000, .min = IODEMO_POLL_US_MIN, .max = IODEMO_POLL_US_MAX,
};
module_param_cb(poll_us, &iodemo_ranged_ops, &poll_us, 0444);
MODULE_PARM_DESC(poll_us, "microseconds between two looks with service=polling, 100..1000000 (default 1000)");

static const char * const services[] = {
	[IODEMO_SERVICE_INTERRUPT] = "interrupt",
	[IODEMO_SERVICE_POLLING] = "polling",
	[IODEMO_SERVICE_HYBRID] = "hybrid",
	NULL
};

static enum iodemo_service service;

static int service_set(const char *text, const struct kernel_param *kp)
{
	int choice = sysfs_match_string(services, text);

	if (choice < 0) {
		pr_err("%s=%s is none of interrupt, polling, hybrid\n", kp->name, text);
		return -EINVAL;
	}
	service = choice;
	return 0;
}

static int service_get(char *text, const struct kernel_param *kp)
{
	return sysfs_emit(text, "%s\n", services[service]);
}

static const struct kernel_param_ops service_ops = {
	.set = service_set,
	.get = service_get,
};
module_param_cb(service, &service_ops, NULL, 0444);
MODULE_PARM_DESC(service, "how the hardware is served: interrupt, polling, or hybrid, where an interrupt begins to poll until there is no more (default interrupt)");

/* Polled hardware has no interrupt's thread to wake anybody from. */
static int check_service(void)
{
	if (service == IODEMO_SERVICE_INTERRUPT)
		return 0;
	if (!IS_ENABLED(CONFIG_IRQ_POLL)) {
		pr_err("service=%s takes a kernel with CONFIG_IRQ_POLL\n", services[service]);
		return -EOPNOTSUPP;
	}
	if (threaded) {
		pr_err("service=%s has no threads: leave out threaded=1\n", services[service]);
		return -EINVAL;
	}
	return 0;
}

static int timer_probe(struct platform_device *pdev)
{
	const struct iodemo_config config = {
		.period_us = period_us.value,
		.burst = burst.value,
	};
	const struct iodemo_timer_options options = {
		.service = service,
		.threaded = threaded,
		.rest = rest,
		.poll_us = poll_us.value,
	};
	struct iodemo_source *source;

	source = iodemo_timer_source_create(&pdev->dev, pdev->id, &options);
	if (IS_ERR(source))
		return PTR_ERR(source);
	platform_set_drvdata(pdev, source);
	return devm_iodemo_device_plug(source, &pdev->dev, pdev->id, &config);
}

static int timer_suspend(struct device *dev)
{
	iodemo_timer_source_suspend(dev_get_drvdata(dev));
	return 0;
}

static int timer_resume(struct device *dev)
{
	iodemo_timer_source_resume(dev_get_drvdata(dev));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(timer_pm_ops, timer_suspend, timer_resume);

/* Loading tells whether all devices are there, so it can't be left to others. */
static struct platform_driver timer_driver = {
	.driver.name = NAME,
	.driver.pm = pm_sleep_ptr(&timer_pm_ops),
	.driver.probe_type = PROBE_FORCE_SYNCHRONOUS,
	.probe = timer_probe,
};

/* The hardware that a bus would find. */
static struct platform_device *platform_devices[IODEMO_DEVICES_MAX];

static void unregister_platform_devices(unsigned int n)
{
	while (n--)
		platform_device_unregister(platform_devices[n]);
}

static int register_platform_devices(void)
{
	for (unsigned int i = 0; i < devices.value; i++) {
		struct platform_device *pdev;

		pdev = platform_device_register_simple(NAME, i, NULL, 0);
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

int iodemo_builtin_init(void)
{
	int err = check_service();

	if (!err)
		err = platform_driver_register(&timer_driver);
	if (err)
		return err;
	err = register_platform_devices();
	if (err)
		platform_driver_unregister(&timer_driver);
	return err;
}

void iodemo_builtin_exit(void)
{
	unregister_platform_devices(devices.value);
	platform_driver_unregister(&timer_driver);
}
