/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulated hardware as a source, to its driver
 */
#ifndef _IODEMO_TIMER_SOURCE_H
#define _IODEMO_TIMER_SOURCE_H

#include "source.h"

/* How the hardware is served: each period has an interrupt, or is found by looking, or both */
enum iodemo_service {
	IODEMO_SERVICE_INTERRUPT,
	IODEMO_SERVICE_POLLING,
	IODEMO_SERVICE_HYBRID,
};

/**
 * struct iodemo_timer_options - what the driver chooses
 * @service: how the hardware is served
 * @threaded: readers are woken from the interrupt's thread
 * @rest: the wire rests after work, as long as others need
 * @poll_us: between two looks, with polling
 */
struct iodemo_timer_options {
	enum iodemo_service service;
	bool threaded;
	bool rest;
	u32 poll_us;
};

struct iodemo_source *iodemo_timer_source_create(struct device *parent, unsigned int index,
						 const struct iodemo_timer_options *options);
void iodemo_timer_source_suspend(struct iodemo_source *source);
void iodemo_timer_source_resume(struct iodemo_source *source);

#endif /* _IODEMO_TIMER_SOURCE_H */
