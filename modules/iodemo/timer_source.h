/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulated hardware, to its driver
 */
#ifndef _IODEMO_TIMER_SOURCE_H
#define _IODEMO_TIMER_SOURCE_H

#include "source.h"

struct iodemo_source *iodemo_timer_source_create(struct device *parent, unsigned int index,
						 bool threaded);
void iodemo_timer_source_suspend(struct iodemo_source *source);
void iodemo_timer_source_resume(struct iodemo_source *source);

#endif /* _IODEMO_TIMER_SOURCE_H */
