// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model five, io_uring: commands that a device can define itself
 *
 * Plain reads and writes need nothing of this: io_uring tries them without
 * waiting (IOCB_NOWAIT), and if that gives EAGAIN it polls us, like epoll. Here
 * are IORING_OP_URING_CMD's commands: one that completes when there is
 * something to read, and one that fires the interrupt.
 *
 * A command that waits is an entry on its client's pollers, until somebody takes
 * it off, and who took it off completes it, once: the wake-up, or a cancel. A
 * wake-up comes in interrupt context; there the result is settled, and delivered
 * by the submitter's own task. Linux before 6.7 can't cancel a command, and a
 * task that has one pending could never exit: there none is left pending.
 *
 * A ring with IORING_SETUP_IOPOLL has nobody woken, but spins. What is pending in
 * it has to end soon by itself, as a transfer of a disk does: so it has a
 * deadline.
 */

#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "models.h"
#include "trace.h"

/* Records that a command may make in the submitter's own call; for more there are workers. */
#define INLINE_RECORDS	IODEMO_BURST_MAX

/**
 * struct wait - a command that waits to be told
 * @entry: on the client's pollers
 * @client: whose
 * @cmd: the command
 */
struct wait {
	struct wait_queue_entry entry;
	struct iodemo_client *client;
	struct io_uring_cmd *cmd;
};

/**
 * struct command - our part of io_uring's command
 * @wait: where it waits; NULL if it doesn't, or no more
 * @timestamp: of the record that it tells of; polled, the deadline until then
 * @result: what it completes with; EIOCBQUEUED as long as that is open
 *
 * All under the lock of the client's pollers, until the result is settled.
 */
struct command {
	struct wait *wait;
	u64 timestamp;
	int result;
};

static_assert(sizeof(struct command) <= sizeof_field(struct io_uring_cmd, pdu));

static struct command *command_of(struct io_uring_cmd *cmd)
{
	return (struct command *)cmd->pdu;
}

bool iodemo_uring_can_wait(void)
{
	return io_uring_cmd_can_be_cancelled();
}

/* In any context. Return: is there something to tell? */
static bool settle(struct iodemo_client *client, struct command *command)
{
	bool gone = iodemo_device_gone(client->dev);
	u64 seq, timestamp;

	if (!iodemo_client_readable(client))
		return false;
	if (iodemo_client_peek(client, &seq, &timestamp)) {
		command->timestamp = timestamp;
		command->result = seq & INT_MAX;
		return true;
	}
	if (gone) {
		command->timestamp = 0;
		command->result = -ENODEV;
	}
	return gone;
}

/* By the task that has submitted it, or on its behalf. */
static void deliver(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct command *command = command_of(cmd);

	trace_iodemo_uring_complete(cmd->file->private_data, cmd, command->result);
	io_uring_cmd_done32(cmd, command->result, command->timestamp, issue_flags);
}

DEFINE_URING_TASK_WORK(deliver_in_task, deliver)

static void free_wait(struct wait *wait)
{
	iodemo_client_leave_place(wait->client);
	kfree(wait);
}

/* With the lock of the pollers: it waits no more. */
static void end_wait(struct wait *wait)
{
	list_del(&wait->entry.entry);
	command_of(wait->cmd)->wait = NULL;
	free_wait(wait);
}

static int wake_wait(struct wait_queue_entry *entry, unsigned int mode, int flags, void *key)
{
	struct wait *wait = container_of(entry, struct wait, entry);
	struct io_uring_cmd *cmd = wait->cmd;

	if (!settle(wait->client, command_of(cmd)))
		return 0;
	end_wait(wait);
	io_uring_cmd_complete_in_task(cmd, deliver_in_task);
	return IODEMO_WHOM_URING;
}

static struct wait *make_wait(struct iodemo_client *client, struct io_uring_cmd *cmd)
{
	struct wait *wait;

	if (!iodemo_client_take_place(client))
		return ERR_PTR(-EAGAIN);
	wait = kmalloc(sizeof(*wait), GFP_KERNEL_ACCOUNT);
	if (!wait) {
		iodemo_client_leave_place(client);
		return ERR_PTR(-ENOMEM);
	}
	init_waitqueue_func_entry(&wait->entry, wake_wait);
	wait->client = client;
	wait->cmd = cmd;
	return wait;
}

static void cancel_wait(struct iodemo_client *client, struct io_uring_cmd *cmd,
			unsigned int issue_flags)
{
	spinlock_t *lock = &client->pollers.head.lock;
	struct command *command = command_of(cmd);
	bool waits;

	spin_lock_irq(lock);
	waits = command->wait;
	if (waits)
		end_wait(command->wait);
	if (command->result == -EIOCBQUEUED)
		command->result = -ECANCELED;
	spin_unlock_irq(lock);

	if (waits)
		deliver(cmd, issue_flags);
}

/*
 * An interrupt comes before all of this, and then the record is seen here, or
 * after it, and then it sees who waits. Return: does it wait? Then it can be
 * completed from here on; else its result is settled.
 */
static bool enqueue(struct wait *wait)
{
	struct iodemo_client *client = wait->client;
	struct command *command = command_of(wait->cmd);
	spinlock_t *listeners = &client->dev->listeners.head.lock;
	wait_queue_head_t *pollers = &client->pollers.head;
	bool waits;

	spin_lock_irq(listeners);
	spin_lock(&pollers->lock);
	/* It may have been cancelled already. */
	waits = command->result == -EIOCBQUEUED && !settle(client, command);
	if (waits) {
		command->wait = wait;
		__add_wait_queue_entry_tail(pollers, &wait->entry);
		iodemo_client_listen_locked(client);
		trace_iodemo_uring_queue(client, wait->cmd);
	}
	spin_unlock(&pollers->lock);
	spin_unlock_irq(listeners);
	return waits;
}

static int start_wait(struct iodemo_client *client, struct io_uring_cmd *cmd,
		      unsigned int issue_flags)
{
	const u64 *payload = io_uring_cmd_payload(cmd);		/* 16 bytes */
	struct command *command = command_of(cmd);
	struct wait *wait;

	if (payload[0] | payload[1])
		return -EINVAL;
	if (!(client->mode & FMODE_READ))
		return -EBADF;

	*command = (struct command){ .result = -EIOCBQUEUED };
	if (settle(client, command)) {
		deliver(cmd, issue_flags);
		return -EIOCBQUEUED;
	}
	if (issue_flags & IO_URING_F_IOPOLL) {
		command->timestamp = ktime_get_ns() + IODEMO_URING_POLL_MS * NSEC_PER_MSEC;
		trace_iodemo_uring_queue(client, cmd);
		return -EIOCBQUEUED;	/* see iodemo_uring_cmd_iopoll() */
	}
	if (!iodemo_uring_can_wait())
		return -EOPNOTSUPP;

	wait = make_wait(client, cmd);
	if (IS_ERR(wait)) {
		/* Not returned: io_uring would take EAGAIN for its own, and try again. */
		command->result = PTR_ERR(wait);
		deliver(cmd, issue_flags);
		return -EIOCBQUEUED;
	}
	io_uring_cmd_mark_cancelable(cmd, issue_flags);
	if (!enqueue(wait)) {
		free_wait(wait);
		deliver(cmd, issue_flags);
	}
	return -EIOCBQUEUED;
}

/*
 * Is the caller about to end, and with it what it has asked for? Threads of
 * io_uring that begin after the signal came don't have it themselves.
 */
static bool is_ending(void)
{
	const struct signal_struct *signal = current->signal;

	return fatal_signal_pending(current) || current->in_execve ||
	       current->flags & (PF_KTHREAD | PF_EXITING) ||
	       /* Who sees these too late asks again, after the next interrupt. */
	       data_race(signal->flags & SIGNAL_GROUP_EXIT || signal->group_exec_task);
}

/*
 * One by one, so that neither another file nor SIGKILL waits for a large count.
 * The submitter's own call, with the ring's lock, does little; io_uring's workers
 * do the rest.
 */
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

	if (issue_flags & IO_URING_F_NONBLOCK &&
	    (request.count * READ_ONCE(dev->config.burst) > INLINE_RECORDS ||
	     mutex_is_locked(&dev->lock)))
		return -EAGAIN;		/* call us again from a worker */

	do {
		err = -EINTR;
		if (is_ending() || mutex_lock_killable(&dev->lock))
			break;
		err = iodemo_client_may_fire(client);
		if (!err)
			err = iodemo_device_trigger(dev);
		mutex_unlock(&dev->lock);
		cond_resched();
	} while (!err && --request.count);

	*command_of(cmd) = (struct command){ .result = err };
	deliver(cmd, issue_flags);
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

/*
 * With IORING_SETUP_IOPOLL nobody is told: the program, or the kernel's thread
 * that submits for it, asks us again and again. Return: has it completed?
 */
int iodemo_uring_cmd_iopoll(struct io_uring_cmd *cmd, struct io_comp_batch *batch,
			    unsigned int poll_flags)
{
	struct iodemo_client *client = cmd->file->private_data;
	struct command *command = command_of(cmd);

	if (!settle(client, command)) {
		if (is_ending())
			command->result = -ECANCELED;
		else if (ktime_get_ns() >= command->timestamp)
			command->result = -ETIME;
		else
			return 0;
		command->timestamp = 0;
	}
	deliver(cmd, 0);
	return 1;
}
