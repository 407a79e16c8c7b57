// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: witnesses
 *
 * While chaos goes on around it, a witness reads with files of its own, each
 * with one reader, and looks at every record.
 */
#include "stress.h"

#include <ctype.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/syscall.h>

#define ROUNDS		8	/* of one operation, with one open file */
#define COUNT		64	/* records that one read asks for at most */
#define REQUESTS	8
#define NEVER_NS	(10000000000ULL * board->slow)

/* What one open file has shown so far */
struct view {
	struct actor *a;
	int fd;
	__u64 next;		/* the smallest seq that can come */
	__u64 gaps;		/* records that were left out */
	bool begun;
	bool gone;		/* it was unplugged */
};

static __thread struct iodemo_record records[REQUESTS][COUNT];

static bool begin(struct view *v, struct actor *a, int flags, __u32 format)
{
	*v = (struct view){ .a = a };
	v->fd = open_device(pick(a, DEVICES), O_RDWR | flags);
	if (v->fd < 0) {
		/* Reserved, or just being unbound or bound: its mode comes after its name */
		if (v->fd != -EBUSY && v->fd != -ENOENT && v->fd != -ENODEV && v->fd != -ENXIO &&
		    v->fd != -EACCES)
			wrong(a->op, "open() gave %d", v->fd);
		return false;
	}
	if (set_client(v->fd, format, 1)) {
		close(v->fd);
		return false;
	}
	return true;
}

static void end(struct view *v)
{
	struct iodemo_stats stats;

	if (!ioctl(v->fd, IODEMO_GET_STATS, &stats) && stats.lost < v->gaps)
		wrong(v->a->op, "seq had gaps of %llu, and GET_STATS says lost=%llu", v->gaps,
		      stats.lost);
	close(v->fd);
}

/* So that there is something to read. Is there? */
static bool feed(struct view *v)
{
	return !trigger(v->fd, 1 + pick(v->a, 8));
}

static void see_seq(struct view *v, __u64 seq)
{
	if (seq < v->next)
		wrong(v->a->op, "seq %llu, but the next one is %llu", seq, v->next);
	else if (v->begun)
		v->gaps += seq - v->next;
	v->begun = true;
	v->next = seq + 1;
	gave(v->a, 0);
}

static const char *echo_wrong(const struct iodemo_record *record)
{
	static const __u8 zero[IODEMO_DATA_SIZE];

	if (record->type != IODEMO_TYPE_ECHO)
		return "is of no type";
	if (record->len > IODEMO_DATA_SIZE)
		return "is longer than its data";
	if (memcmp(record->data + record->len, zero, IODEMO_DATA_SIZE - record->len))
		return "has more than zeros past its data";
	if (!record->timestamp || record->timestamp > clock_ns())
		return "is of another time";
	return "";
}

static void see_record(struct view *v, const struct iodemo_record *record)
{
	const char *what;

	if (record->type == IODEMO_TYPE_SAMPLE) {
		what = sample_fault(record, record->seq);
		if (*what)
			wrong(v->a->op, "a sample that isn't: %s", what);
	} else {
		what = echo_wrong(record);
		if (*what)
			wrong(v->a->op, "the record of seq %llu %s", record->seq, what);
	}
}

/* 0 is the end of a device that was unplugged, and of nothing else. */
static void see_end(struct view *v)
{
	struct iodemo_info info;
	long ret = result(ioctl(v->fd, IODEMO_GET_INFO, &info));

	v->gone = true;
	if (ret != -ENODEV)
		wrong(v->a->op, "read() gave 0, and GET_INFO %ld", ret);
}

/* What a read of records gave */
static void see_bytes(struct view *v, const struct iodemo_record *record, long bytes, long size)
{
	long i;

	if (!bytes)
		see_end(v);
	else if (bytes > size || (bytes > 0 && bytes % RECORD))
		wrong(v->a->op, "%ld bytes of a read of %ld", bytes, size);
	else if (bytes < 0 && bytes != -EAGAIN && bytes != -EINTR && bytes != -ECANCELED)
		wrong(v->a->op, "read() gave %ld", bytes);
	for (i = 0; bytes <= size && i < bytes / RECORD; i++) {
		see_record(v, &record[i]);
		see_seq(v, record[i].seq);
	}
}

static long some_size(struct view *v)
{
	return (1 + pick(v->a, COUNT)) * RECORD;
}

/* Asleep, if chaos takes its time and nobody reserves the device. */
void op_see_read(struct actor *a)
{
	struct view v;
	int i;

	if (!begin(&v, a, 0, IODEMO_FORMAT_RAW))
		return;
	for (i = 0; i < ROUNDS && !v.gone && feed(&v); i++) {
		long size = some_size(&v);

		see_bytes(&v, records[0], result(read(v.fd, records[0], size)), size);
	}
	end(&v);
}

/* Records in pieces that fit nowhere */
void op_see_readv(struct actor *a)
{
	char *start = (char *)records[0];
	struct iovec iov[4];
	struct view v;
	int i, j;

	if (!begin(&v, a, 0, IODEMO_FORMAT_RAW))
		return;
	for (i = 0; i < ROUNDS && !v.gone && feed(&v); i++) {
		long size = 0;

		for (j = 0; j < 4; j++) {
			iov[j].iov_base = start + size;
			iov[j].iov_len = 17 + pick(a, 300);
			size += iov[j].iov_len;
		}
		see_bytes(&v, records[0], result(readv(v.fd, iov, 4)), size);
	}
	end(&v);
}

void op_see_nowait(struct actor *a)
{
	struct view v;
	int i;

	if (!begin(&v, a, one_in(a, 2) ? O_NONBLOCK : 0, IODEMO_FORMAT_RAW))
		return;
	for (i = 0; i < ROUNDS && !v.gone; i++) {
		long size = some_size(&v);

		if (one_in(a, 2))
			feed(&v);
		see_bytes(&v, records[0], read_nowait(v.fd, records[0], size), size);
	}
	end(&v);
}

/*
 * A poll that sees only at its end what has been there for most of its time
 * was not woken.
 */
void op_see_poll(struct actor *a)
{
	const __u64 timeout_ms = 2000 * board->slow;
	struct view v;
	int i;

	if (!begin(&v, a, O_NONBLOCK, IODEMO_FORMAT_RAW))
		return;
	for (i = 0; i < ROUNDS && !v.gone; i++) {
		struct pollfd p = { .fd = v.fd, .events = POLLIN };
		__u64 before = clock_ns(), watched = board->watched, after;
		bool steady;
		long got;

		poll(&p, 1, timeout_ms);
		after = clock_ns();
		got = read_nowait(v.fd, records[0], RECORD);
		/* Else the machine may have stood still, with the record there */
		steady = 10 * (board->watched - watched) > 9 * (after - before);
		if (got == RECORD && steady && after - before >= timeout_ms * 1000000 &&
		    records[0]->timestamp > before &&
		    records[0]->timestamp + timeout_ms * 750000 < after)
			wrong(a->op, "poll() was not woken for seq %llu", records[0]->seq);
		see_bytes(&v, records[0], got, RECORD);
		if (got == -EAGAIN && (p.revents & (POLLERR | POLLHUP)))
			break;
	}
	end(&v);
}

/* One line: "seq seconds.nanoseconds cpuN type data" */
static void see_line(struct view *v, char *line)
{
	unsigned long long seq, seconds, ns;
	char type[16], data[256];
	unsigned int cpu;
	int got;

	got = sscanf(line, "%llu %llu.%9llu cpu%u %15s %255[^\n]", &seq, &seconds, &ns, &cpu, type,
		     data);
	if (got < 5) {
		wrong(v->a->op, "a line that isn't: %.100s", line);
		return;
	}
	see_seq(v, seq);
	if (!strcmp(type, "sample")) {
		if (got < 6 || strncmp(data, (const char *)iodemo_sample(seq), IODEMO_DATA_SIZE) ||
		    data[IODEMO_DATA_SIZE])
			wrong(v->a->op, "a sample that isn't: %.100s", line);
	} else if (strcmp(type, "echo")) {
		wrong(v->a->op, "a line of no type: %.100s", line);
	}
}

void op_see_text(struct actor *a)
{
	char text[2 * LINE_MAX_BYTES];
	size_t have = 0;
	struct view v;
	int i;

	if (!begin(&v, a, O_NONBLOCK, IODEMO_FORMAT_TEXT))
		return;
	for (i = 0; i < 8 * ROUNDS && !v.gone; i++) {
		size_t size = 1 + pick(a, sizeof(text) - 1 - have);
		char *line = text, *newline;
		long got;

		if (one_in(a, 8))
			feed(&v);
		got = result(read(v.fd, text + have, size));
		if (!got)
			see_end(&v);
		if (got <= 0)
			continue;
		have += got;
		text[have] = '\0';
		for (; (newline = strchr(line, '\n')); line = newline + 1) {
			*newline = '\0';
			see_line(&v, line);
		}
		have -= line - text;
		memmove(text, line, have);
		if (have > LINE_MAX_BYTES) {
			wrong(a->op, "a line of over %zu bytes", have);
			break;
		}
	}
	end(&v);
}

/* The mapped ring, as uapi/iodemo.h says how */

static long take_mapped(struct view *v, const struct iodemo_ring_page *ring,
			struct iodemo_cursor_page *page)
{
	const struct iodemo_record *slots = (const void *)ring + IODEMO_MMAP_RECORDS;
	__u64 cursor = __atomic_load_n(&page->cursor, __ATOMIC_RELAXED);
	struct iodemo_record record;

	if (cursor == __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE))
		return 0;
	record = slots[cursor % ring->capacity];
	atomic_thread_fence(memory_order_acquire);
	if (cursor + ring->capacity < __atomic_load_n(&ring->begun, __ATOMIC_RELAXED))
		return result(ioctl(v->fd, IODEMO_GET_STATS, &(struct iodemo_stats){})) ?: 1;
	if (!__atomic_compare_exchange_n(&page->cursor, &cursor, cursor + 1, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return 1;
	if (record.seq != cursor)
		wrong(v->a->op, "seq %llu at the place of %llu", record.seq, cursor);
	see_record(v, &record);
	see_seq(v, record.seq);
	return 1;
}

void op_see_mapped(struct actor *a)
{
	struct iodemo_cursor_page *page = MAP_FAILED;
	struct iodemo_ring_page *ring;
	struct iodemo_info info;
	size_t size;
	struct view v;
	int i, left;

	if (!begin(&v, a, O_NONBLOCK, IODEMO_FORMAT_RAW))
		return;
	if (ioctl(v.fd, IODEMO_GET_INFO, &info))
		goto out;
	size = IODEMO_MMAP_RECORDS + info.capacity * RECORD;
	ring = mmap(NULL, size, PROT_READ, MAP_SHARED, v.fd, IODEMO_MMAP_RING);
	if (ring == MAP_FAILED)
		goto out;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, v.fd, IODEMO_MMAP_CURSOR);
	for (i = 0; page != MAP_FAILED && i < ROUNDS; i++) {
		feed(&v);
		for (left = 1000; left && take_mapped(&v, ring, page) > 0; left--)
			;
		see_bytes(&v, records[0], read_nowait(v.fd, records[0], RECORD), RECORD);
	}
	if (page != MAP_FAILED)
		munmap(page, 4096);
	munmap(ring, size);
out:
	end(&v);
}

void op_see_splice(struct actor *a)
{
	struct view v;
	int i;

	if (!begin(&v, a, 0, IODEMO_FORMAT_RAW))
		return;
	for (i = 0; i < ROUNDS && !v.gone; i++) {
		long size = some_size(&v), got;

		feed(&v);
		got = result(splice(v.fd, NULL, a->pipe[1], NULL, size, SPLICE_F_NONBLOCK));
		if (got > 0 && read(a->pipe[0], records[0], sizeof(records[0])) != got)
			wrong(a->op, "%ld bytes went into a pipe, and others came out", got);
		see_bytes(&v, records[0], got, size);
	}
	end(&v);
}

/* Kernel AIO: each request completes once, and in its turn */

struct requests {
	struct iocb iocb[REQUESTS];
	bool done[REQUESTS];
	long result[REQUESTS];
	int submitted;
	int completed;
};

/* Until all are complete, or so long */
static void take_events(struct view *v, aio_context_t context, struct requests *r, __u64 ns)
{
	struct timespec timeout = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	long i, got, left = r->submitted - r->completed;
	struct io_event events[REQUESTS];

	got = syscall(SYS_io_getevents, context, left, (long)REQUESTS, events, &timeout);
	for (i = 0; i < got; i++) {
		unsigned int which = events[i].data;

		if (which >= REQUESTS || r->done[which])
			wrong(v->a->op, "request %u completes again", which);
		else
			r->result[which] = events[i].res;
		if (which < REQUESTS)
			r->done[which] = true;
		r->completed++;
	}
}

static void see_requests(struct view *v, aio_context_t context)
{
	int i, count = 1 + pick(v->a, REQUESTS);
	struct requests r = { };
	struct io_event event;
	__u64 since;

	for (i = 0; i < count; i++) {
		struct iocb *iocb = &r.iocb[i];

		*iocb = (struct iocb){
			.aio_data = i,
			.aio_fildes = v->fd,
			.aio_lio_opcode = IOCB_CMD_PREAD,
			.aio_buf = (unsigned long)records[i],
			.aio_nbytes = (1 + pick(v->a, 4)) * RECORD,
		};
		if (syscall(SYS_io_submit, context, 1L, &iocb) != 1)
			break;
		r.submitted++;
	}
	feed(v);
	take_events(v, context, &r, 20000000);
	for (i = 0; i < r.submitted; i++)
		if (!r.done[i])
			syscall(SYS_io_cancel, context, &r.iocb[i], &event);
	since = board->watched;
	while (r.completed < r.submitted && board->watched - since < NEVER_NS)
		take_events(v, context, &r, SECOND);
	if (r.completed != r.submitted)
		wrong(v->a->op, "only %d of %d requests were completed", r.completed,
		      r.submitted);
	for (i = 0; i < r.submitted; i++)
		if (r.done[i])
			see_bytes(v, records[i], r.result[i], r.iocb[i].aio_nbytes);
}

void op_see_aio(struct actor *a)
{
	aio_context_t context = 0;
	struct view v;
	int i;

	if (syscall(SYS_io_setup, REQUESTS, &context))
		return;
	if (begin(&v, a, 0, IODEMO_FORMAT_RAW)) {
		for (i = 0; i < ROUNDS && !v.gone; i++)
			see_requests(&v, context);
		end(&v);
	}
	syscall(SYS_io_destroy, context);
}

#ifdef HAVE_LIBURING

#include <liburing.h>

/* Each completes once; in which order is io_uring's own affair, so seq can't be compared. */
static void see_submissions(struct view *v, struct io_uring *ring)
{
	struct __kernel_timespec timeout = { .tv_nsec = 20000000 };
	int i, count = 1 + pick(v->a, REQUESTS), complete = 0;
	bool cancelled = false, done[REQUESTS] = { };
	struct io_uring_cqe *cqe;
	__u64 most = v->next, since = 0;

	for (i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

		io_uring_prep_read(sqe, v->fd, records[i], RECORD, -1);
		io_uring_sqe_set_data64(sqe, i);
	}
	io_uring_submit(ring);
	feed(v);
	while (complete < count) {
		__u64 name;
		long res;

		res = io_uring_wait_cqe_timeout(ring, &cqe, &timeout);
		if (res == -ETIME && cancelled && board->watched - since >= NEVER_NS) {
			wrong(v->a->op, "only %d of %d requests were completed", complete, count);
			break;
		}
		if (res == -ETIME && !cancelled) {
			struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

			io_uring_prep_cancel_fd(sqe, v->fd, IORING_ASYNC_CANCEL_ALL);
			io_uring_sqe_set_data64(sqe, REQUESTS);
			io_uring_submit(ring);
			timeout.tv_sec = 1;
			since = board->watched;
			cancelled = true;
		}
		if (res)
			continue;
		name = cqe->user_data;
		res = cqe->res;
		io_uring_cqe_seen(ring, cqe);
		if (name >= REQUESTS)
			continue;
		if (done[name])
			wrong(v->a->op, "request %llu completes again", name);
		done[name] = true;
		complete++;
		if (res == RECORD) {
			see_record(v, records[name]);
			gave(v->a, 0);
			if (records[name]->seq < v->next)
				wrong(v->a->op, "seq %llu, but the next one is %llu",
				      records[name]->seq, v->next);
			if (records[name]->seq >= most)
				most = records[name]->seq + 1;
		} else {
			see_bytes(v, NULL, res, 0);
		}
	}
	v->next = most;
}

void op_see_uring(struct actor *a)
{
	struct io_uring ring;
	struct view v;
	int i;

	if (io_uring_queue_init(2 * REQUESTS, &ring, 0))
		return;
	if (begin(&v, a, 0, IODEMO_FORMAT_RAW)) {
		for (i = 0; i < ROUNDS && !v.gone; i++)
			see_submissions(&v, &ring);
		end(&v);
	}
	io_uring_queue_exit(&ring);
}

#endif /* HAVE_LIBURING */
