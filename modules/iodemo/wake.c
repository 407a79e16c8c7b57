// SPDX-License-Identifier: GPL-2.0-only
/*
 * To tell all who wait, a bounded number at a time
 *
 * Mostly they are few. If they are too many, a round begins: a mark is put at the
 * queue's end, and who was told steps behind it. So who stands before it is still
 * to be told, in the order of their coming, however many calls that takes. When
 * nobody is left there, the round is over.
 */

#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/sched.h>

#include "wake.h"

/* Of those who want to be woken alone (EPOLLEXCLUSIVE), one is enough: a flag of the mark. */
static int tell(struct iodemo_queue *queue, struct wait_queue_entry *entry,
		struct iodemo_wake *wake, void *key)
{
	unsigned int alone = entry->flags & WQ_FLAG_EXCLUSIVE;
	int ret;

	if (alone & queue->mark.flags)
		return 0;
	ret = entry->func(entry, TASK_NORMAL, 0, key);
	if (ret > 0) {
		wake->whom |= ret;
		wake->woken += ret != IODEMO_WHOM_SIGNALS;
		queue->mark.flags |= alone;
	}
	return ret;
}

/* Before @entry all were told: they step behind the mark. */
static void step_back(struct iodemo_queue *queue, struct wait_queue_entry *entry)
{
	struct list_head *line = &queue->head.head;
	LIST_HEAD(told);

	list_cut_before(&told, line, &entry->entry);
	if (!iodemo_queue_telling(queue))
		list_add_tail(&queue->mark.entry, line);
	list_splice_tail(&told, line);
}

/**
 * iodemo_queue_tell() - tell all who wait, or those whose turn it is
 * @queue: whom; its lock is held
 * @wake: how many of them
 * @key: for their wake functions; one that returns less than 0 is not done, and
 *	is called again when it is its turn again
 *
 * Return: were all told? If not, the next call goes on.
 */
bool iodemo_queue_tell(struct iodemo_queue *queue, struct iodemo_wake *wake, void *key)
{
	struct wait_queue_entry *entry, *next, *mark = &queue->mark;

	lockdep_assert_held(&queue->head.lock);

	if (!iodemo_queue_telling(queue))
		mark->flags = 0;
	list_for_each_entry_safe(entry, next, &queue->head.head, entry) {
		if (entry == mark) {
			list_del_init(&mark->entry);
			return true;
		}
		if (!iodemo_wake_spend(wake)) {
			step_back(queue, entry);
			return false;
		}
		if (tell(queue, entry, wake, key) < 0) {
			step_back(queue, entry);
			list_move_tail(&entry->entry, &mark->entry);
			return false;
		}
	}
	return true;
}

/* A task that sleeps until there is something to read. */
int iodemo_wake_reader(struct wait_queue_entry *wait, unsigned int mode, int flags, void *key)
{
	struct iodemo_wake *wake = key;
	int woken = autoremove_wake_function(wait, mode, flags, NULL);

	if (woken) {
		wake->woken++;
		wake->whom |= IODEMO_WHOM_READERS;
	}
	return woken;
}
