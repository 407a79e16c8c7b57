// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest source. Begin with a copy; docs/porting.md tells what goes where.
 * Its hardware makes an interrupt when it is fired, and sends back what it is given.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include "source.h"

/* Your interrupt handler: fetch what has come, send what is to go, and then tell. */
static void handle_interrupt(struct iodemo_source *source)
{
	struct iodemo_device *dev = source->dev;
	struct iodemo_payload payload;
	u64 now = ktime_get_ns();

	source->interrupts++;
	iodemo_device_interrupt(dev, 1, now);
	iodemo_device_receive(dev, now, IODEMO_TYPE_SAMPLE,
			      iodemo_sample(iodemo_device_records(dev)), IODEMO_DATA_SIZE);
	for (; iodemo_device_take(dev, &payload); source->echoes++)
		iodemo_device_receive(dev, now, IODEMO_TYPE_ECHO, payload.data, payload.len);
	iodemo_device_wake(dev);
}

/* Yours lets the hardware make interrupts, or none; for good, then wait for the handler. */
static void start_or_stop(struct iodemo_source *source)
{
}

/* Yours asks the hardware for one, and waits until it was handled. */
static int trigger(struct iodemo_source *source)
{
	handle_interrupt(source);
	return 0;
}

static const struct iodemo_source_ops skeleton_ops = {
	.name = "skeleton", .node = "iodemo-skeleton",
	.start = start_or_stop, .stop = start_or_stop, .shutdown = start_or_stop,
	.trigger = trigger,
};

/* Yours has the source in a structure of its own, with the registers and the line. */
static int probe(struct platform_device *pdev)
{
	struct iodemo_source *source = devm_kzalloc(&pdev->dev, sizeof(*source), GFP_KERNEL);

	if (!source)
		return -ENOMEM;
	source->ops = &skeleton_ops;
	return devm_iodemo_device_plug(source, &pdev->dev, 0, NULL);
}

/* Yours is found by a bus: module_pci_driver(), module_platform_driver() ... */
static struct platform_driver skeleton_driver = { .driver.name = "iodemo-skeleton" };
static struct platform_device *device;

static int __init skeleton_init(void)
{
	device = platform_create_bundle(&skeleton_driver, probe, NULL, 0, NULL, 0);
	return PTR_ERR_OR_ZERO(device);
}
module_init(skeleton_init);

static void __exit skeleton_exit(void)
{
	platform_device_unregister(device);
	platform_driver_unregister(&skeleton_driver);
}
module_exit(skeleton_exit);

MODULE_DESCRIPTION("The smallest source of iodemo's, to begin another with");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, IODEMO_NAMESPACE);
