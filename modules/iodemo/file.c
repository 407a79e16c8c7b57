// SPDX-License-Identifier: GPL-2.0-only
/*
 * An open file, as the kernel sees it: the table of what can be done with it, its
 * beginning and end, and whether a call may sleep
 */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "models.h"

/*
 * Who owns the node, or is of its group, is in charge of the device. That goes with
 * the file, as what it was opened for does. Others ask for a capability that they
 * need not have, which is nothing for the audit log.
 */
static bool is_in_charge(const struct inode *inode)
{
	return uid_eq(inode->i_uid, current_fsuid()) || in_group_p(inode->i_gid) ||
	       ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

/* Misc devices are opened one after the other, all of them: nothing here waits. */
static int iodemo_open(struct inode *inode, struct file *file)
{
	struct iodemo_device *dev = iodemo_device_of(file->private_data);
	struct iodemo_client *client;

	if (iodemo_tx_held_from(&dev->tx, NULL) && !capable(CAP_SYS_ADMIN))
		return -EBUSY;
	client = iodemo_client_open(dev, file->f_mode, is_in_charge(inode));
	if (!client)
		return -ENOMEM;
	file->private_data = client;
	file->f_mode |= FMODE_NOWAIT;	/* we know IOCB_NOWAIT: no worker threads */
	return stream_open(inode, file);
}

static int is_file(const void *file, struct file *other, unsigned int fd)
{
	return other == file;
}

/*
 * A descriptor is closed. What is pending keeps the file open; so what is to end
 * with close() ends here, when that was its process's last descriptor of the file.
 */
static int iodemo_flush(struct file *file, fl_owner_t files)
{
	struct iodemo_client *client = file->private_data;
	bool reserved = READ_ONCE(client->reserved_by) == files;

	if (!reserved && list_empty_careful(&client->requests))
		return 0;
	if (iterate_fd(current->files, 0, is_file, file))
		return 0;
	if (reserved) {
		WRITE_ONCE(client->reserved_by, NULL);
		iodemo_tx_release(&client->dev->tx, client);
	}
	iodemo_aio_close(client, files);
	return 0;
}

static int iodemo_release(struct inode *inode, struct file *file)
{
	struct iodemo_client *client = file->private_data;

	iodemo_tx_release(&client->dev->tx, client);
	iodemo_fasync_close(file);
	iodemo_client_close(client);
	return 0;
}

static void iodemo_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct iodemo_client *client = file->private_data;
	struct iodemo_stats stats;

	iodemo_client_count(client, &stats);
	seq_printf(m, "iodemo-client:\t%u\n", client->id);
	seq_printf(m, "iodemo-cursor:\t%llu\n", stats.records - stats.lag);
	seq_printf(m, "iodemo-lag:\t%llu\n", stats.lag);
	seq_printf(m, "iodemo-waiting:\t%llu\n", iodemo_client_waiting(client));
	seq_printf(m, "iodemo-lost:\t%llu\n", stats.lost);
	seq_printf(m, "iodemo-skipped:\t%llu\n", stats.skipped);
	seq_printf(m, "iodemo-types:\t%#x\n", READ_ONCE(client->config.types));
	seq_printf(m, "iodemo-format:\t%s\n",
		   READ_ONCE(client->config.format) == IODEMO_FORMAT_RAW ? "raw" : "text");
}

static bool may_not_wait(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT || iocb->ki_filp->f_flags & O_NONBLOCK;
}

/* readv(), preadv2(), io_uring, kernel AIO */
static ssize_t iodemo_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct iodemo_client *client = iocb->ki_filp->private_data;
	bool nowait = may_not_wait(iocb);

	if (iocb_is_aio(iocb) && !nowait)
		return iodemo_aio_read(client, iocb, to);
	return iodemo_read_sync(client, to, nowait);
}

static ssize_t iodemo_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct iodemo_client *client = iocb->ki_filp->private_data;
	bool nowait = may_not_wait(iocb);

	if (iocb_is_aio(iocb) && !nowait)
		return iodemo_aio_write(client, iocb, from);
	return iodemo_write_sync(client, from, nowait);
}

const struct file_operations iodemo_fops = {
	.owner		= THIS_MODULE,
	.open		= iodemo_open,
	.flush		= iodemo_flush,
	.release	= iodemo_release,
	.read		= iodemo_read,
	.read_iter	= iodemo_read_iter,
	.write_iter	= iodemo_write_iter,
	.poll		= iodemo_poll,
	.fasync		= iodemo_fasync,
	.mmap		= iodemo_mmap,
	.uring_cmd	= iodemo_uring_cmd,
	.uring_cmd_iopoll = iodemo_uring_cmd_iopoll,
	.splice_read	= iodemo_splice_read,
	.splice_write	= iodemo_splice_write,
	.unlocked_ioctl	= iodemo_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.show_fdinfo	= iodemo_show_fdinfo,
};
