// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cuts an interrupt line while it is loaded: no interrupt of that gets through, as with
 * one that the kernel has switched off because nobody cared. For selftests/cut.c
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/interrupt.h>
#include <linux/module.h>

static unsigned int irq;
module_param(irq, uint, 0444);
MODULE_PARM_DESC(irq, "number of the line, as in /proc/interrupts");

static int __init cut_init(void)
{
	if (!irq) {
		pr_err("irq=0: which line? See /proc/interrupts\n");
		return -EINVAL;
	}
	disable_irq(irq);
	return 0;
}
module_init(cut_init);

static void __exit cut_exit(void)
{
	enable_irq(irq);
}
module_exit(cut_exit);

MODULE_DESCRIPTION("Cuts an interrupt line, for iodemo's selftests");
MODULE_LICENSE("GPL");
