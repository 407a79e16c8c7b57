/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hardware is to us
 *
 * A source knows the device that it feeds, and no client. It stores what it has
 * got with iodemo_device_receive(), takes what is to be sent with
 * iodemo_device_take(), and then calls iodemo_device_wake(). What the device wants of it,
 * it finds in the source's table.
 */
#ifndef _IODEMO_SOURCE_H
#define _IODEMO_SOURCE_H

#include <linux/types.h>
#include <uapi/iodemo.h>

struct iodemo_device;
struct iodemo_source;

/* What a program sends with one record. */
struct iodemo_payload {
	u8 len;
	u8 data[IODEMO_DATA_SIZE];
};

/**
 * struct iodemo_source_ops - a kind of hardware
 * @size: of the structure that has struct iodemo_source as its first member
 * @tx_drain: records that one interrupt sends at most
 * @init: make it ready, with its interrupt under this name, which lasts as long
 *	as the device; nothing runs yet
 * @exit: stop it for good; nothing of it runs when this returns
 * @start: somebody has the device open. In atomic context.
 * @stop: nobody has any more; an interrupt may still be under way. Likewise.
 * @configure: from when this returns, all goes by this configuration
 * @trigger: make one interrupt, and return when its records are in the ring and
 *	its handler, and its thread, are done
 * @expires: when the next interrupt is due, nanoseconds of CLOCK_MONOTONIC; 0 if
 *	none is
 * @suspend: make no interrupts until @resume, and be done with those under way
 * @resume: go on
 *
 * All but @start, @stop and @expires may sleep, and are called one at a time.
 */
struct iodemo_source_ops {
	size_t size;
	u32 tx_drain;
	int (*init)(struct iodemo_source *source, const char *name);
	void (*exit)(struct iodemo_source *source);
	void (*start)(struct iodemo_source *source);
	void (*stop)(struct iodemo_source *source);
	void (*configure)(struct iodemo_source *source, const struct iodemo_config *config);
	void (*trigger)(struct iodemo_source *source);
	u64 (*expires)(const struct iodemo_source *source);
	void (*suspend)(struct iodemo_source *source);
	void (*resume)(struct iodemo_source *source);
};

/**
 * struct iodemo_source - what all of them have
 * @ops: which kind it is
 * @dev: the device that it feeds
 * @irq: the line
 * @threaded: wake-ups are made in the irq thread
 * @config: period and burst
 * @interrupts: those handled; written by the handler
 * @echoes: records sent back; likewise
 * @overruns: periods without an interrupt of their own; written by the timer
 */
struct iodemo_source {
	const struct iodemo_source_ops *ops;
	struct iodemo_device *dev;
	int irq;
	bool threaded;
	struct iodemo_config config;
	u64 interrupts;
	u64 echoes;
	u64 overruns;
};

void iodemo_device_receive(struct iodemo_device *dev, u64 timestamp, u16 type,
			   const u8 *data, u16 len);
bool iodemo_device_take(struct iodemo_device *dev, struct iodemo_payload *payload);
u64 iodemo_device_records(const struct iodemo_device *dev);
void iodemo_device_wake(struct iodemo_device *dev);

extern const struct iodemo_source_ops iodemo_timer_source_ops;

#endif /* _IODEMO_SOURCE_H */
