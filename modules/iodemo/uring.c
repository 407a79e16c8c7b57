// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model five, io_uring: commands that a device can define itself
 *
 * Plain reads and writes need nothing of this: io_uring tries them without
 * waiting (IOCB_NOWAIT), and if that gives EAGAIN it polls us, like epoll. Here
 * are IORING_OP_URING_CMD's commands: one that completes when there is
 * something to read, and one that fires the interrupt.
 *
 * A command that waits is on its client's list until somebody takes it off, and
 * who took it off completes it, once: the wake-up, or a cancel. A wake-up comes
 * in interrupt context; there the result is settled, and delivered by the
 * submitter's own task. Linux before 6.7 can't cancel a command, and a task
 * that has one pending could never exit; there we send io_uring's worker
 * thread to wait, which it can interrupt.
 */

#include <linux/sched/signal.h>

#include "compat.h"
#include "iodemo.h"

/**
 * struct wait - our part of a command that waits
 * @node: on the client's list; empty when it is not, or no more
 * @timestamp: of the record that it tells of
 * @result: what it completes with; EIOCBQUEUED as long as that is open
 *
 * All under the client's uring.lock, until the result is settled.
 */
struct wait {
	struct list_head node;
	u64 timestamp;
	int result;
};

static_assert(sizeof(struct wait) <= sizeof_field(struct io_uring_cmd, pdu));

static struct wait *wait_of(struct io_uring_cmd *cmd)
{
	return (struct wait *)cmd->pdu;
}

static struct io_uring_cmd *cmd_of(struct wait *wait)
{
	return container_of((void *)wait, struct io_uring_cmd, pdu);
}

void iodemo_uring_init_client(struct iodemo_client *client)
{
	spin_lock_init(&client->uring.lock);
	INIT_LIST_HEAD(&client->uring.waits);
}

/* In any context. Return: is there something to tell? */
static bool settle(struct iodemo_client *client, struct wait *wait)
{
	bool gone = iodemo_device_gone(client->dev);
	u64 seq;

	if (!iodemo_client_readable(client))
		return false;
	if (iodemo_client_peek(client, &seq, &wait->timestamp)) {
		wait->result = seq & INT_MAX;
		return true;
	}
	if (gone)
		wait->result = -ENODEV;
	return gone;
}

/* By the task that has submitted it, or on its behalf. */
static void deliver(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct wait *wait = wait_of(cmd);

	io_uring_cmd_done32(cmd, wait->result, wait->timestamp, issue_flags);
}

DEFINE_URING_TASK_WORK(deliver_in_task, deliver)

/* Complete what waits, if there is something to tell. In any context. */
void iodemo_uring_wake(struct iodemo_client *client)
{
	struct iodemo_uring *uring = &client->uring;
	struct wait *wait, *next;
	unsigned long flags;

	spin_lock_irqsave(&uring->lock, flags);
	list_for_each_entry_safe(wait, next, &uring->waits, node) {
		if (!settle(client, wait))
			break;
		list_del_init(&wait->node);
		io_uring_cmd_complete_in_task(cmd_of(wait), deliver_in_task);
	}
	spin_unlock_irqrestore(&uring->lock, flags);
}

static void cancel_wait(struct iodemo_client *client, struct io_uring_cmd *cmd,
			unsigned int issue_flags)
{
	struct iodemo_uring *uring = &client->uring;
	struct wait *wait = wait_of(cmd);
	bool waits;

	spin_lock_irq(&uring->lock);
	waits = !list_empty(&wait->node);
	if (waits)
		list_del_init(&wait->node);
	if (wait->result == -EIOCBQUEUED)
		wait->result = -ECANCELED;
	spin_unlock_irq(&uring->lock);

	if (waits)
		deliver(cmd, issue_flags);
}

static bool listen_settle(struct iodemo_client *client, struct wait *wait)
{
	iodemo_client_listen(client);
	return settle(client, wait);
}

/* A command that can't be cancelled must not be left pending. */
static int wait_in_worker(struct iodemo_client *client, struct io_uring_cmd *cmd,
			  unsigned int issue_flags)
{
	struct wait *wait = wait_of(cmd);

	if (issue_flags & IO_URING_F_NONBLOCK)
		return -EAGAIN;		/* call us again from a worker */
	if (wait_event_interruptible(client->pollers, listen_settle(client, wait)))
		return -EINTR;
	deliver(cmd, issue_flags);
	return -EIOCBQUEUED;
}

/* Called again if it gave EAGAIN, so it starts from nothing. */
static int start_wait(struct iodemo_client *client, struct io_uring_cmd *cmd,
		      unsigned int issue_flags)
{
	struct iodemo_uring *uring = &client->uring;
	const u64 *payload = io_uring_cmd_payload(cmd);		/* 16 bytes */
	struct wait *wait = wait_of(cmd);
	bool cancelled;

	if (payload[0] | payload[1])
		return -EINVAL;
	if (!(client->mode & FMODE_READ))
		return -EBADF;

	INIT_LIST_HEAD(&wait->node);
	wait->timestamp = 0;
	wait->result = -EIOCBQUEUED;
	if (settle(client, wait)) {
		deliver(cmd, issue_flags);
		return -EIOCBQUEUED;
	}
	if (issue_flags & IO_URING_F_IOPOLL)
		return -EIOCBQUEUED;	/* see iodemo_uring_cmd_iopoll() */
	if (!io_uring_cmd_can_be_cancelled())
		return wait_in_worker(client, cmd, issue_flags);

	io_uring_cmd_mark_cancelable(cmd, issue_flags);

	spin_lock_irq(&uring->lock);
	cancelled = wait->result != -EIOCBQUEUED;
	if (!cancelled)
		list_add_tail(&wait->node, &uring->waits);
	spin_unlock_irq(&uring->lock);

	if (cancelled) {
		deliver(cmd, issue_flags);
		return -EIOCBQUEUED;
	}
	/* From here on it can be completed; what came before we listened did not. */
	iodemo_client_listen(client);
	iodemo_uring_wake(client);
	return -EIOCBQUEUED;
}

static int trigger(struct iodemo_client *client, struct io_uring_cmd *cmd,
		   unsigned int issue_flags)
{
	struct iodemo_device *dev = client->dev;
	struct iodemo_uring_trigger request;
	int err;

	memcpy(&request, io_uring_cmd_payload(cmd), sizeof(request));
	if (memchr_inv(request.reserved, 0, sizeof(request.reserved)) ||
	    !request.count || request.count > IODEMO_URING_TRIGGER_MAX)
		return -EINVAL;

	if (!(issue_flags & IO_URING_F_NONBLOCK))
		mutex_lock(&dev->lock);
	else if (!mutex_trylock(&dev->lock))
		return -EAGAIN;
	err = iodemo_client_may_change(client);
	while (!err && request.count--)
		iodemo_source_trigger(&dev->source);
	mutex_unlock(&dev->lock);

	io_uring_cmd_done32(cmd, err, 0, issue_flags);
	return -EIOCBQUEUED;
}

int iodemo_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct iodemo_client *client = cmd->file->private_data;

	if (issue_flags & IO_URING_F_CANCEL) {
		cancel_wait(client, cmd, issue_flags);
		return 0;
	}

	switch (cmd->cmd_op) {
	case IODEMO_URING_WAIT:
		return start_wait(client, cmd, issue_flags);
	case IODEMO_URING_TRIGGER:
		return trigger(client, cmd, issue_flags);
	default:
		return -EOPNOTSUPP;
	}
}

/* Does the caller poll only to get rid of what is pending? */
static bool tearing_down(void)
{
	return current->flags & (PF_KTHREAD | PF_EXITING) || current->in_execve ||
	       fatal_signal_pending(current);
}

/*
 * With IORING_SETUP_IOPOLL nobody is told: the program spins in
 * io_uring_enter(), and that asks us again and again. Return: has it completed?
 */
int iodemo_uring_cmd_iopoll(struct io_uring_cmd *cmd, struct io_comp_batch *batch,
			    unsigned int poll_flags)
{
	struct iodemo_client *client = cmd->file->private_data;
	struct wait *wait = wait_of(cmd);

	if (!settle(client, wait)) {
		if (!tearing_down())
			return 0;
		wait->result = -ECANCELED;
	}
	deliver(cmd, 0);
	return 1;
}
