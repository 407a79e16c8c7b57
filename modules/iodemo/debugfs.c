// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be watched: /sys/kernel/debug/iodemo/<device>/stats
 */

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "device.h"

static struct dentry *root;

static int stats_show(struct seq_file *m, void *v)
{
	struct iodemo_device *dev = m->private;
	struct iodemo_stats stats = { };

	iodemo_device_count(dev, &stats);
	seq_printf(m, "interrupts %llu\n", stats.interrupts);
	seq_printf(m, "overruns %llu\n", stats.overruns);
	seq_printf(m, "polls %llu\n", stats.polls);
	seq_printf(m, "exhausted %llu\n", stats.exhausted);
	seq_printf(m, "records %llu\n", stats.records);
	seq_printf(m, "echoes %llu\n", stats.echoes);
	seq_printf(m, "wakeups %llu\n", stats.wakeups);
	seq_printf(m, "signals %llu\n", stats.signals);
	seq_printf(m, "tx_queued %u\n", kfifo_len(&dev->tx.queue));
	seq_printf(m, "open_files %u\n", READ_ONCE(dev->open_files));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

void iodemo_debugfs_add(struct iodemo_device *dev)
{
	dev->debugfs = debugfs_create_dir(dev->name, root);
	debugfs_create_file("stats", 0444, dev->debugfs, dev, &stats_fops);
}

void iodemo_debugfs_init(void)
{
	root = debugfs_create_dir(IODEMO_NAME, NULL);
}

void iodemo_debugfs_exit(void)
{
	debugfs_remove(root);
}
