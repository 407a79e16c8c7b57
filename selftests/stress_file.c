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
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/syscall.h>

#define FILES	8
#define SHARED	4

static atomic_int files[FILES] = { [0 ... FILES - 1] = -1 };
static atomic_int epoll_file = -1;
static atomic_int children;

/* Opened before the processes were made, that they all have */
static int shared[SHARED];
static unsigned int shared_count;

void share_files(void)
{
	static const int flags[SHARED] = { O_RDWR, O_RDWR | O_NONBLOCK, O_RDWR, O_RDONLY };

	for (shared_count = 0; shared_count < SHARED; shared_count++)
		shared[shared_count] = open_raw(shared_count % DEVICES, flags[shared_count]);
}

void unshare_files(void)
{
	while (shared_count)
		close(shared[--shared_count]);
}

/* The process's own */
static int own_file(struct actor *a)
{
	return files[pick(a, FILES)];
}

int some_file(struct actor *a)
{
	return shared_count && one_in(a, 3) ? shared[pick(a, shared_count)] : own_file(a);
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
	int fd = some_file(a), other = own_file(a);

	if (other >= 0 && one_in(a, 3))
		gave(a, dup2(fd, other));
	else
		put_file(a, gave(a, one_in(a, 2) ? dup(fd) : fcntl(fd, F_DUPFD_CLOEXEC, 0)));
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

	gave(a, lseek(fd, pick(a, 4096), pick(a, 3)));
	gave(a, pread(fd, piece.start, piece.size, pick(a, 4096)));
	gave(a, pwrite(fd, piece.start, piece.size, pick(a, 4096)));
}

/* What a stream has not got; none of it does well */
void op_not_for_it(struct actor *a)
{
	struct piece piece = some_memory(a);
	int fd = some_file(a);
	loff_t at = 0;

	switch (pick(a, 8)) {
	case 0:
		gave(a, fsync(fd));
		break;
	case 1:
		gave(a, fallocate(fd, 0, 0, piece.size));
		break;
	case 2:
		gave(a, ftruncate(fd, 0));
		break;
	case 3:
		gave(a, syscall(SYS_getdents64, fd, piece.start, piece.size));
		break;
	case 4:
		gave(a, copy_file_range(fd, &at, some_file(a), NULL, piece.size, 0));
		break;
	case 5:
		gave(a, readahead(fd, 0, piece.size));
		break;
	case 6:
		gave(a, sync_file_range(fd, 0, piece.size, 0));
		break;
	case 7:
		gave(a, splice(fd, NULL, some_file(a), NULL, piece.size, SPLICE_F_NONBLOCK));
		break;
	}
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

/* Signals that come meanwhile, and those that do not */
static sigset_t some_signals(struct actor *a)
{
	sigset_t set;

	sigemptyset(&set);
	if (one_in(a, 2))
		sigaddset(&set, SIGIO);
	if (one_in(a, 2))
		sigaddset(&set, SIGRTMIN);
	return set;
}

void op_ppoll(struct actor *a)
{
	struct timespec timeout = { .tv_nsec = 1000000 * some_timeout(a) };
	struct pollfd p[2] = {
		{ .fd = some_file(a), .events = some_events(a) },
		{ .fd = some_file(a), .events = some_events(a) },
	};
	struct piece piece = some_memory(a);
	sigset_t set = some_signals(a);

	gave(a, syscall(SYS_ppoll, one_in(a, 10) ? piece.start : p, pick(a, 3), &timeout, &set,
			one_in(a, 20) ? 4 : 8));
}

/* Returns the largest */
static int some_sets(struct actor *a, fd_set *sets)
{
	int i, fd, max = -1;

	for (i = 0; i < 3; i++)
		FD_ZERO(&sets[i]);
	for (i = 0; i < 4; i++) {
		fd = some_file(a);
		if (fd < 0 || fd >= FD_SETSIZE)
			continue;
		FD_SET(fd, &sets[pick(a, 3)]);
		max = fd > max ? fd : max;
	}
	return max;
}

void op_select(struct actor *a)
{
	struct timeval timeout = { .tv_usec = 1000 * some_timeout(a) };
	fd_set sets[3];
	int max = some_sets(a, sets);

	gave(a, select(max + 1, &sets[0], &sets[1], &sets[2], &timeout));
}

void op_pselect(struct actor *a)
{
	struct timespec timeout = { .tv_nsec = 1000000 * some_timeout(a) };
	sigset_t set = some_signals(a);
	fd_set sets[3];
	int max = some_sets(a, sets);

	gave(a, pselect(one_in(a, 20) ? -1 : max + 1, &sets[0], &sets[1], &sets[2], &timeout,
			&set));
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
}

void op_epoll_wait(struct actor *a)
{
	struct epoll_event events[8];
	sigset_t set = some_signals(a);

	gave(a, epoll_pwait(epoll_file, events, one_in(a, 20) ? 0 : 1 + pick(a, 8), some_timeout(a),
			    one_in(a, 2) ? &set : NULL));
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

	gave(a, fcntl(fd, F_SETSIG, PICK(a, 0, SIGIO, SIGRTMIN, SIGRTMIN + 1, 65)));
	if (one_in(a, 2))
		gave(a, fcntl(fd, F_SETOWN, PICK(a, gettid(), getpid(), -getpgrp(), 0)));
	else
		gave(a, fcntl(fd, F_SETOWN_EX, &owner));
	if (flags >= 0)
		gave(a, fcntl(fd, F_SETFL, flags | O_ASYNC));
}

/* Locks, of the process and of the file: on a device they are what they are on any other */
void op_lock(struct actor *a)
{
	struct flock lock = {
		.l_type = PICK(a, F_RDLCK, F_WRLCK, F_UNLCK, F_UNLCK, 9),
		.l_whence = pick(a, 4),
		.l_start = pick(a, 100),
		.l_len = pick(a, 100),
	};
	int fd = some_file(a);

	if (one_in(a, 3))
		gave(a, flock(fd, PICK(a, LOCK_SH, LOCK_EX, LOCK_UN, LOCK_UN) | LOCK_NB));
	else
		gave(a, fcntl(fd, PICK(a, F_GETLK, F_SETLK, F_SETLK, F_OFD_GETLK, F_OFD_SETLK,
				       F_OFD_SETLK), &lock));
}

void op_fcntl(struct actor *a)
{
	int fd = some_file(a), command = PICK(a, F_GETFD, F_GETFL, F_GETSIG, F_GETLEASE,
					      F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ, F_GETPIPE_SZ,
					      F_ADD_SEALS, F_GET_SEALS, F_GETOWN_EX, 77);
	struct piece piece = some_memory(a);

	gave(a, fcntl(fd, command, piece.start));
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
