// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model four: a signal tells that there is something to read
 *
 * A file that wants signals waits to be told, as a poller does, and sends them on.
 * From the interrupt that is done only for few receivers: F_SETOWN can name a
 * process group, and to signal all of it takes as long as it has processes. The
 * signals of large groups are left to a thread, one for all files.
 */

#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "models.h"
#include "trace.h"

/* Threads that an interrupt may look through for a receiver */
#define FEW_THREADS	16

/**
 * struct iodemo_signals - what a file needs that has ever asked for signals
 * @wait: on the client's pollers while O_ASYNC is set
 * @client: whose
 * @file: whose owner gets them
 * @list: the kernel's record of it
 * @times_told: client->times_told when POLL_PRI was sent
 * @lapped: POLL_PRI was sent
 * @due: events that @work is to signal; under the lock of the pollers
 * @work: sends them
 */
struct iodemo_signals {
	struct wait_queue_entry wait;
	struct iodemo_client *client;
	struct file *file;
	struct fasync_struct *list;
	unsigned int times_told;
	bool lapped;
	__poll_t due;
	struct work_struct work;
};

static struct workqueue_struct *workqueue;

/* Is to signal all of them quickly done? In any context. */
static bool has_few_receivers(const struct file *file)
{
	struct fown_struct *owner = file_f_owner(file);
	struct task_struct *process;
	unsigned int threads = 0;
	unsigned long flags;

	if (!owner)
		return true;
	read_lock_irqsave(&owner->lock, flags);
	rcu_read_lock();
	if (owner->pid && owner->pid_type != PIDTYPE_PID) {
		hlist_for_each_entry_rcu(process, &owner->pid->tasks[owner->pid_type],
					 pid_links[owner->pid_type]) {
			/* Whoever comes or goes just now has a thread more or less. */
			threads += data_race(get_nr_threads(process));
			if (threads > FEW_THREADS)
				break;
		}
	}
	rcu_read_unlock();
	read_unlock_irqrestore(&owner->lock, flags);
	return threads <= FEW_THREADS;
}

/* To whom, as F_GETOWN would say it; and by which signal */
static noinline void trace_signal(const struct iodemo_signals *signals, __poll_t band)
{
	struct fown_struct *owner = file_f_owner(signals->file);
	unsigned long flags;
	int signum, whom;

	if (!owner)
		return;
	read_lock_irqsave(&owner->lock, flags);
	signum = owner->signum;
	whom = owner->pid_type == PIDTYPE_PGID ? -pid_nr(owner->pid) : pid_nr(owner->pid);
	read_unlock_irqrestore(&owner->lock, flags);
	trace_iodemo_signal(signals->client, signum, band, whom);
}

/* @code: the siginfo's si_code; @band: what the kernel makes of that for si_band */
static void send_one(struct iodemo_signals *signals, int code, __poll_t band)
{
	if (trace_iodemo_signal_enabled())
		trace_signal(signals, band);
	kill_fasync(&signals->list, SIGIO, code);
}

static void send(struct iodemo_signals *signals, __poll_t events)
{
	if (events & EPOLLHUP)
		send_one(signals, POLL_HUP, EPOLLHUP | EPOLLERR);
	if (events & EPOLLIN)
		send_one(signals, POLL_IN, EPOLLIN | EPOLLRDNORM);
	if (events & EPOLLPRI)
		send_one(signals, POLL_PRI, EPOLLPRI | EPOLLRDBAND);
	if (events & EPOLLOUT)
		send_one(signals, POLL_OUT, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
}

static void send_due(struct work_struct *work)
{
	struct iodemo_signals *signals = container_of(work, struct iodemo_signals, work);
	spinlock_t *lock = &signals->client->pollers.head.lock;
	__poll_t due;

	spin_lock_irq(lock);
	due = signals->due;
	signals->due = 0;
	spin_unlock_irq(lock);
	send(signals, due);
}

/* Of what has happened, what is signalled: a loss only until the user asks for it. */
static __poll_t choose(struct iodemo_signals *signals, __poll_t events)
{
	unsigned int times_told = READ_ONCE(signals->client->times_told);

	if (events & EPOLLHUP)
		return EPOLLHUP;
	events &= EPOLLIN | EPOLLPRI | EPOLLOUT;
	if (times_told != signals->times_told)
		signals->lapped = false;
	if (events & EPOLLPRI && signals->lapped)
		events &= ~EPOLLPRI;
	if (events & EPOLLPRI) {
		signals->lapped = true;
		signals->times_told = times_told;
	}
	return events;
}

static int wake_signals(struct wait_queue_entry *wait, unsigned int mode, int flags, void *key)
{
	struct iodemo_signals *signals = container_of(wait, struct iodemo_signals, wait);
	struct iodemo_device *dev = signals->client->dev;
	__poll_t events = choose(signals, key_to_poll(key));

	WRITE_ONCE(dev->signals, dev->signals + hweight32((__force u32)events));
	if (has_few_receivers(signals->file)) {
		send(signals, events);
	} else if (events) {
		signals->due |= events;
		queue_work(workqueue, &signals->work);
	}
	return events ? IODEMO_WHOM_SIGNALS : 0;
}

static struct iodemo_signals *signals_of(struct iodemo_client *client, struct file *file)
{
	struct iodemo_signals *signals = READ_ONCE(client->signals), *other;

	if (signals)
		return signals;
	signals = kzalloc(sizeof(*signals), GFP_KERNEL_ACCOUNT);
	if (!signals)
		return NULL;
	init_waitqueue_func_entry(&signals->wait, wake_signals);
	INIT_LIST_HEAD(&signals->wait.entry);
	INIT_WORK(&signals->work, send_due);
	signals->client = client;
	signals->file = file;
	other = cmpxchg(&client->signals, NULL, signals);
	if (!other)
		return signals;
	kfree(signals);
	return other;
}

/* O_ASYNC is set or cleared. Two threads may do so at once: the list is what counts. */
int iodemo_fasync(int fd, struct file *file, int on)
{
	struct iodemo_client *client = file->private_data;
	wait_queue_head_t *pollers = &client->pollers.head;
	struct iodemo_signals *signals;
	bool wanted, waits;
	int ret;

	if (!on && !READ_ONCE(client->signals))
		return 0;
	signals = signals_of(client, file);
	if (!signals)
		return -ENOMEM;

	ret = fasync_helper(fd, file, on, &signals->list);
	if (ret < 0)
		return ret;
	spin_lock_irq(&pollers->lock);
	wanted = READ_ONCE(signals->list);	/* it has a lock of its own */
	waits = !list_empty(&signals->wait.entry);
	if (wanted && !waits)
		__add_wait_queue_entry_tail(pollers, &signals->wait);
	else if (!wanted && waits)
		list_del_init(&signals->wait.entry);
	spin_unlock_irq(&pollers->lock);

	if (on)
		iodemo_client_listen(client);
	return ret;
}

/* The file is closed. That it had O_ASYNC the kernel may not know, after two threads at once. */
void iodemo_fasync_close(struct file *file)
{
	struct iodemo_client *client = file->private_data;

	if (!client->signals)
		return;
	iodemo_fasync(-1, file, 0);
	cancel_work_sync(&client->signals->work);
	kfree(client->signals);
}

int iodemo_fasync_init(void)
{
	workqueue = alloc_ordered_workqueue(IODEMO_NAME "-signals", 0);
	return workqueue ? 0 : -ENOMEM;
}

void iodemo_fasync_exit(void)
{
	destroy_workqueue(workqueue);
}
