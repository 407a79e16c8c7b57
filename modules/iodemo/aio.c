// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model five: asynchronous. The caller goes on at once, and is told when the
 * data is in its buffer. This is kernel AIO, io_submit(); what it submits and
 * we can't do at once waits here in its place.
 *
 * A request is on the same wait queue as a sleeping reader or writer, in turn
 * with them; its wake function completes it there and then, in the interrupt,
 * as a device that writes to memory by itself would. So it holds all that it
 * touches: its pages are pinned when it is submitted (the fault is the
 * submitter's, who can be killed in it), and it holds the client. Who submitted
 * it, and whether that process lives, it need not know.
 *
 * Who takes a request off its queue, under the queue's lock, completes it: so it
 * is completed once, whatever races. To cancel it is to mark it, and to leave the
 * rest to a worker, since io_cancel() holds a lock that completing takes.
 */

#include <linux/aio.h>
#include <linux/bvec.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "models.h"
#include "trace.h"

/* Bytes that an interrupt copies for a request; more is left to the bottom half. */
#define FEW_BYTES	4096

/* How often a read may find that another was faster, with interrupts off */
#define FEW_RETRIES	8

/* Pages that are pinned at a time, and noted on the stack meanwhile */
#define PAGES_AT_ONCE	16

/**
 * struct aio_request - one kiocb that waits
 * @wait: on @queue, until somebody takes it off to complete it
 * @queue: the client's readers, or the device's writers
 * @node: on the client's list of requests
 * @client: whose
 * @iocb: to complete; keeps the file open until then
 * @files: the submitter's descriptor table, to know what close() ends
 * @done: bytes written so far
 * @flags: CANCELLED
 * @work: completes it when it was cancelled, and frees it
 * @cred: whose user the pages are charged to, or NULL
 * @iter: where the data goes to, or comes from: @vector
 * @pages: how many there are in @vector
 * @vector: the submitter's memory, pinned
 */
struct aio_request {
	struct wait_queue_entry wait;
	wait_queue_head_t *queue;
	struct list_head node;
	struct iodemo_client *client;
	struct kiocb *iocb;
	fl_owner_t files;
	size_t done;
	unsigned long flags;
	struct work_struct work;
	const struct cred *cred;
	struct iov_iter iter;
	unsigned int pages;
	struct bio_vec vector[];
};

#define CANCELLED	0	/* bit: to be completed with ECANCELED, by @work */

static struct workqueue_struct *workqueue;

/* The user's memory ------------------------------------------------------- */

/*
 * To RLIMIT_MEMLOCK, as io_uring does it. The credentials hold the user: free_uid()
 * is not for modules everywhere.
 */
static int charge(struct aio_request *request, unsigned int pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct user_struct *user = current_user();

	if (capable(CAP_IPC_LOCK))
		return 0;
	if (atomic_long_add_return(pages, &user->locked_vm) > limit) {
		atomic_long_sub(pages, &user->locked_vm);
		return -ENOMEM;
	}
	/* Whoever takes a reference also stores the same 0, and the kernel marks it nowhere. */
	request->cred = data_race(get_current_cred());
	return 0;
}

static void uncharge(struct aio_request *request, unsigned int pages)
{
	if (!request->cred)
		return;
	atomic_long_sub(pages, &request->cred->user->locked_vm);
	put_cred(request->cred);
}

static bool is_read(const struct aio_request *request)
{
	return iov_iter_rw(&request->iter) == READ;
}

/* In any context. */
static void unpin(struct aio_request *request)
{
	for (unsigned int i = 0; i < request->pages; i++) {
		struct page *page = request->vector[i].bv_page;

		/* Whoever has cleaned it meanwhile has not seen what came since. */
		if (is_read(request))
			folio_mark_dirty(page_folio(page));
		unpin_user_page(page);
	}
}

/*
 * What we write to must need no file system to be told of it, which an interrupt
 * couldn't do: memory of a process, or shared memory. Since Linux 6.5 the kernel
 * says so too.
 */
static bool can_write_to(struct page *page)
{
	struct folio *folio = page_folio(page);

	return folio_test_anon(folio) || folio_test_swapbacked(folio);
}

/* Pin a part of one segment. Return: its bytes. */
static ssize_t pin_some(struct aio_request *request, unsigned long start, size_t size)
{
	struct page *pages[PAGES_AT_ONCE];
	size_t offset = offset_in_page(start);
	size_t bytes = min_t(size_t, size, PAGES_AT_ONCE * PAGE_SIZE - offset);
	int count = DIV_ROUND_UP(offset + bytes, PAGE_SIZE);
	bool read = is_read(request);
	size_t left = bytes;
	int pinned, err = 0;

	pinned = pin_user_pages_killable(start, count, read ? FOLL_WRITE : 0, pages);
	if (pinned < count) {
		if (pinned > 0)
			unpin_user_pages(pages, pinned);
		return pinned < 0 ? pinned : -EFAULT;
	}
	for (int i = 0; i < count; i++) {
		size_t len = min_t(size_t, left, PAGE_SIZE - offset);

		if (read && !can_write_to(pages[i]))
			err = -EOPNOTSUPP;
		else if (read)
			folio_mark_dirty(page_folio(pages[i]));
		request->vector[request->pages++] = (struct bio_vec){
			.bv_page = pages[i], .bv_offset = offset, .bv_len = len,
		};
		left -= len;
		offset = 0;
	}
	return err ?: bytes;
}

/* Can the program itself use it? Then it is the kernel who doesn't pin it for long. */
static int why_not(int err, const struct iov_iter *iter, bool read)
{
	size_t len = iter_segment_len(iter);

	if (err != -EFAULT)
		return err;
	if (read ? fault_in_safe_writeable(iter_segment(iter), len) :
		   fault_in_readable(iter_segment(iter), len))
		return -EFAULT;
	return -EOPNOTSUPP;
}

static int pin(struct aio_request *request, struct iov_iter *iter)
{
	while (iov_iter_count(iter)) {
		size_t len = iter_segment_len(iter);
		ssize_t pinned = 0;

		if (len)
			pinned = pin_some(request, (unsigned long)iter_segment(iter), len);
		if (pinned < 0)
			return why_not(pinned, iter, is_read(request));
		iov_iter_advance(iter, pinned);
	}
	return 0;
}

/* Completing -------------------------------------------------------------- */

static void free_request(struct aio_request *request)
{
	struct iodemo_client *client = request->client;

	kfree(request);
	iodemo_client_put(client);
}

/*
 * In any context, with the queue's lock. Whoever walks the queue holds its client
 * in another way; so it isn't ours that is the last, except the worker's.
 */
static void complete_request(struct aio_request *request, ssize_t result)
{
	struct iodemo_client *client = request->client;
	unsigned long flags;

	lockdep_assert_held(&request->queue->lock);

	list_del_init(&request->wait.entry);
	spin_lock_irqsave(&client->lock, flags);
	list_del(&request->node);
	client->pending--;
	spin_unlock_irqrestore(&client->lock, flags);

	unpin(request);
	uncharge(request, request->pages);
	trace_iodemo_aio_complete(client, request, result);
	request->iocb->ki_complete(request->iocb, result);

	/* Now nobody can cancel it any more; if somebody has, the worker frees it. */
	if (!test_bit(CANCELLED, &request->flags))
		free_request(request);
}

/* Is that too much for an interrupt? */
static bool is_much(const struct aio_request *request)
{
	return iov_iter_count(&request->iter) > FEW_BYTES &&
	       iodemo_client_waiting(request->client) > FEW_BYTES / IODEMO_RECORD_SIZE;
}

/* Less than 0 ends the walk: those behind it wait too. */
static int wake_read(struct wait_queue_entry *wait, unsigned int mode, int flags, void *key)
{
	struct aio_request *request = container_of(wait, struct aio_request, wait);
	struct iodemo_wake *wake = key;
	ssize_t ret;

	if (!iodemo_client_readable(request->client))
		return -EAGAIN;
	if (!in_task() && is_much(request))
		wake->budget = 0;
	if (!iodemo_wake_spend(wake))
		return -EBUSY;
	ret = iodemo_read_now(request->client, &request->iter, FEW_RETRIES);
	if (ret == -EAGAIN || ret == -EDEADLK) {
		/* Others took it; or they are faster all the time, and it tries again. */
		wake->more = iodemo_client_readable(request->client);
		return ret;
	}
	wake->whom |= IODEMO_WHOM_AIO;
	complete_request(request, ret);
	return 0;
}

static int wake_write(struct wait_queue_entry *wait, unsigned int mode, int flags, void *key)
{
	struct aio_request *request = container_of(wait, struct aio_request, wait);
	struct iodemo_wake *wake = key;
	ssize_t ret;

	if (!iodemo_wake_spend(wake))
		return -EBUSY;
	do {
		ret = iodemo_write_some(request->client, &request->iter, true);
		if (ret > 0)
			request->done += ret;
	} while (ret > 0);
	if (ret == -EAGAIN || ret == -EDEADLK) {
		wake->more = ret == -EDEADLK;
		return ret;
	}
	wake->whom |= IODEMO_WHOM_AIO;
	complete_request(request, request->done ?: ret);
	return 0;
}

/* Cancelling -------------------------------------------------------------- */

static void complete_cancelled(struct work_struct *work)
{
	struct aio_request *request = container_of(work, struct aio_request, work);
	spinlock_t *lock = &request->queue->lock;

	spin_lock_irq(lock);
	if (!list_empty(&request->wait.entry))
		complete_request(request, request->done ?: -ECANCELED);
	spin_unlock_irq(lock);
	free_request(request);
}

static void cancel(struct aio_request *request)
{
	if (!test_and_set_bit(CANCELLED, &request->flags))
		queue_work(workqueue, &request->work);
}

/*
 * io_cancel(), io_destroy(), exit, exec; called with interrupts off. It isn't
 * cancelled yet, and some kernels (with commit 54cbc058d86b, reverted later)
 * complete by themselves what gives 0 here.
 */
static int cancel_iocb(struct kiocb *iocb)
{
	cancel(iocb->private);
	return -EINPROGRESS;
}

/*
 * The last descriptor of a process is closed. The requests keep the file open, so
 * nobody else would ever end them.
 */
void iodemo_aio_close(struct iodemo_client *client, fl_owner_t files)
{
	struct aio_request *request;

	spin_lock_irq(&client->lock);
	list_for_each_entry(request, &client->requests, node) {
		if (request->files == files)
			cancel(request);
	}
	spin_unlock_irq(&client->lock);
}

/* Submitting -------------------------------------------------------------- */

/* What one request may take: a lap of the ring, and IODEMO_AIO_SIZE_MAX. */
static void limit(const struct iodemo_client *client, struct iov_iter *iter)
{
	iov_iter_truncate(iter, min_t(u64, IODEMO_AIO_SIZE_MAX,
				      iodemo_ring_capacity(&client->dev->ring) *
				      IODEMO_RECORD_SIZE));
}

/* A request for the memory of @from, or an error. May sleep in a fault, killably. */
static struct aio_request *make_request(struct iodemo_client *client, struct kiocb *iocb,
					struct iov_iter *from)
{
	unsigned int pages = iov_iter_npages(from, INT_MAX);
	struct aio_request *request;
	int err;

	request = kzalloc(struct_size(request, vector, pages), GFP_KERNEL_ACCOUNT);
	if (!request)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&request->wait.entry);
	INIT_WORK(&request->work, complete_cancelled);
	request->client = client;
	request->iocb = iocb;
	request->files = current->files;

	/* Its direction is known from here on, and the rest when the pages are. */
	iov_iter_bvec(&request->iter, iov_iter_rw(from), request->vector, pages,
		      iov_iter_count(from));
	err = charge(request, pages);
	if (!err) {
		err = pin(request, from);
		if (err) {
			unpin(request);
			uncharge(request, pages);
		}
	}
	if (err) {
		kfree(request);
		return ERR_PTR(err);
	}
	return request;
}

/* Leave it in the queue, in its turn. */
static void enqueue(struct aio_request *request, wait_queue_head_t *queue, wait_queue_func_t wake)
{
	struct iodemo_client *client = request->client;

	kref_get(&client->ref);
	request->queue = queue;
	init_waitqueue_func_entry(&request->wait, wake);
	request->iocb->private = request;

	spin_lock_irq(&queue->lock);
	kiocb_set_cancel_fn(request->iocb, cancel_iocb);
	spin_lock(&client->lock);
	list_add_tail(&request->node, &client->requests);
	spin_unlock(&client->lock);
	__add_wait_queue_entry_tail(queue, &request->wait);
	trace_iodemo_aio_queue(client, request, iov_iter_count(&request->iter));
	spin_unlock_irq(&queue->lock);
	/* From here on it can be completed, and freed. */
}

static ssize_t submit(struct iodemo_client *client, struct kiocb *iocb, struct iov_iter *iter,
		      size_t done, wait_queue_head_t *queue, wait_queue_func_t wake)
{
	struct aio_request *request;

	if (!iodemo_client_take_place(client))
		return done ?: -EAGAIN;
	request = make_request(client, iocb, iter);
	if (IS_ERR(request)) {
		iodemo_client_leave_place(client);
		return done ?: PTR_ERR(request);
	}
	request->done = done;
	enqueue(request, queue, wake);
	return -EIOCBQUEUED;
}

/*
 * With nobody in front of it, a request that can be done at once is, and so is one
 * that never can. The caller's own requests are what it must not overtake, and
 * these it sees without a lock.
 */
ssize_t iodemo_aio_read(struct iodemo_client *client, struct kiocb *iocb, struct iov_iter *to)
{
	bool in_turn = !waitqueue_active(&client->readers) &&	/* see above */
		       iodemo_client_readable(client);
	ssize_t ret;

	limit(client, to);
	if (in_turn || iov_iter_count(to) < iodemo_client_unit(client)) {
		ret = iodemo_read_sync(client, to, true);
		if (ret != -EAGAIN)
			return ret;
	}
	ret = submit(client, iocb, to, 0, &client->readers, wake_read);
	if (ret == -EIOCBQUEUED) {
		/* What came before we were listening would not wake it. */
		iodemo_client_listen(client);
		iodemo_client_pass_on(client);
	}
	return ret;
}

ssize_t iodemo_aio_write(struct iodemo_client *client, struct kiocb *iocb, struct iov_iter *from)
{
	struct iodemo_tx *tx = &client->dev->tx;
	size_t unit = iodemo_client_unit(client);
	bool in_turn = !waitqueue_active(&tx->writers);		/* as above */
	size_t done = 0;
	ssize_t ret;

	limit(client, from);
	if (in_turn || iov_iter_count(from) < unit) {
		ret = iodemo_write_sync(client, from, true);
		if (ret != -EAGAIN && (ret <= 0 || iov_iter_count(from) < unit))
			return ret;
		if (ret > 0)
			done = ret;
	}
	ret = submit(client, iocb, from, done, &tx->writers, wake_write);
	if (ret == -EIOCBQUEUED)
		iodemo_write_pass_on(tx);
	return ret;
}

int iodemo_aio_init(void)
{
	/* A process that dies waits for it: not to wait itself behind a busy program. */
	workqueue = alloc_ordered_workqueue(IODEMO_NAME, WQ_HIGHPRI);
	return workqueue ? 0 : -ENOMEM;
}

void iodemo_aio_exit(void)
{
	destroy_workqueue(workqueue);
}
