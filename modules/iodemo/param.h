/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters that are numbers with a range
 */
#ifndef _IODEMO_PARAM_H
#define _IODEMO_PARAM_H

#include <linux/moduleparam.h>
#include <linux/types.h>

/**
 * struct iodemo_ranged - a parameter's value, and which values are right
 * @value: what it is
 * @min: the least that is right
 * @max: the greatest
 * @or_zero: 0 is too, and means that only TRIGGER makes interrupts
 * @power_of_two: but no others
 */
struct iodemo_ranged {
	unsigned int value;
	unsigned int min;
	unsigned int max;
	bool or_zero;
	bool power_of_two;
};

extern const struct kernel_param_ops iodemo_ranged_ops;

#endif /* _IODEMO_PARAM_H */
