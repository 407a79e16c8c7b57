/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hardware is to us: all that the driver of a source needs, with the
 * interface to user space
 *
 * A source knows the device that it feeds, and no client. It stores what it has
 * got with iodemo_device_receive(), takes what is to be sent with
 * iodemo_device_take(), and then calls iodemo_device_wake(). What the device
 * wants of the source, it finds in the source's table. docs/porting.md begins
 * with the smallest one, iodemo-skeleton.
 */
#ifndef _IODEMO_SOURCE_H
#define _IODEMO_SOURCE_H

#include <linux/types.h>
#include <uapi/iodemo.h>

struct device;
struct iodemo_device;
struct iodemo_source;

/* For the driver of a source, which is a module of its own */
#define IODEMO_NAMESPACE	"IODEMO"

/* What a program sends with one record. */
struct iodemo_payload {
	u8 len;
	u8 data[IODEMO_DATA_SIZE];	/* zero from @len on */
};

/**
 * struct iodemo_source_ops - a kind of hardware
 * @name: what GET_INFO calls it, shorter than IODEMO_SOURCE_SIZE
 * @node: what its nodes in /dev are called: this, this with 1 behind it, ...
 * @tx_drain: records that one interrupt sends at most; 0 if that depends
 * @start: somebody has the device open: make interrupts. In atomic context; may be
 *	called with @stop and with all others at the same time.
 * @stop: nobody has any more: make none. One may still be under way, or in its
 *	handler. In atomic context. What was started is stopped, in turn.
 * @shutdown: the device goes. Nothing of the source's may call a function of the
 *	device when this returns; neither this nor any other of this table is
 *	called after it.
 * @configure: from when this returns, all goes by this configuration, whose values
 *	are in range. Also called before the device is there, with what was given
 *	to iodemo_device_plug(). Return: 0, or what SET_CONFIG shall give, with the
 *	old one in force. Without it SET_CONFIG gives EOPNOTSUPP.
 * @trigger: make one interrupt, and return when its records are in the ring and its
 *	handler, and its thread, are done. Return: 0, or what TRIGGER shall give if
 *	there was no interrupt. Without it TRIGGER gives EOPNOTSUPP.
 * @expires: when the next interrupt is due, nanoseconds of CLOCK_MONOTONIC; 0 if
 *	that isn't known. In atomic context; may be called with all others at the
 *	same time. Without it: 0.
 * @send: programs have written something: fetch it, soon, with iodemo_device_take().
 *	For a source that doesn't look by itself at each interrupt. In any context,
 *	also hard interrupt, with locks of the device's held: no function of the
 *	device may be called from within, so what does the work is a work item or
 *	the like. May be called with all others at the same time.
 *
 * @start, @stop and @shutdown have to be there.
 * @shutdown, @configure and @trigger may sleep, and are called one at a time. A
 * source can sleep itself, with its machine, between any two calls.
 */
struct iodemo_source_ops {
	const char *name;
	const char *node;
	u32 tx_drain;
	void (*start)(struct iodemo_source *source);
	void (*stop)(struct iodemo_source *source);
	void (*shutdown)(struct iodemo_source *source);
	int (*configure)(struct iodemo_source *source, const struct iodemo_config *config);
	int (*trigger)(struct iodemo_source *source);
	u64 (*expires)(const struct iodemo_source *source);
	void (*send)(struct iodemo_source *source);
};

/**
 * struct iodemo_source - one piece of hardware; a member of its driver's own
 *	structure, which lasts until iodemo_device_unplug() has returned
 * @ops: which kind it is. The driver sets this and the next two before it plugs
 * @irq: number of its line, for GET_INFO; 0 if there is none
 * @flags: what GET_INFO is to say of it: IODEMO_INFO_THREADED, IODEMO_INFO_WAITS
 * @dev: the device that it feeds; the device's own
 * @interrupts: those handled; the driver counts here and in the next four
 * @echoes: records sent back
 * @overruns: periods without an interrupt of their own, or whose records nobody took
 * @polls: looks at it without an interrupt
 * @exhausted: of these, such as found more than they took
 */
struct iodemo_source {
	const struct iodemo_source_ops *ops;
	int irq;
	u32 flags;
	struct iodemo_device *dev;
	u64 interrupts;
	u64 echoes;
	u64 overruns;
	u64 polls;
	u64 exhausted;
};

int iodemo_device_plug(struct iodemo_source *source, struct device *parent,
		       unsigned int index, const struct iodemo_config *config);
int devm_iodemo_device_plug(struct iodemo_source *source, struct device *parent,
			    unsigned int index, const struct iodemo_config *config);
void iodemo_device_unplug(struct iodemo_source *source);
void iodemo_device_interrupt(struct iodemo_device *dev, unsigned int interrupts,
			     u64 timestamp);
void iodemo_device_receive(struct iodemo_device *dev, u64 timestamp, u16 type,
			   const u8 *data, u16 len);
bool iodemo_device_take(struct iodemo_device *dev, struct iodemo_payload *payload);
u64 iodemo_device_records(const struct iodemo_device *dev);
u32 iodemo_device_room(struct iodemo_device *dev);
void iodemo_device_wake(struct iodemo_device *dev);

#endif /* _IODEMO_SOURCE_H */
