// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model five: asynchronous. The caller goes on at once, and is told when the
 * data is in its buffer. This is kernel AIO, io_submit(); what it submits and
 * we can't do at once waits here in its place.
 *
 * A request is completed from a worker, since copying to the user can fault.
 * The worker borrows the submitter's address space. That needs no reference: an
 * address space is not torn down before exit_aio() has ended its requests.
 *
 * A fault can wait for the submitter itself, who may serve it (userfaultfd, a
 * file system of its own), and who, if it dies, waits in exit_aio() for us. So
 * who cancels a request kills the copy that it is in: a worker, which nobody
 * else can kill, takes SIGKILL from the kernel while it copies.
 *
 * A request stays on its list until the worker, and nobody else, takes it off
 * to complete it. To cancel is to mark it and to call the worker. So each is
 * completed once, whatever races: data, io_cancel(), close, exit, unplugging.
 */

#include <linux/aio.h>
#include <linux/fdtable.h>
#include <linux/kthread.h>
#include <linux/mmu_context.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "compat.h"
#include "iodemo.h"

/**
 * struct iodemo_request - one kiocb that waits
 * @node: on one of the client's lists
 * @client: whose
 * @iocb: to complete; keeps the file open until then
 * @iter: where the data goes to, or comes from
 * @vector: the part of @iter that is allocated
 * @mm: the submitter's address space
 * @files: the submitter's descriptor table, to know what close() ends
 * @done: bytes written so far
 * @cancelled: to be completed with ECANCELED; under the client's aio.lock
 */
struct iodemo_request {
	struct list_head node;
	struct iodemo_client *client;
	struct kiocb *iocb;
	struct iov_iter iter;
	const void *vector;
	struct mm_struct *mm;
	fl_owner_t files;
	size_t done;
	bool cancelled;
};

static struct workqueue_struct *workqueue;

/* In any context: see what can be completed. */
void iodemo_aio_kick(struct iodemo_client *client)
{
	queue_work(workqueue, &client->aio.work);
}

/* Completing -------------------------------------------------------------- */

/* After it was taken off its list. The file may be gone when this returns. */
static void complete_request(struct iodemo_request *request, ssize_t result)
{
	/* A cancel can still come, and look at the request, until this is done. */
	request->iocb->ki_complete(request->iocb, result);
	kfree(request->vector);
	kfree(request);
}

static void complete_cancelled(struct iodemo_aio *aio, struct list_head *list)
{
	struct iodemo_request *request, *next;
	LIST_HEAD(cancelled);

	spin_lock_irq(&aio->lock);
	list_for_each_entry_safe(request, next, list, node) {
		if (request->cancelled) {
			list_move_tail(&request->node, &cancelled);
			aio->queued--;
		}
	}
	spin_unlock_irq(&aio->lock);

	list_for_each_entry_safe(request, next, &cancelled, node)
		complete_request(request, request->done ?: -ECANCELED);
}

/* What a read that slept would have done now; EAGAIN if it would sleep on. */
static ssize_t try_read(struct iodemo_request *request)
{
	struct iodemo_client *client = request->client;
	bool gone = iodemo_device_gone(client->dev);
	ssize_t ret;

	if (!iodemo_client_readable(client))
		return -EAGAIN;
	ret = iodemo_read_some(client, &request->iter);
	return ret == -EAGAIN && gone ? 0 : ret;
}

static ssize_t try_write(struct iodemo_request *request)
{
	ssize_t ret;

	do {
		ret = iodemo_write_some(request->client, &request->iter);
		if (ret > 0)
			request->done += ret;
	} while (ret > 0);
	if (ret == -EAGAIN)
		return ret;
	return request->done ?: ret;
}

/* In the submitter's address space, and so that a cancel can end it. */
static ssize_t try_killably(struct iodemo_aio *aio, struct iodemo_request *request,
			    ssize_t (*try)(struct iodemo_request *request))
{
	ssize_t ret = -EAGAIN;
	bool cancelled;

	allow_kernel_signal(SIGKILL);
	spin_lock_irq(&aio->lock);
	cancelled = request->cancelled;
	aio->in_copy = request;
	aio->copier = current;
	spin_unlock_irq(&aio->lock);

	if (!cancelled) {
		kthread_use_mm(request->mm);
		ret = try(request);
		kthread_unuse_mm(request->mm);
	}

	spin_lock_irq(&aio->lock);
	cancelled = request->cancelled;
	aio->in_copy = NULL;
	aio->copier = NULL;
	spin_unlock_irq(&aio->lock);
	disallow_signal(SIGKILL);	/* and forget one that came */

	if (cancelled && (ret == -EAGAIN || ret == -EFAULT))
		return request->done ?: -ECANCELED;
	return ret;
}

static void run_list(struct iodemo_aio *aio, struct list_head *list,
		     ssize_t (*try)(struct iodemo_request *request))
{
	struct iodemo_request *request;
	ssize_t ret;

	complete_cancelled(aio, list);

	for (;;) {
		spin_lock_irq(&aio->lock);
		request = list_first_entry_or_null(list, struct iodemo_request, node);
		spin_unlock_irq(&aio->lock);
		if (!request)
			return;

		ret = try_killably(aio, request, try);
		if (ret == -EAGAIN)
			return;

		spin_lock_irq(&aio->lock);
		list_del(&request->node);
		aio->queued--;
		spin_unlock_irq(&aio->lock);
		complete_request(request, ret);
	}
}

/* Release waits for us, so the client is there even after its last request. */
static void aio_work(struct work_struct *work)
{
	struct iodemo_aio *aio = container_of(work, struct iodemo_aio, work);

	run_list(aio, &aio->reads, try_read);
	run_list(aio, &aio->writes, try_write);
}

/* Cancelling -------------------------------------------------------------- */

static void cancel_locked(struct iodemo_aio *aio, struct iodemo_request *request)
{
	lockdep_assert_held(&aio->lock);

	request->cancelled = true;
	if (aio->in_copy == request)
		send_sig(SIGKILL, aio->copier, 1);
}

/* io_cancel(), io_destroy(), exit, exec; called with interrupts off. */
static int cancel_request(struct kiocb *iocb)
{
	struct iodemo_request *request = iocb->private;
	struct iodemo_client *client = request->client;
	unsigned long flags;

	spin_lock_irqsave(&client->aio.lock, flags);
	cancel_locked(&client->aio, request);
	spin_unlock_irqrestore(&client->aio.lock, flags);
	iodemo_aio_kick(client);
	return 0;
}

static int is_file(const void *file, struct file *other, unsigned int fd)
{
	return other == file;
}

/*
 * A descriptor is closed. The requests keep the file open, so nobody else would
 * ever end them: when it was its process's last descriptor of the file, we do.
 */
int iodemo_aio_flush(struct file *file, fl_owner_t owner)
{
	struct iodemo_client *client = file->private_data;
	struct iodemo_aio *aio = &client->aio;
	struct list_head *lists[] = { &aio->reads, &aio->writes };
	struct iodemo_request *request;

	if (!iodemo_aio_pending(client) || iterate_fd(current->files, 0, is_file, file))
		return 0;

	spin_lock_irq(&aio->lock);
	for (int i = 0; i < ARRAY_SIZE(lists); i++) {
		list_for_each_entry(request, lists[i], node) {
			if (request->files == owner)
				cancel_locked(aio, request);
		}
	}
	spin_unlock_irq(&aio->lock);
	iodemo_aio_kick(client);
	return 0;
}

/* Submitting -------------------------------------------------------------- */

static struct iodemo_request *alloc_request(struct iodemo_client *client,
					    struct kiocb *iocb, struct iov_iter *iter)
{
	struct iodemo_request *request = kzalloc(sizeof(*request), GFP_KERNEL_ACCOUNT);

	if (!request)
		return NULL;
	request->client = client;
	request->iocb = iocb;
	request->mm = current->mm;
	request->files = current->files;
	request->vector = dup_iter(&request->iter, iter, GFP_KERNEL_ACCOUNT);
	if (!request->vector && !iter_is_ubuf(&request->iter)) {
		kfree(request);
		return NULL;
	}
	return request;
}

/* Take part of what the client may have queued. */
static bool reserve_place(struct iodemo_aio *aio)
{
	bool room;

	spin_lock_irq(&aio->lock);
	room = aio->queued < IODEMO_AIO_MAX;
	aio->queued += room;
	spin_unlock_irq(&aio->lock);
	return room;
}

static ssize_t submit(struct iodemo_client *client, struct kiocb *iocb,
		      struct iov_iter *iter, struct list_head *list, size_t done)
{
	struct iodemo_aio *aio = &client->aio;
	struct iodemo_request *request;

	if (!reserve_place(aio))
		return done ?: -EAGAIN;
	request = alloc_request(client, iocb, iter);
	if (!request) {
		spin_lock_irq(&aio->lock);
		aio->queued--;
		spin_unlock_irq(&aio->lock);
		return done ?: -ENOMEM;
	}
	request->done = done;

	iocb->private = request;
	kiocb_set_cancel_fn(iocb, cancel_request);

	spin_lock_irq(&aio->lock);
	list_add_tail(&request->node, list);
	spin_unlock_irq(&aio->lock);

	/*
	 * From here on it can be completed, and freed. What came before we were
	 * listening, data or a cancel, would not call the worker: so we do.
	 */
	iodemo_client_listen(client);
	iodemo_aio_kick(client);
	return -EIOCBQUEUED;
}

ssize_t iodemo_aio_read(struct iodemo_client *client, struct kiocb *iocb,
			struct iov_iter *to)
{
	return submit(client, iocb, to, &client->aio.reads, 0);
}

/* @done: the bytes of this request that are written already. */
ssize_t iodemo_aio_write(struct iodemo_client *client, struct kiocb *iocb,
			 struct iov_iter *from, size_t done)
{
	return submit(client, iocb, from, &client->aio.writes, done);
}

/* A client begins, and ends --------------------------------------------- */

void iodemo_aio_init_client(struct iodemo_client *client)
{
	struct iodemo_aio *aio = &client->aio;

	spin_lock_init(&aio->lock);
	INIT_LIST_HEAD(&aio->reads);
	INIT_LIST_HEAD(&aio->writes);
	INIT_WORK(&aio->work, aio_work);
}

/* At release there are no requests, but the worker may not know that yet. */
void iodemo_aio_exit_client(struct iodemo_client *client)
{
	cancel_work_sync(&client->aio.work);
}

int iodemo_aio_init(void)
{
	/* It is an interrupt's bottom half: not to wait behind a busy program. */
	workqueue = alloc_workqueue(IODEMO_NAME, WQ_UNBOUND | WQ_HIGHPRI, 0);
	return workqueue ? 0 : -ENOMEM;
}

void iodemo_aio_exit(void)
{
	destroy_workqueue(workqueue);
}
