// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes from outside: two virtio consoles, of which each is what the other one has
 * outside (scripts/vm.sh -c), so that both ends are seen from within.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"
#include "iodemo_rawaio.h"

#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>

#define MODULE		"iodemo_virtio"
#define DRIVER		"/sys/bus/virtio/drivers/iodemo-virtio"
#define CONSOLES	"/sys/bus/virtio/drivers/virtio_console"
#define CAPACITY	16
#define MANY		(64 * 1024)

/*
 * QEMU drops what a virtconsole's outside has no room for, which is a socket with room
 * for 270 writes. So no more than that is under way at a time, and more than the other
 * end can have in its ring and its 64 buffers.
 */
#define WINDOW		(100L * IODEMO_DATA_SIZE)

/* The stream: bytes that tell where in it they are */

static __u8 content(long at)
{
	return (__u32)at * 2654435761U >> 23;
}

/* What is sent from @at on, a record full at most. Return: how many bytes that is. */
static long fill(struct iodemo_record *record, long at, long end)
{
	*record = (struct iodemo_record){
		.len = end - at < IODEMO_DATA_SIZE ? end - at : IODEMO_DATA_SIZE,
	};
	for (int i = 0; i < record->len; i++)
		record->data[i] = content(at + i);
	return record->len;
}

/*
 * Write @count bytes of it, none that is further than WINDOW from what was @seen. Return:
 * how many went in, less those of the last write.
 */
static long send_seen(int fd, long count, atomic_long *seen)
{
	long at = 0, ret;

	while (at < count) {
		struct iodemo_record records[32];
		int n = 0;
		long end = at;

		while (at + 32 * IODEMO_DATA_SIZE > atomic_load(seen) + WINDOW)
			sched_yield();
		while (n < 32 && end < count)
			end += fill(&records[n++], end, count);
		ret = result(write(fd, records, n * RECORD));
		if (ret != n * RECORD)
			break;
		at = end;
	}
	return at;
}

/* No more than is under way */
static long send_bytes(int fd, long count)
{
	atomic_long seen = count;

	return count > WINDOW ? -EMSGSIZE : send_seen(fd, count, &seen);
}

struct place {
	int fd;
	atomic_long at;		/* bytes seen */
	__u64 seq;		/* of the next record */
	bool any;		/* there was one */
};

/* One record that was received: "" if it is one, and follows the one before. */
static const char *next_record(struct place *place, struct iodemo_record *record)
{
	static const __u8 zero[IODEMO_DATA_SIZE];

	if (read(place->fd, record, sizeof(*record)) != RECORD)
		return "no record";
	if (record->type != IODEMO_TYPE_RECEIVED)
		return "of another type";
	if (place->any && record->seq != place->seq)
		return "a gap";
	if (!record->len || record->len > IODEMO_DATA_SIZE)
		return "of no length";
	if (memcmp(record->data + record->len, zero, IODEMO_DATA_SIZE - record->len))
		return "more than zeros past the data";
	place->any = true;
	place->seq = record->seq + 1;
	return "";
}

/* Read on until byte @end of the stream, and to the end of that record: "" if it is right */
static const char *follow(struct place *place, long end)
{
	struct iodemo_record record;
	const char *what = "";

	while (!*what && place->at < end) {
		what = next_record(place, &record);
		for (int i = 0; !*what && i < record.len; i++) {
			if (record.data[i] != content(place->at + i))
				what = "another byte";
		}
		place->at += record.len;
	}
	return what;
}

/* Until the end of all that was sent */
#define EXPECT_STREAM(place, end) do {				\
	EXPECT_STREQ("", follow(place, end));			\
	EXPECT_EQ(end, atomic_load(&(place)->at));		\
	EXPECT_EQ(0, poll_now((place)->fd, POLLIN));		\
} while (0)

/*
 * Read all that is under way between the two, up to a word that nobody has said yet: ""
 * if it came. @before: how many bytes of the stream came before it, or -1 if others did.
 */
static const char *read_to_mark(int from, int to, long *before)
{
	struct iodemo_record mark = { .len = IODEMO_DATA_SIZE }, record;
	__u8 last[2 * IODEMO_DATA_SIZE] = { 0 };
	struct place place = { .fd = to };
	bool right = true;
	long seen = 0;

	snprintf((char *)mark.data, sizeof(mark.data), "mark %llu", clock_ns());
	if (write(from, &mark, sizeof(mark)) != RECORD)
		return "the mark can't be written";
	while (seen < IODEMO_DATA_SIZE ||
	       memcmp(last + IODEMO_DATA_SIZE, mark.data, IODEMO_DATA_SIZE)) {
		const char *what = next_record(&place, &record);

		if (*what)
			return what;
		for (int i = 0; i < record.len; i++) {
			memmove(last, last + 1, sizeof(last) - 1);
			last[sizeof(last) - 1] = record.data[i];
			/* What is too far back to be of the mark */
			if (++seen > IODEMO_DATA_SIZE &&
			    last[IODEMO_DATA_SIZE - 1] != content(seen - IODEMO_DATA_SIZE - 1))
				right = false;
		}
	}
	*before = right ? seen - IODEMO_DATA_SIZE : -1;
	return "";
}

/* The devices */

static const char * const nodes[] = { "/dev/iodemo-virtio", "/dev/iodemo-virtio1" };

static int open_port(int index, int flags)
{
	int fd = open(nodes[index], flags);
	long err;

	if (fd < 0)
		return -errno;
	err = set_client(fd, IODEMO_FORMAT_RAW, 1);
	return err ? err : fd;
}

/* Of the virtio devices that @driver has: bind or unbind all, but not those of more ports */
static int for_consoles(const char *driver, const char *what)
{
	char path[128], features[128];
	glob_t found = { 0 };
	int err = 0;

	snprintf(path, sizeof(path), "%s/virtio*", driver);
	if (!glob(path, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc && !err; i++) {
			snprintf(path, sizeof(path), "%s/features", found.gl_pathv[i]);
			if (read_file(path, features, sizeof(features)) < 2 || features[1] == '1')
				continue;
			snprintf(path, sizeof(path), "%s/%s", driver, what);
			err = write_file(path, strrchr(found.gl_pathv[i], '/') + 1);
		}
	}
	globfree(&found);
	return err;
}

/* The virtio device of a node: "virtio0" */
static int virtio_name(int index, char *name, size_t size)
{
	char path[64], target[256];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/class/misc/%s/device", nodes[index] + strlen("/dev/"));
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	snprintf(name, size, "%s", strrchr(target, '/') + 1);
	return 0;
}

FIXTURE(virtio) {
	int fd[2];
};

FIXTURE_SETUP(virtio)
{
	long before;
	int err;

	/* A test that was ended has left it, and it would hold the core. */
	do {
		err = unload_module(MODULE);
	} while (err == -EWOULDBLOCK && !sched_yield());
	ASSERT_EQ(0, load("capacity=%d", CAPACITY));
	/* What it needs of the kernel's own, if that is not built in */
	err = system("modprobe -qa virtio_pci");
	ASSERT_EQ(0, for_consoles(CONSOLES, "unbind"));
	err = load_module("iodemo-virtio", "");
	if (err == -ENOENT)
		SKIP_FIXTURE("no iodemo-virtio.ko in this kernel's modules, or no virtio");
	ASSERT_EQ(0, err);
	for (int i = 0; i < 2; i++) {
		if (access(nodes[i], F_OK)) {
			unload_module("iodemo_virtio");
			SKIP_FIXTURE("no two virtio consoles of one port");
		}
		self->fd[i] = open_port(i, O_RDWR);
		ASSERT_LE(0, self->fd[i]);
	}
	/* Of what a test before has left */
	ASSERT_STREQ("", read_to_mark(self->fd[0], self->fd[1], &before));
	ASSERT_STREQ("", read_to_mark(self->fd[1], self->fd[0], &before));
}

FIXTURE_TEARDOWN(virtio)
{
	close_all();
	unload_module(MODULE);
	EXPECT_EQ(0, unload());
}

TEST_F(virtio, GET_INFO_names_it_and_what_it_can_do)
{
	const __u32 flags = IODEMO_INFO_WAITS | IODEMO_INFO_TRIGGER | IODEMO_INFO_CONFIG;
	struct iodemo_info info;
	int timer = open_device(0, O_RDWR);

	ASSERT_EQ(0, ioctl(self->fd[1], IODEMO_GET_INFO, &info));
	EXPECT_STREQ("virtio", info.source);
	EXPECT_EQ(1U, info.index);
	EXPECT_EQ(IODEMO_INFO_WAITS, info.flags & flags);
	ASSERT_EQ(0, ioctl(timer, IODEMO_GET_INFO, &info));
	EXPECT_EQ(0U, info.flags & IODEMO_INFO_WAITS);
	EXPECT_EQ(-EOPNOTSUPP, trigger(self->fd[0], 1));
	EXPECT_EQ(-EOPNOTSUPP, set_config(self->fd[0], 0, 1));
}

TEST_F(virtio, what_goes_in_here_comes_out_there)
{
	struct sleeper reader_asleep = reader(self->fd[1], 1);
	struct iodemo_record sent = raw_record("hello");

	ASSERT_TRUE(falls_asleep(&reader_asleep));
	ASSERT_EQ(RECORD, write(self->fd[0], &sent, sizeof(sent)));
	ASSERT_EQ(RECORD, sleeper_result(&reader_asleep));
	EXPECT_EQ(IODEMO_TYPE_RECEIVED, reader_asleep.records[0].type);
	EXPECT_EQ(5, reader_asleep.records[0].len);
	EXPECT_EQ(0, memcmp("hello", reader_asleep.records[0].data, 6));
	EXPECT_EQ(0, poll_now(self->fd[0], POLLIN));
	EXPECT_LT(0, STAT(self->fd[1], interrupts));
	EXPECT_EQ(0, STAT(self->fd[1], echoes));
}

TEST_F(virtio, text_is_a_line_and_tells_what_it_is)
{
	char text[LINE_MAX_BYTES + 1] = "", type[16], data[64];
	int fd = open(nodes[0], O_RDWR);
	int got;

	ASSERT_LE(0, fd);
	ASSERT_EQ(6, write(fd, "hello\n", 6));
	ASSERT_EQ(0, set_client(self->fd[1], IODEMO_FORMAT_TEXT, 1));
	ASSERT_LT(0, read(self->fd[1], text, sizeof(text) - 1));
	got = sscanf(text, "%*u %*u.%*u cpu%*u %15s %63[^\n]", type, data);
	ASSERT_EQ(2, got);
	EXPECT_STREQ("received", type);
	EXPECT_STREQ("hello", data);
}

/* An empty record is nothing to send, and nothing is lost for it. */
TEST_F(virtio, empty_record_sends_nothing)
{
	struct iodemo_record empty = { 0 };
	struct place place = { .fd = self->fd[1] };

	ASSERT_EQ(RECORD, write(self->fd[0], &empty, sizeof(empty)));
	ASSERT_EQ(100, send_bytes(self->fd[0], 100));
	EXPECT_STREAM(&place, 100);
}

struct flow {
	int fd;
	long count;
	long sent;
	atomic_long *seen;
	pthread_t thread;
};

static void *flow(void *data)
{
	struct flow *f = data;

	f->sent = send_seen(f->fd, f->count, f->seen);
	return NULL;
}

/* The ring is full most of the time. */
TEST_F(virtio, much_each_way_at_once_and_nothing_lost)
{
	struct flow flows[2] = { { .fd = self->fd[0] }, { .fd = self->fd[1] } };
	struct place places[2] = { { .fd = self->fd[1] }, { .fd = self->fd[0] } };

	for (int i = 0; i < 2; i++) {
		flows[i].count = MANY;
		flows[i].seen = &places[i].at;
		ASSERT_EQ(0, pthread_create(&flows[i].thread, NULL, flow, &flows[i]));
	}
	for (long end = 1024; end <= MANY; end += 1024) {
		for (int i = 0; i < 2; i++)
			ASSERT_STREQ("", follow(&places[i], end));
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(flows[i].thread, NULL));
		EXPECT_EQ(MANY, flows[i].sent);
		EXPECT_EQ(MANY, atomic_load(&places[i].at));
		EXPECT_EQ(0, STAT(places[i].fd, lost));
		EXPECT_EQ(0, poll_now(places[i].fd, POLLIN));
	}
}

/* All is with the host, or in our buffers, before anything is read. */
TEST_F(virtio, waits_for_who_does_not_read_yet)
{
	struct place place = { .fd = self->fd[1] };
	long before = STAT(self->fd[1], records);

	ASSERT_EQ(WINDOW, send_bytes(self->fd[0], WINDOW));
	while (STAT(self->fd[1], records) - before < CAPACITY)
		sched_yield();
	EXPECT_STREAM(&place, WINDOW);
	EXPECT_EQ(0, STAT(self->fd[1], lost));
}

/* A file that is not in charge, and stays so */
static int open_port_as_user(int index)
{
	int fd;

	if (setgroups(0, NULL) || setegid(ORDINARY_USER) || seteuid(ORDINARY_USER))
		return -errno;
	fd = open(nodes[index], O_RDONLY);
	if (seteuid(0) || setegid(0))
		return -errno;
	return fd;
}

TEST_F(virtio, ordinary_users_file_holds_up_nobody)
{
	const long count = 4L * CAPACITY * IODEMO_DATA_SIZE;
	struct place place = { .fd = self->fd[1] };
	int never = open_port_as_user(1);

	ASSERT_LE(0, never);
	ASSERT_EQ(count, send_bytes(self->fd[0], count));
	EXPECT_STREAM(&place, count);
	EXPECT_EQ(0, STAT(self->fd[1], lost));
	EXPECT_LT(0, STAT(never, lost));
}

/* With no file in charge, records come, and lap who is slow. */
TEST_F(virtio, ordinary_users_alone_are_lapped)
{
	const long count = 4L * CAPACITY * IODEMO_DATA_SIZE;
	long before = STAT(self->fd[1], records);
	int alone = open_port_as_user(1);

	ASSERT_LE(0, alone);
	close(self->fd[1]);
	ASSERT_EQ(count, send_bytes(self->fd[0], count));
	while (STAT(alone, records) - before < 4 * CAPACITY)
		sched_yield();
	EXPECT_LT(0, STAT(alone, lost));
}

/* Nothing that comes is what it wants, so for it all may be overwritten. */
TEST_F(virtio, file_that_wants_none_of_it_holds_up_nobody)
{
	const long count = 4L * CAPACITY * IODEMO_DATA_SIZE;
	struct iodemo_client_config echoes = {
		.format = IODEMO_FORMAT_RAW, .low_water = 1, .types = 1U << IODEMO_TYPE_ECHO,
	};
	struct place place = { .fd = self->fd[1] };
	struct iodemo_stats stats;
	int other = open_port(1, O_RDONLY);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, result(ioctl(other, IODEMO_SET_CLIENT, &echoes)));
	ASSERT_EQ(count, send_bytes(self->fd[0], count));
	EXPECT_STREAM(&place, count);
	EXPECT_EQ(0, STAT(self->fd[1], lost));
	EXPECT_EQ(0, poll_now(other, POLLIN | POLLPRI));
	stats = get_stats(other);
	EXPECT_LE(3U * CAPACITY, stats.skipped);
	EXPECT_EQ(0U, stats.lost);
}

/* But what it does want is waited for. */
TEST_F(virtio, file_that_wants_it_among_others_is_waited_for)
{
	const long count = 4L * CAPACITY * IODEMO_DATA_SIZE;
	struct iodemo_client_config received = {
		.format = IODEMO_FORMAT_RAW, .low_water = 1,
		.types = 1U << IODEMO_TYPE_ECHO | 1U << IODEMO_TYPE_RECEIVED,
	};
	struct place place = { .fd = open_port(1, O_RDONLY) };
	long before = STAT(self->fd[1], records);

	ASSERT_LE(0, place.fd);
	ASSERT_EQ(0, result(ioctl(place.fd, IODEMO_SET_CLIENT, &received)));
	close(self->fd[1]);
	ASSERT_EQ(count, send_bytes(self->fd[0], count));
	while (STAT(place.fd, records) - before < CAPACITY)
		sched_yield();
	EXPECT_STREAM(&place, count);
	EXPECT_EQ(0, STAT(place.fd, lost));
	EXPECT_EQ(0, STAT(place.fd, skipped));
}

static long write_two(struct sleeper *s)
{
	return result(writev(s->fd, s->buf, 2));
}

/*
 * Who writes stands still in the middle: where he has filled the queue, or where he has
 * yet to copy the last of what he will wait with. Meanwhile all is sent that he has put
 * there, and what comes then nobody fetches who isn't told of it.
 */
TEST_F(virtio, what_a_slow_writer_brings_is_sent)
{
	enum { COUNT = TX_CAPACITY + IODEMO_WRITE_TURN };
	struct place place = { .fd = self->fd[1] };
	struct iodemo_record records[COUNT];
	struct stuck_page page;
	struct iovec iov[2];
	struct sleeper s;
	long end = 0;

	for (int first = TX_CAPACITY; first <= TX_CAPACITY + 1; first++) {
		if (!stuck_page_make(&page))
			SKIP(return, "no userfaultfd in this kernel");
		for (int i = 0; i < COUNT; i++)
			end += fill(&records[i], end, LONG_MAX);
		iov[0] = (struct iovec){ records, first * RECORD };
		iov[1] = (struct iovec){ page.page, (COUNT - first) * RECORD };
		s = (struct sleeper){ .call = write_two, .fd = self->fd[0], .buf = iov };
		ASSERT_TRUE(sleeper_start(&s));
		ASSERT_EQ(0, stuck_page_wait(&page));
		ASSERT_STREQ("", follow(&place, end - IODEMO_WRITE_TURN * IODEMO_DATA_SIZE));
		ASSERT_EQ(0, stuck_page_free(&page, &records[first], iov[1].iov_len));
		EXPECT_EQ(COUNT * RECORD, sleeper_result(&s));
		EXPECT_STREAM(&place, end);
	}
}

/* A file that only writes reads nothing: what comes waits for one that does. */
TEST_F(virtio, nothing_is_taken_while_nobody_reads)
{
	struct place place = { 0 };
	long records, interrupts;
	int other = open_port(1, O_WRONLY);

	ASSERT_LE(0, other);
	close(self->fd[1]);
	records = STAT(other, records);
	interrupts = STAT(other, interrupts);
	ASSERT_EQ(100, send_bytes(self->fd[0], 100));
	while (STAT(other, interrupts) == interrupts)
		sched_yield();
	EXPECT_EQ(records, STAT(other, records));
	close(other);
	place.fd = open_port(1, O_RDONLY);
	ASSERT_LE(0, place.fd);
	EXPECT_STREAM(&place, 100);
}

/* Written, and closed at once: as echo does it */
TEST_F(virtio, what_was_written_is_sent_after_close)
{
	struct place place = { .fd = self->fd[1] };

	ASSERT_EQ(4000, send_bytes(self->fd[0], 4000));
	close(self->fd[0]);
	EXPECT_STREAM(&place, 4000);
}

/* Those complete in the wake-up of others, with locks held. */
TEST_F(virtio, queued_requests_are_sent_in_order)
{
	enum { REQUESTS = WINDOW / (CAPACITY * IODEMO_DATA_SIZE) };
	struct iodemo_record records[REQUESTS][CAPACITY];
	struct place place = { .fd = self->fd[1] };
	struct iocb iocbs[REQUESTS];
	aio_context_t context = 0;
	long at = 0;

	ASSERT_EQ(0, aio_setup(REQUESTS, &context));
	for (int i = 0; i < REQUESTS; i++) {
		for (int k = 0; k < CAPACITY; k++)
			at += fill(&records[i][k], at, LONG_MAX);
		ASSERT_EQ(1, aio_submit_write(context, &iocbs[i], self->fd[0], records[i],
					      sizeof(records[i])));
	}
	EXPECT_STREAM(&place, at);
	for (int i = 0; i < REQUESTS; i++)
		EXPECT_EQ((long)sizeof(records[i]), aio_event(context));
	EXPECT_EQ(0, aio_destroy(context));
}

/* What nobody is left for who is in charge, it waits for no longer. */
TEST_F(virtio, killed_reader_does_not_hold_up_the_next)
{
	const long count = 4L * CAPACITY * IODEMO_DATA_SIZE;
	struct place place = { .fd = self->fd[1] };
	int ready[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	child = fork();
	if (!child) {
		if (open_port(1, O_RDONLY) >= 0)
			write(ready[1], "", 1);
		for (;;)
			pause();
	}
	ASSERT_LT(0, child);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	/* It never reads: the ring gets full, and the rest waits. */
	ASSERT_EQ(count, send_bytes(self->fd[0], count));
	EXPECT_STREQ("", follow(&place, CAPACITY / 2 * IODEMO_DATA_SIZE));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, NULL, 0));
	EXPECT_STREAM(&place, count);
	EXPECT_EQ(0, STAT(place.fd, lost));
}

/* What has arrived is a beginning of what was sent, and both ends go on. */
TEST_F(virtio, unbound_in_flight_and_bound_again)
{
	atomic_long all = WINDOW;
	struct flow sending = { .fd = self->fd[0], .count = WINDOW, .seen = &all };
	struct sleeper reader_asleep;
	char name[32];
	long arrived;

	ASSERT_EQ(0, virtio_name(0, name, sizeof(name)));
	reader_asleep = reader(self->fd[0], 1);
	ASSERT_TRUE(falls_asleep(&reader_asleep));
	ASSERT_EQ(0, pthread_create(&sending.thread, NULL, flow, &sending));
	while (poll_now(self->fd[1], POLLIN) != POLLIN)
		sched_yield();
	ASSERT_EQ(0, write_file(DRIVER "/unbind", name));
	EXPECT_EQ(0, sleeper_result(&reader_asleep));
	ASSERT_EQ(0, pthread_join(sending.thread, NULL));
	EXPECT_EQ(-ENODEV, write_records(self->fd[0], 1));
	EXPECT_EQ(-ENOENT, result(open(nodes[0], O_RDONLY)));

	ASSERT_EQ(0, write_file(DRIVER "/bind", name));
	close(self->fd[0]);
	self->fd[0] = open_port(0, O_RDWR);
	ASSERT_LE(0, self->fd[0]);
	EXPECT_STREQ("", read_to_mark(self->fd[0], self->fd[1], &arrived));
	EXPECT_LT(0, arrived);
	EXPECT_STREQ("", read_to_mark(self->fd[1], self->fd[0], &arrived));
	EXPECT_EQ(0, arrived);
}

TEST_F(virtio, module_can_go_while_files_are_open_and_the_ring_is_full)
{
	atomic_long all = MANY;
	struct flow sending = { .fd = self->fd[0], .count = MANY, .seen = &all };
	struct iodemo_record records[CAPACITY + 1];

	ASSERT_EQ(0, pthread_create(&sending.thread, NULL, flow, &sending));
	while (STAT(self->fd[1], lag) < CAPACITY)
		sched_yield();
	ASSERT_EQ(0, unload_module(MODULE));
	ASSERT_EQ(0, pthread_join(sending.thread, NULL));
	EXPECT_EQ(CAPACITY * RECORD, read(self->fd[1], records, sizeof(records)));
	EXPECT_EQ(0, read(self->fd[1], records, sizeof(records)));
	EXPECT_EQ(-EWOULDBLOCK, unload());
}

TEST_HARNESS_MAIN
