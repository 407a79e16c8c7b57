// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: chaos on open files
 *
 * The files are the process's, and a thread uses what another one closes,
 * duplicates or opens anew meanwhile. So nothing can be said of a result.
 */
#include "stress.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

#define FILES	8

static atomic_int files[FILES] = { [0 ... FILES - 1] = -1 };
static atomic_int epoll_file = -1;
static atomic_int children;

int some_file(struct actor *a)
{
	return files[pick(a, FILES)];
}

static void put_file(struct actor *a, int fd)
{
	int old = atomic_exchange(&files[pick(a, FILES)], fd);

	if (old >= 0)
		close(old);
}

void op_open(struct actor *a)
{
	int flags = PICK(a, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR);
	int fd;

	flags |= one_in(a, 2) ? O_NONBLOCK : 0;
	fd = open_device(pick(a, DEVICES), flags);
	gave(a, fd);
	if (fd < 0)
		return;
	/* What a program executes shall have some of them */
	if (one_in(a, 2))
		fcntl(fd, F_SETFD, 0);
	if (one_in(a, 3))
		set_client(fd, IODEMO_FORMAT_RAW, 1);
	put_file(a, fd);
}

void op_close(struct actor *a)
{
	int fd = atomic_exchange(&files[pick(a, FILES)], -1);

	gave(a, close(fd));
}

void op_dup(struct actor *a)
{
	int fd = some_file(a), other = some_file(a);

	if (other >= 0 && one_in(a, 3))
		gave(a, dup2(fd, other));
	else
		put_file(a, one_in(a, 2) ? dup(fd) : fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/*
 * A child goes on with what it has inherited, and ends in some way; it dies
 * with its parent. Whoever has begun it waits for it, or somebody else later.
 */
static pid_t start_child(struct actor *a)
{
	pid_t pid;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		children--;
	if (!a->seat || children >= 3)
		return -1;
	pid = fork();
	gave(a, pid);
	if (pid > 0)
		children++;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		a->seat = NULL;
		forget_ring(a);
	}
	return pid;
}

void op_fork(struct actor *a)
{
	__u64 dice = roll(&a->dice);
	pid_t pid = start_child(a);

	if (!pid) {
		a->go_on(a, dice, 1 + pick(a, 50));
		_exit(0);
	}
	if (pid > 0 && one_in(a, 2)) {
		kill(pid, SIGKILL);
		if (waitpid(pid, NULL, 0) == pid)
			children--;
	}
}

/* One time in four in the place of all threads */
void op_exec(struct actor *a)
{
	bool itself = one_in(a, 4);

	if (!itself && start_child(a))
		return;
	/* It has the files that are to stay open, for a while */
	execlp("sleep", "sleep", "1", NULL);
	_exit(1);
}

/* Reading and writing */

void op_read(struct actor *a)
{
	int fd = some_file(a);
	struct piece to = some_memory(a);

	gave(a, read(fd, to.start, to.size));
}

static int some_vector(struct actor *a, struct iovec *iov)
{
	int i, count = pick(a, 8);

	for (i = 0; i < count; i++) {
		struct piece piece = some_memory(a);

		iov[i].iov_base = piece.start;
		iov[i].iov_len = piece.size;
	}
	return count;
}

void op_readv(struct actor *a)
{
	int fd = some_file(a);
	struct iovec iov[8];

	gave(a, readv(fd, iov, some_vector(a, iov)));
}

static int some_rwf(struct actor *a)
{
	return PICK(a, RWF_NOWAIT, RWF_NOWAIT, RWF_NOWAIT, RWF_NOWAIT | RWF_HIPRI, RWF_APPEND);
}

void op_read_nowait(struct actor *a)
{
	int fd = some_file(a);
	struct iovec iov[8];
	int count = some_vector(a, iov);

	gave(a, preadv2(fd, iov, count, -1, some_rwf(a)));
}

void fill_records(struct actor *a, struct iodemo_record *records, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		records[i] = raw_record("written by chaos");
		records[i].len = one_in(a, 20) ? pick(a, 64) : pick(a, IODEMO_DATA_SIZE + 1);
		records[i].seq = one_in(a, 40);
	}
}

void op_write(struct actor *a)
{
	struct iodemo_record records[16];
	struct piece from = some_memory(a);
	int fd = some_file(a);

	fill_records(a, records, 16);
	if (one_in(a, 3))
		gave(a, write(fd, from.start, from.size));
	else
		gave(a, write(fd, records, pick(a, sizeof(records) + 1)));
}

void op_writev(struct actor *a)
{
	int fd = some_file(a);
	struct iovec iov[8];

	gave(a, writev(fd, iov, some_vector(a, iov)));
}

void op_write_nowait(struct actor *a)
{
	struct iodemo_record records[4];
	struct iovec iov[8] = { { .iov_base = records, .iov_len = sizeof(records) } };
	int fd = some_file(a), count = 1;

	fill_records(a, records, 4);
	if (one_in(a, 3))
		count = some_vector(a, iov);
	gave(a, pwritev2(fd, iov, count, -1, some_rwf(a)));
}

void op_seek(struct actor *a)
{
	struct piece piece = some_memory(a);
	int fd = some_file(a);

	lseek(fd, pick(a, 4096), pick(a, 3));
	pread(fd, piece.start, piece.size, pick(a, 4096));
	pwrite(fd, piece.start, piece.size, pick(a, 4096));
}

/* Waiting */

static int some_events(struct actor *a)
{
	return PICK(a, POLLIN, POLLIN, POLLOUT, POLLIN | POLLOUT, POLLPRI, 0,
		    POLLIN | POLLRDHUP | POLLPRI);
}

static int some_timeout(struct actor *a)
{
	return PICK(a, 0, 0, 1, 5, 20, 100);
}

void op_poll(struct actor *a)
{
	struct pollfd p[8];
	int i, count = pick(a, 9);

	for (i = 0; i < count; i++)
		p[i] = (struct pollfd){ .fd = some_file(a), .events = some_events(a) };
	gave(a, poll(p, count, one_in(a, 50) ? -1 : some_timeout(a)));
}

void op_select(struct actor *a)
{
	struct timeval timeout = { .tv_usec = 1000 * some_timeout(a) };
	int i, fd, max = -1;
	fd_set sets[3];

	for (i = 0; i < 3; i++)
		FD_ZERO(&sets[i]);
	for (i = 0; i < 4; i++) {
		fd = some_file(a);
		if (fd < 0 || fd >= FD_SETSIZE)
			continue;
		FD_SET(fd, &sets[pick(a, 3)]);
		max = fd > max ? fd : max;
	}
	gave(a, select(max + 1, &sets[0], &sets[1], &sets[2], &timeout));
}

void op_epoll(struct actor *a)
{
	int op = PICK(a, EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL);
	struct epoll_event events[8] = { { .events = some_events(a) } };
	int fd = some_file(a);

	if (epoll_file < 0 || one_in(a, 50)) {
		int old = atomic_exchange(&epoll_file, epoll_create1(EPOLL_CLOEXEC));

		if (old >= 0)
			close(old);
	}
	events[0].events |= PICK(a, 0U, 0U, EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE);
	gave(a, epoll_ctl(epoll_file, op, fd, &events[0]));
	if (one_in(a, 2))
		epoll_wait(epoll_file, events, 8, some_timeout(a));
}

void op_flags(struct actor *a)
{
	int fd = some_file(a);
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return;
	flags ^= PICK(a, O_NONBLOCK, O_NONBLOCK, O_ASYNC, O_APPEND);
	gave(a, fcntl(fd, F_SETFL, flags));
}

void op_sigio(struct actor *a)
{
	int fd = some_file(a), flags = fcntl(fd, F_GETFL);
	struct f_owner_ex owner = {
		.type = PICK(a, F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP),
		.pid = PICK(a, gettid(), getpid(), getpgrp(), 0),
	};

	fcntl(fd, F_SETSIG, PICK(a, 0, SIGIO, SIGRTMIN, SIGRTMIN + 1));
	fcntl(fd, F_SETOWN_EX, &owner);
	if (flags >= 0)
		gave(a, fcntl(fd, F_SETFL, flags | O_ASYNC));
}

void op_sigwait(struct actor *a)
{
	struct timespec timeout = { .tv_nsec = 1000000 * pick(a, 10) };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	gave(a, sigtimedwait(&set, NULL, &timeout));
}

/* ioctls */

void op_get(struct actor *a)
{
	unsigned long request = PICK(a, IODEMO_GET_INFO, IODEMO_GET_CONFIG, IODEMO_GET_CLIENT,
				     IODEMO_GET_STATS);
	struct piece to = some_memory(a);
	struct iodemo_stats stats;
	int fd = some_file(a);

	gave(a, ioctl(fd, request, one_in(a, 3) ? to.start : &stats));
}

void op_set_client(struct actor *a)
{
	struct iodemo_client_config client = {
		.format = pick(a, one_in(a, 10) ? 4 : 2),
		.low_water = PICK(a, 1, 1, 1, 2, 16, 64, 0, 100000),
		.reserved[5] = one_in(a, 20),
	};

	gave(a, ioctl(some_file(a), IODEMO_SET_CLIENT, &client));
}

void op_set_config(struct actor *a)
{
	struct iodemo_config config = {
		.period_us = PICK(a, 0, 0, 10, 100, 1000, 1000, 10000, 10000, 1000000, 9),
		.burst = PICK(a, 1, 1, 1, 4, 64, 1024, 0, 1025),
		.reserved[5] = one_in(a, 20),
	};

	gave(a, ioctl(some_file(a), IODEMO_SET_CONFIG, &config));
}

void op_bad_ioctl(struct actor *a)
{
	struct piece piece = some_memory(a);
	unsigned long request = roll(&a->dice);

	if (one_in(a, 2))
		request = _IOWR(IODEMO_IOC, pick(a, 256), __u64);
	gave(a, ioctl(some_file(a), request, piece.start));
}

void op_trigger(struct actor *a)
{
	__u32 count = one_in(a, 500) ? PICK(a, 100000U, ~0U) : PICK(a, 1U, 1U, 2U, 7U, 64U);
	int fd = some_file(a);

	gave(a, ioctl(fd, IODEMO_TRIGGER, &count));
}

void op_bad_trigger(struct actor *a)
{
	struct piece piece = some_memory(a);
	int fd = some_file(a);
	__u32 none = 0;

	gave(a, ioctl(fd, IODEMO_TRIGGER, PICK(a, (void *)&none, piece.start, piece.start,
					       read_only_page())));
}

void op_reserve(struct actor *a)
{
	gave(a, ioctl(some_file(a), IODEMO_RESERVE));
}

void op_release(struct actor *a)
{
	gave(a, ioctl(some_file(a), IODEMO_RELEASE));
}

void op_flush(struct actor *a)
{
	gave(a, ioctl(some_file(a), IODEMO_FLUSH));
}

void op_bytes(struct actor *a)
{
	struct piece to = some_memory(a);
	int fd = some_file(a), bytes;

	gave(a, ioctl(fd, FIONREAD, one_in(a, 3) ? to.start : &bytes));
}

/* Without copies */

static void keep_map(struct actor *a, void *map, size_t size)
{
	if (a->map)
		munmap(a->map, a->map_size);
	a->map = NULL;
	if (one_in(a, 2)) {
		munmap(map, size);
		return;
	}
	a->map = map;
	a->map_size = size;
}

void op_map_ring(struct actor *a)
{
	int prot = PICK(a, PROT_READ, PROT_READ, PROT_NONE, PROT_READ | PROT_WRITE);
	size_t size = 4096 * (1 + pick(a, one_in(a, 4) ? 2000 : 5));
	off_t offset = PICK(a, IODEMO_MMAP_RING, IODEMO_MMAP_RING, IODEMO_MMAP_RING, 4096,
			    IODEMO_MMAP_CURSOR + 4096, 0x20000000);
	char *map;
	int fd = some_file(a);

	map = mmap(NULL, size, prot, PICK(a, MAP_SHARED, MAP_PRIVATE), fd, offset);
	if (map == MAP_FAILED)
		return;
	gave(a, 0);
	if (prot & PROT_READ)
		__atomic_load_n(&map[pick(a, size)], __ATOMIC_RELAXED);
	mprotect(map, size, PICK(a, PROT_READ, PROT_READ | PROT_WRITE));
	madvise(map, size, PICK(a, MADV_DONTNEED, MADV_DONTFORK, MADV_PAGEOUT));
	/* The device's pages, for the kernel to write to and to read from */
	if (one_in(a, 4))
		read(some_file(a), map, size);
	if (one_in(a, 4))
		write(some_file(a), map, size);
	keep_map(a, map, size);
}

/* Where it stands, near there, at the ends, anywhere */
static __u64 some_cursor(struct actor *a, __u64 now)
{
	return PICK(a, now, now, now + 1, now - 1, now + 100000, 0, ~0ULL, roll(&a->dice));
}

void op_map_cursor(struct actor *a)
{
	struct iodemo_cursor_page *page;
	int i, fd = some_file(a);

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, one_in(a, 10) ? MAP_PRIVATE : MAP_SHARED,
		    fd, IODEMO_MMAP_CURSOR);
	if (page == MAP_FAILED)
		return;
	gave(a, 0);
	for (i = pick(a, 100); i; i--)
		__atomic_store_n(&page->cursor, some_cursor(a, page->cursor), __ATOMIC_RELAXED);
	if (one_in(a, 4))
		read(some_file(a), page, 4096);
	keep_map(a, page, 4096);
}

static void drain_pipe(struct actor *a)
{
	char buf[4096];

	while (read(a->pipe[0], buf, sizeof(buf)) > 0)
		;
}

void op_splice_out(struct actor *a)
{
	int flags = one_in(a, 20) ? 0 : SPLICE_F_NONBLOCK;
	int fd = some_file(a);

	if (one_in(a, 10))
		fcntl(a->pipe[1], F_SETPIPE_SZ, 4096 * (1 + pick(a, 32)));
	flags |= PICK(a, 0, SPLICE_F_MOVE);
	gave(a, splice(fd, NULL, a->pipe[1], NULL, 1 + pick(a, 100000), flags));
	drain_pipe(a);
}

void op_splice_in(struct actor *a)
{
	struct iodemo_record records[8];
	struct iovec iov = { .iov_base = records, .iov_len = sizeof(records) };
	int fd = some_file(a);

	fill_records(a, records, 8);
	if (one_in(a, 2))
		write(a->pipe[1], records, pick(a, sizeof(records)));
	else
		vmsplice(a->pipe[1], &iov, 1, SPLICE_F_NONBLOCK);
	gave(a, splice(a->pipe[0], NULL, fd, NULL, 1 + pick(a, 1000), SPLICE_F_NONBLOCK));
	drain_pipe(a);
}

void op_sendfile(struct actor *a)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	off_t offset = pick(a, 4096);

	if (one_in(a, 3))
		sendfile(a->pipe[1], some_file(a), NULL, 4096);
	else
		gave(a, sendfile(some_file(a), file, &offset, pick(a, 8192)));
	drain_pipe(a);
	close(file);
}

/* What shows the state of things while it changes */

void op_fdinfo(struct actor *a)
{
	char path[64], buf[1024];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", some_file(a));
	gave(a, read_file(path, buf, sizeof(buf)));
}

void op_debugfs(struct actor *a)
{
	char path[64], buf[1024];

	snprintf(path, sizeof(path), "/sys/kernel/debug/iodemo/iodemo%s/stats",
		 one_in(a, 2) ? "" : "1");
	gave(a, read_file(path, buf, sizeof(buf)));
}
