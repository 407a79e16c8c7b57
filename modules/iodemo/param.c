// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters that are numbers with a range, and say so when they are refused
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/sysfs.h>

#include "param.h"

static bool holds(const struct iodemo_ranged *param, unsigned int value)
{
	if (param->or_zero && !value)
		return true;
	if (param->power_of_two && !is_power_of_2(value))
		return false;
	return value >= param->min && value <= param->max;
}

static int ranged_set(const char *text, const struct kernel_param *kp)
{
	struct iodemo_ranged *param = kp->arg;
	unsigned int value;

	if (kstrtouint(text, 0, &value) || !holds(param, value)) {
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
	const struct iodemo_ranged *param = kp->arg;

	return sysfs_emit(text, "%u\n", param->value);
}

const struct kernel_param_ops iodemo_ranged_ops = {
	.set = ranged_set,
	.get = ranged_get,
};
