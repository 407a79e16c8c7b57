/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device: what a source feeds, and clients read
 */
#ifndef _IODEMO_DEVICE_H
#define _IODEMO_DEVICE_H

#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "ring.h"
#include "source.h"
#include "tx.h"
#include "wake.h"

#define IODEMO_NAME	"iodemo"

/**
 * struct iodemo_reading - an open file, as far as a source that waits has to know it
 * @page: its cursor, which the user may write
 * @reads: it is open for reading
 * @waited_for: and what it has yet to read is not to be overwritten
 * @types: those of records that it wants, a bit each
 * @entry: in the device's list of such
 */
struct iodemo_reading {
	struct iodemo_cursor_page *page;
	bool reads;
	bool waited_for;
	u32 types;
	struct list_head entry;
};

/**
 * struct iodemo_device - one /dev/iodemo*
 * @ref: held by the source while plugged, and by each client
 * @name: of the node, in sysfs and debugfs
 * @info: what GET_INFO tells of it, and of its source
 * @misc: the character device
 * @debugfs: our directory there
 * @ring: what the source has stored
 * @tx: what the source is to send, and whose the device is
 * @source: the hardware; NULL once unplugged. Changed under @lock and @files_lock,
 *	and it lasts for as long as who holds one of them, or reads under RCU
 * @config: what the source was configured with last; under @lock
 * @lock: one at a time configures, fires, reserves and unplugs the device
 * @sends: the source is to be told when there is something to send
 * @gone: unplugged; set once, after the last record was stored
 * @files_lock: protects the next four, with the source's start and stop. Not
 *	@lock: open() holds up all misc devices, and never waits for an interrupt.
 * @open_files: clients there are
 * @readers: of these, those that are open for reading
 * @waited_for: of these, those that a source which waits is to wait for
 * @opens: clients there ever were
 * @listeners: clients that somebody waits on, each with a wake function that
 *	tells them; an interrupt costs nothing for the others. Its lock protects
 *	the members below.
 * @news: how often there was something to tell
 * @round: which of these the round is about that is being told
 * @told: which of these all have been told of
 * @room: there was room news in that round
 * @all_told: the device is gone, and nobody new is to be told by the next
 * @bottom_half: tells on, when that is too much for an interrupt
 * @wakeups: see struct iodemo_stats
 * @signals: see struct iodemo_stats
 */
struct iodemo_device {
	struct kref ref;
	char name[32];
	struct iodemo_info info;
	struct miscdevice misc;
	struct dentry *debugfs;

	struct iodemo_ring ring;
	struct iodemo_tx tx;
	struct iodemo_source __rcu *source;
	struct iodemo_config config;

	struct mutex lock;	/* outermost */
	bool sends;
	bool gone;

	spinlock_t files_lock;	/* process context */
	unsigned int open_files;
	unsigned int readers;
	struct list_head waited_for;
	u32 opens;

	struct iodemo_queue listeners;
	u64 news;
	u64 round;
	u64 told;
	bool room;
	bool all_told;
	struct work_struct bottom_half;
	u64 wakeups;
	u64 signals;
};

/**
 * struct iodemo_device_defaults - what all devices start with
 * @fops: of their nodes; private_data is the struct miscdevice
 * @capacity: records in the ring
 * @mode: of their nodes; not 0
 */
struct iodemo_device_defaults {
	const struct file_operations *fops;
	u32 capacity;
	umode_t mode;
};

void iodemo_device_init(const struct iodemo_device_defaults *given);
u32 iodemo_device_open(struct iodemo_device *dev, struct iodemo_reading *reading);
void iodemo_device_close(struct iodemo_device *dev, struct iodemo_reading *reading);
void iodemo_device_put(struct iodemo_device *dev);
int iodemo_device_configure(struct iodemo_device *dev, const struct iodemo_config *config);
int iodemo_device_trigger(struct iodemo_device *dev);
bool iodemo_device_config_valid(const struct iodemo_config *config);
void iodemo_device_flush(struct iodemo_device *dev);
void iodemo_device_tell_source(struct iodemo_device *dev);
void iodemo_device_tell_until(struct iodemo_device *dev, u64 news);

static inline struct iodemo_device *iodemo_device_of(struct miscdevice *misc)
{
	return container_of(misc, struct iodemo_device, misc);
}

static inline bool iodemo_device_gone(const struct iodemo_device *dev)
{
	return smp_load_acquire(&dev->gone);	/* pairs with iodemo_device_unplug() */
}

/* What it and its source have counted, of about one moment. */
static inline void iodemo_device_count(struct iodemo_device *dev, struct iodemo_stats *stats)
{
	struct iodemo_source *source;

	stats->records = iodemo_ring_head(&dev->ring);
	stats->wakeups = READ_ONCE(dev->wakeups);
	stats->signals = READ_ONCE(dev->signals);

	rcu_read_lock_sched();		/* costs less than what lets others in */
	source = rcu_dereference_sched(dev->source);
	if (source) {
		stats->interrupts = READ_ONCE(source->interrupts);
		stats->echoes = READ_ONCE(source->echoes);
		stats->overruns = READ_ONCE(source->overruns);
		stats->polls = READ_ONCE(source->polls);
		stats->exhausted = READ_ONCE(source->exhausted);
		if (source->ops->expires)
			stats->expires = source->ops->expires(source);
	}
	rcu_read_unlock_sched();
}

/* Something was written. In any context; most sources look by themselves. */
static inline void iodemo_device_written(struct iodemo_device *dev)
{
	if (unlikely(dev->sends))
		iodemo_device_tell_source(dev);
}

/**
 * iodemo_device_finish_wake() - tell those whom the interrupt had no time for
 * @dev: the device
 *
 * For who has fired it, and has to know that all are told. May sleep. What comes
 * meanwhile is not waited for, nor is anything by a task that is to die.
 */
static inline void iodemo_device_finish_wake(struct iodemo_device *dev)
{
	u64 news = READ_ONCE(dev->news);

	if (unlikely(READ_ONCE(dev->told) < news || READ_ONCE(dev->room)))
		iodemo_device_tell_until(dev, news);
}

/* debugfs.c */
void iodemo_debugfs_init(void);
void iodemo_debugfs_exit(void);
void iodemo_debugfs_add(struct iodemo_device *dev);

#endif /* _IODEMO_DEVICE_H */
