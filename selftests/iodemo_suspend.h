/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Suspending the machine: to memory, until its clock wakes it; or as far as the kernel's
 * own test of that goes, which few kernels have.
 */
#ifndef IODEMO_SUSPEND_H
#define IODEMO_SUSPEND_H

#define SUSPEND_DELAY_S	1	/* for which the kernel's test stays suspended */

/* Why it can't be done here, or NULL; @level: of /sys/power/pm_test, or NULL: all the way */
const char *suspend_unsuited(const char *level);

/* Return when the machine is back: 0, or -errno. */
long suspend_machine(const char *level);

#endif /* IODEMO_SUSPEND_H */
