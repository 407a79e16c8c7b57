// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: chaos by way of a pipe
 */
#include "stress.h"

#include <sys/sendfile.h>

void drain_pipe(struct actor *a)
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
	if (one_in(a, 20))
		gave(a, vmsplice(fd, &iov, 1, SPLICE_F_NONBLOCK));
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
		gave(a, sendfile(a->pipe[1], some_file(a), NULL, 4096));
	else
		gave(a, sendfile(some_file(a), file, &offset, pick(a, 8192)));
	drain_pipe(a);
	close(file);
}

/* The same pages in two pipes, of which one goes back to the device */
void op_tee(struct actor *a)
{
	int fd = some_file(a), other[2];

	if (pipe2(other, O_CLOEXEC | O_NONBLOCK))
		return;
	if (one_in(a, 20))
		gave(a, tee(fd, a->pipe[1], 4096, SPLICE_F_NONBLOCK));
	splice(fd, NULL, other[1], NULL, 1 + pick(a, 10000), SPLICE_F_NONBLOCK);
	gave(a, tee(other[0], a->pipe[1], 1 + pick(a, 10000), SPLICE_F_NONBLOCK));
	if (one_in(a, 2))
		splice(a->pipe[0], NULL, some_file(a), NULL, 1 + pick(a, 1000), SPLICE_F_NONBLOCK);
	close(other[0]);
	close(other[1]);
	drain_pipe(a);
}
