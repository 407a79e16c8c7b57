/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iodemo: what the files of the driver know of each other
 *
 * Data flows one way: source, ring, client, user. A source knows the device
 * that it feeds, and no client; a client knows the device that it reads, and
 * not where its records come from.
 */
#ifndef _IODEMO_H
#define _IODEMO_H

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/kfifo.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/iodemo.h>

#ifndef CONFIG_64BIT
#error "iodemo needs a 64-bit kernel: it loads and stores stream positions in one piece"
#endif

#define IODEMO_NAME		"iodemo"
#define IODEMO_RECORD_SIZE	sizeof(struct iodemo_record)
#define IODEMO_TX_CAPACITY	64	/* a power of two, for kfifo */
#define IODEMO_TX_DRAIN		4
#define IODEMO_LINE_MAX		256
#define IODEMO_AIO_MAX		4096	/* requests that a client may have queued */

static_assert(IODEMO_RECORD_SIZE == 64);

struct iodemo_client;
struct iodemo_request;
struct platform_device;
struct seq_file;

/* ring.c: one producer, any number of readers ----------------------------- */

/**
 * struct iodemo_ring - the last capacity records of the stream
 * @page: begun and head; shared, with the slots, with who maps the ring
 * @slots: the records; seq is in slots[seq % capacity]
 * @capacity: how many, a power of two
 *
 * Only the producer writes. Readers follow the order told in ring.c.
 */
struct iodemo_ring {
	struct iodemo_ring_page *page;
	struct iodemo_record *slots;
	u32 capacity;
};

int iodemo_ring_init(struct iodemo_ring *ring, u32 capacity);
void iodemo_ring_free(struct iodemo_ring *ring);
void iodemo_ring_push(struct iodemo_ring *ring, u64 timestamp, u16 type,
		      const u8 *data, u16 len);
int iodemo_ring_map(const struct iodemo_ring *ring, struct vm_area_struct *vma);

static inline u32 iodemo_ring_capacity(const struct iodemo_ring *ring)
{
	return ring->capacity;
}

static inline struct iodemo_record *iodemo_ring_slot(const struct iodemo_ring *ring,
						     u64 seq)
{
	return &ring->slots[seq & (ring->capacity - 1)];
}

/* Records below this are finished. */
static inline u64 iodemo_ring_head(const struct iodemo_ring *ring)
{
	return smp_load_acquire(&ring->page->head);	/* (finished) in ring.c */
}

/* Records below this are overwritten, or are just being. */
static inline u64 iodemo_ring_oldest(const struct iodemo_ring *ring)
{
	u64 begun = READ_ONCE(ring->page->begun);
	u32 capacity = iodemo_ring_capacity(ring);

	return begun > capacity ? begun - capacity : 0;
}

/* After copying records from seq up: were they whole all the time? */
static inline bool iodemo_ring_intact(const struct iodemo_ring *ring, u64 seq)
{
	smp_rmb();	/* (begun) in ring.c */
	return seq >= iodemo_ring_oldest(ring);
}

/* timer_source.c: the simulated hardware ---------------------------------- */

/**
 * struct iodemo_source - a timer that pulls an interrupt line
 * @timer: the wire; runs while @running and @config.period_us is not 0
 * @trigger: pulls the same wire by hand
 * @irq: the line, allocated from genirq
 * @pending: the status register: pulls of the wire not yet handled
 * @config: period and burst; written under the device's lock
 * @running: somebody has the device open; under the device's lock
 * @threaded: wake-ups are made in the irq thread
 * @interrupts: pulls of the wire handled; written by the handler
 * @echoes: records sent back; written by the handler
 */
struct iodemo_source {
	struct hrtimer timer;
	struct irq_work trigger;
	int irq;
	atomic_t pending;
	struct iodemo_config config;
	bool running;
	bool threaded;
	u64 interrupts;
	u64 echoes;
};

int iodemo_source_init(struct iodemo_source *source, const char *name,
		       const struct iodemo_config *config, bool threaded);
void iodemo_source_exit(struct iodemo_source *source);
void iodemo_source_start(struct iodemo_source *source);
void iodemo_source_stop(struct iodemo_source *source);
void iodemo_source_configure(struct iodemo_source *source,
			     const struct iodemo_config *config);
u64 iodemo_source_expires(const struct iodemo_source *source);
void iodemo_source_trigger(struct iodemo_source *source);
void iodemo_source_trigger_wait(struct iodemo_source *source);

/* write.c: what programs send --------------------------------------------- */

struct iodemo_payload {
	u8 len;
	u8 data[IODEMO_DATA_SIZE];
};

/**
 * struct iodemo_tx - the transmit queue, filled by write(), drained by the source
 * @lock: protects @queue and @made_room; taken in hard interrupt context
 * @queue: what waits to be sent
 * @made_room: it was full and is no more, and nobody has been told yet
 * @writers: who sleeps in write(), exclusive
 */
struct iodemo_tx {
	spinlock_t lock;	/* hard irq */
	DECLARE_KFIFO(queue, struct iodemo_payload, IODEMO_TX_CAPACITY);
	bool made_room;
	wait_queue_head_t writers;
};

void iodemo_tx_init(struct iodemo_tx *tx);
bool iodemo_tx_take(struct iodemo_tx *tx, struct iodemo_payload *payload);
bool iodemo_tx_wake(struct iodemo_tx *tx, bool gone, u64 *wakeups);

static inline bool iodemo_tx_has_room(struct iodemo_tx *tx)
{
	return !kfifo_is_full(&tx->queue);
}

/* device.c: what a source feeds and clients read -------------------------- */

/**
 * struct iodemo_device - one /dev/iodemo*
 * @ref: held by the platform device while bound, and by each client
 * @index: 0 for /dev/iodemo, n for /dev/iodemon
 * @name: of the node, of the interrupt, in sysfs and debugfs
 * @misc: the character device
 * @debugfs: our directory there
 * @ring: what the source has stored
 * @tx: what the source is to send
 * @source: the simulated hardware
 * @lock: protects @open_files, @holder, the source's configuration, and the
 *	change of @gone
 * @open_files: clients there are
 * @holder: the client that has reserved the device, or NULL
 * @gone: unplugged; set once, after the last record was stored
 * @listeners_lock: protects the members below; taken in hard interrupt context
 * @listeners: clients that somebody waits on: asleep in read or poll, or
 *	expecting SIGIO. An interrupt costs nothing for the others.
 * @wakeups: see struct iodemo_stats
 * @signals: see struct iodemo_stats
 */
struct iodemo_device {
	struct kref ref;
	unsigned int index;
	char name[20];
	struct miscdevice misc;
	struct dentry *debugfs;

	struct iodemo_ring ring;
	struct iodemo_tx tx;
	struct iodemo_source source;

	struct mutex lock;	/* outermost */
	unsigned int open_files;
	struct iodemo_client *holder;
	bool gone;

	spinlock_t listeners_lock;	/* hard irq */
	struct list_head listeners;
	u64 wakeups;
	u64 signals;
};

/**
 * struct iodemo_device_params - what a new device starts with
 * @config: period and burst
 * @capacity: records in the ring
 * @threaded: wake from the irq thread
 */
struct iodemo_device_params {
	struct iodemo_config config;
	u32 capacity;
	bool threaded;
};

int iodemo_device_plug(struct platform_device *pdev,
		       const struct iodemo_device_params *params);
void iodemo_device_put(struct iodemo_device *dev);

static inline bool iodemo_device_gone(const struct iodemo_device *dev)
{
	return smp_load_acquire(&dev->gone);	/* pairs with device_unplug() */
}

/* What a source calls, in its interrupt; for what it sends, iodemo_tx_take(). */
void iodemo_device_receive(struct iodemo_device *dev, u64 timestamp, u16 type,
			   const u8 *data, u16 len);
void iodemo_device_wake(struct iodemo_device *dev);

/* aio.c: requests that wait in our place ---------------------------------- */

/**
 * struct iodemo_aio - what io_submit() has left with a client
 * @lock: protects the members; irq-safe, as a cancel comes with interrupts off
 * @reads: requests in the order of their submission
 * @writes: likewise
 * @queued: how many there are in both, IODEMO_AIO_MAX at most
 * @in_copy: the request that the worker tries to complete now, or NULL
 * @copier: the worker, meanwhile
 * @work: completes them
 */
struct iodemo_aio {
	spinlock_t lock;	/* irq */
	struct list_head reads;
	struct list_head writes;
	unsigned int queued;
	struct iodemo_request *in_copy;
	struct task_struct *copier;
	struct work_struct work;
};

int iodemo_aio_init(void);
void iodemo_aio_exit(void);
void iodemo_aio_init_client(struct iodemo_client *client);
void iodemo_aio_exit_client(struct iodemo_client *client);
void iodemo_aio_kick(struct iodemo_client *client);
ssize_t iodemo_aio_read(struct iodemo_client *client, struct kiocb *iocb,
			struct iov_iter *to);
ssize_t iodemo_aio_write(struct iodemo_client *client, struct kiocb *iocb,
			 struct iov_iter *from, size_t done);
int iodemo_aio_flush(struct file *file, fl_owner_t owner);

/* uring.c: commands that wait --------------------------------------------- */

struct io_comp_batch;
struct io_uring_cmd;

/**
 * struct iodemo_uring - what IORING_OP_URING_CMD has left with a client
 * @lock: protects the list; taken in hard interrupt context
 * @waits: commands that wait for records
 */
struct iodemo_uring {
	spinlock_t lock;	/* hard irq */
	struct list_head waits;
};

void iodemo_uring_init_client(struct iodemo_client *client);
void iodemo_uring_wake(struct iodemo_client *client);
int iodemo_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);
int iodemo_uring_cmd_iopoll(struct io_uring_cmd *cmd, struct io_comp_batch *batch,
			    unsigned int poll_flags);

/* client.c: an open file -------------------------------------------------- */

/**
 * struct iodemo_line - a record as text
 * @seq: of the record
 * @off: bytes that have been read
 * @len: bytes in @text
 * @text: the line, its newline included
 */
struct iodemo_line {
	u64 seq;
	u16 off;
	u16 len;
	char text[IODEMO_LINE_MAX];
};

/* What is out of the ordinary with a client; of none of it, poll() is quicker. */
#define IODEMO_CLIENT_HALF_READ		BIT(0)	/* a line was begun and not finished */
#define IODEMO_CLIENT_LOST		BIT(1)	/* lost records that the user wasn't told of */
#define IODEMO_CLIENT_WRITE_ONLY	BIT(2)	/* nothing to read, ever */

/**
 * struct iodemo_client - one open file; threads that share the file share it
 * @dev: what it reads
 * @mode: the file's FMODE_READ and FMODE_WRITE
 * @page: the cursor: seq of the next record to read. Moved without a lock, by
 *	cmpxchg: who moves it owns the records that it moved past. The user may
 *	map the page and do the same, or anything else.
 * @opened_at: the cursor at open
 * @format: IODEMO_FORMAT_*; changed under @lock
 * @low_water: records that must wait before anybody is woken; under @lock
 * @flags: IODEMO_CLIENT_*; changed under @lock
 * @lock: protects @lost and @rest
 * @lost: records overwritten before they were read
 * @rest: the line that is half read, if IODEMO_CLIENT_HALF_READ
 * @readers: who sleeps in read(), exclusive
 * @pollers: who waits in select(), poll(), epoll, io_uring, to read or to
 *	write; one queue, since kernel AIO's poll can't wait on two
 * @fasync: who gets SIGIO
 * @aio: requests of kernel AIO
 * @uring: commands of io_uring
 * @listening: in dev->listeners; under dev->listeners_lock
 * @lapped_signalled: POLL_PRI was sent for what is not told yet; likewise
 */
struct iodemo_client {
	struct iodemo_device *dev;
	fmode_t mode;
	struct iodemo_cursor_page *page;
	u64 opened_at;
	u32 format;
	u32 low_water;
	u32 flags;

	spinlock_t lock;	/* process context */
	u64 lost;
	struct iodemo_line rest;

	wait_queue_head_t readers;
	wait_queue_head_t pollers;
	struct fasync_struct *fasync;
	struct iodemo_aio aio;
	struct iodemo_uring uring;
	struct list_head listening;
	bool lapped_signalled;
};

extern const struct file_operations iodemo_fops;

__poll_t iodemo_client_rare_events(const struct iodemo_client *client);
u64 iodemo_client_skip_lost(struct iodemo_client *client);
void iodemo_client_keep_rest(struct iodemo_client *client, const struct iodemo_line *line);
void iodemo_client_drop_rest(struct iodemo_client *client);
bool iodemo_client_peek(const struct iodemo_client *client, u64 *seq, u64 *timestamp);
int iodemo_client_may_change(const struct iodemo_client *client);
void iodemo_client_count(struct iodemo_client *client, struct iodemo_stats *stats);
void iodemo_client_tell_lost(struct iodemo_client *client, u64 lost);
void iodemo_client_configure(struct iodemo_client *client,
			     const struct iodemo_client_config *config);
void iodemo_client_listen(struct iodemo_client *client);
bool iodemo_client_wake(struct iodemo_client *client, bool made_room);
void iodemo_client_wake_next_reader(struct iodemo_client *client);

/* Has it left something with us that waits? Under the device's listeners_lock. */

static inline bool iodemo_aio_pending(const struct iodemo_client *client)
{
	return !list_empty(&client->aio.reads) || !list_empty(&client->aio.writes);
}

static inline bool iodemo_uring_pending(const struct iodemo_client *client)
{
	return !list_empty(&client->uring.waits);
}

/* What a client sees of the stream. In any context, without a lock. */

static inline u64 iodemo_client_cursor(const struct iodemo_client *client)
{
	/* Pairs with consume: who sees it moved sees the flags that were set before. */
	return smp_load_acquire(&client->page->cursor);
}

static inline bool iodemo_client_half_read(const struct iodemo_client *client)
{
	return READ_ONCE(client->flags) & IODEMO_CLIENT_HALF_READ;
}

/* Nothing is there, not even less than the low-water mark. */
static inline bool iodemo_client_empty(const struct iodemo_client *client)
{
	return iodemo_ring_head(&client->dev->ring) <= iodemo_client_cursor(client) &&
	       !iodemo_client_half_read(client);
}

/* Would a read that may sleep come back without having slept? */
static inline bool iodemo_client_readable(const struct iodemo_client *client)
{
	const struct iodemo_ring *ring = &client->dev->ring;
	u64 from = max(iodemo_client_cursor(client), iodemo_ring_oldest(ring));
	u64 head = iodemo_ring_head(ring);

	return (head > from && head - from >= READ_ONCE(client->low_water)) ||
	       iodemo_client_half_read(client) || iodemo_device_gone(client->dev);
}

/* Has it lost records that it wasn't told of? */
static inline bool iodemo_client_lapped(const struct iodemo_client *client)
{
	return iodemo_client_cursor(client) < iodemo_ring_oldest(&client->dev->ring) ||
	       READ_ONCE(client->flags) & IODEMO_CLIENT_LOST;
}

/*
 * What poll() would say of the reading side. Mostly it is only a question of how
 * many records wait; all else is up to iodemo_client_rare_events().
 */
static inline __poll_t iodemo_client_events(const struct iodemo_client *client)
{
	const struct iodemo_device *dev = client->dev;
	u64 cursor = iodemo_client_cursor(client);
	u64 head = iodemo_ring_head(&dev->ring);

	if (unlikely(READ_ONCE(client->flags) || iodemo_device_gone(dev)))
		return iodemo_client_rare_events(client);
	if (head <= cursor)
		return 0;
	if (unlikely(head - cursor > iodemo_ring_capacity(&dev->ring)))
		return iodemo_client_rare_events(client);
	return head - cursor >= READ_ONCE(client->low_water) ? EPOLLIN | EPOLLRDNORM : 0;
}

/*
 * The cursor, moved to the oldest record if the client was lapped. Cursor and
 * @lost change together there, and only there; reading moves the cursor alone.
 */
static inline u64 iodemo_client_catch_up(struct iodemo_client *client)
{
	u64 cursor = iodemo_client_cursor(client);

	if (likely(cursor >= iodemo_ring_oldest(&client->dev->ring)))
		return cursor;
	return iodemo_client_skip_lost(client);
}

/* Are all of the @records records before the cursor's new place ours now? */
static inline bool iodemo_client_consume(struct iodemo_client *client, u64 cursor,
					 u64 records)
{
	return try_cmpxchg(&client->page->cursor, &cursor, cursor + records);
}

/* The operations, a file each --------------------------------------------- */

ssize_t iodemo_read(struct file *file, char __user *buffer, size_t count, loff_t *pos);
ssize_t iodemo_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t iodemo_read_some(struct iodemo_client *client, struct iov_iter *to);
ssize_t iodemo_write_iter(struct kiocb *iocb, struct iov_iter *from);
ssize_t iodemo_write_some(struct iodemo_client *client, struct iov_iter *from);
__poll_t iodemo_poll(struct file *file, poll_table *wait);
int iodemo_fasync(int fd, struct file *file, int on);
unsigned int iodemo_fasync_signal(struct iodemo_client *client, __poll_t events);
int iodemo_mmap(struct file *file, struct vm_area_struct *vma);
long iodemo_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* debugfs.c --------------------------------------------------------------- */

void iodemo_debugfs_init(void);
void iodemo_debugfs_exit(void);
void iodemo_debugfs_add(struct iodemo_device *dev);

static inline bool iodemo_nowait(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT || iocb->ki_filp->f_flags & O_NONBLOCK;
}

#endif /* _IODEMO_H */
