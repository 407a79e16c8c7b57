// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading with fewer copies
 *
 *	read	the kernel copies each record from the ring to the program
 *	mmap	nobody copies: the program uses the record where it lies, in the
 *		ring, and sleeps in poll() when there is none
 *	splice	the record goes from file to file by way of a pipe, and the
 *		program's memory never has it
 *
 * What to see: a call or two a record each, as all of them sleep for it, but
 * 64, 0 and 0 bytes that had to be copied to the program.
 *
 * What is counted: each byte that a processor moves from one place in memory to
 * another on the record's way, taken from what the calls return. read() copies
 * all that it returns to the program. splice() copies out of this device once,
 * to a page of the pipe, since the ring goes on; then once more to a file, which
 * has pages of its own. To a socket the pipe's page itself would go.
 *
 * Why two splices and a pipe, and not sendfile(): the kernel refuses that with
 * EINVAL for an input that can't seek (FMODE_LSEEK). sendfile() has a pipe too,
 * but a hidden one: what it had taken from the device when the output failed
 * would be lost with it. In our own pipe it waits.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demo/demo.h"

#define RECORDS_SIZE	(IODEMO_BATCH * sizeof(struct iodemo_record))

static void loop_read(struct iodemo_run *run)
{
	struct iodemo_record records[IODEMO_BATCH];
	struct iodemo_file *file = run->file;
	ssize_t bytes;

	iodemo_start(run);
	while (!iodemo_over(run)) {
		bytes = read(file->fd, records, iodemo_room(run, sizeof(records)));
		run->calls++;
		if (bytes > 0)
			run->copied_to_program += bytes;
		iodemo_take(run, file, records, bytes);
	}
	iodemo_stop(run);
}

static void loop_mmap(struct iodemo_run *run)
{
	struct iodemo_file *file = run->file;
	struct pollfd readable = { .fd = file->fd, .events = POLLIN };
	struct iodemo_ring ring;
	sigset_t mask;

	if (iodemo_ring_map(&ring, file->fd))
		err(1, "%s: can't map the ring", file->path);

	iodemo_hold_stop(&mask);
	iodemo_start(run);
	while (!iodemo_over(run)) {
		if (ppoll(&readable, 1, NULL, &mask) < 0 && errno != EINTR)
			err(1, "ppoll");
		run->calls++;
		if (readable.revents & POLLHUP && !iodemo_ring_peek(&ring))
			iodemo_take_unplugged(run, file);
		iodemo_take_mapped(run, file, &ring);
	}
	iodemo_stop(run);
	iodemo_ring_unmap(&ring);
}

/* All that the pipe has, to the beginning of the file. */
static void splice_out(struct iodemo_run *run, int pipe, int sink, ssize_t bytes)
{
	ssize_t moved;
	loff_t to = 0;

	while (to < bytes) {
		moved = splice(pipe, NULL, sink, &to, bytes - to, 0);
		if (moved < 0 && errno != EINTR)
			err(1, "splice from the pipe");
		run->calls++;
		if (moved > 0)
			run->copied_in_kernel += moved;
	}
}

/* The file is one in memory, mapped too: so what arrived can be looked at. */
static void loop_splice(struct iodemo_run *run)
{
	struct iodemo_file *file = run->file;
	int sink = memfd_create("records", MFD_CLOEXEC);
	const struct iodemo_record *records;
	ssize_t bytes;
	int pipes[2];

	if (sink < 0 || ftruncate(sink, RECORDS_SIZE))
		err(1, "memfd");
	records = mmap(NULL, RECORDS_SIZE, PROT_READ, MAP_SHARED, sink, 0);
	if (records == MAP_FAILED)
		err(1, "mmap");
	if (pipe2(pipes, O_CLOEXEC))
		err(1, "pipe");

	iodemo_start(run);
	while (!iodemo_over(run)) {
		bytes = splice(file->fd, NULL, pipes[1], NULL, iodemo_room(run, RECORDS_SIZE), 0);
		run->calls++;
		if (bytes > 0) {
			run->copied_in_kernel += bytes;
			splice_out(run, pipes[0], sink, bytes);
		}
		iodemo_take(run, file, records, bytes);
	}
	iodemo_stop(run);
}

static const struct iodemo_api apis[] = {
	{ "read", loop_read },
	{ "mmap", loop_mmap },
	{ "splice", loop_splice },
	{ }
};

int main(int argc, char **argv)
{
	struct iodemo_run run = {
		.model = "zerocopy",
		.about = "sleeps until a record is there; by API, others copy it, or nobody does.",
		.apis = apis,
		.counts_copies = true,
	};

	iodemo_options(&run, argc, argv);
	/* Taking records from the mapped ring means writing the mapped cursor. */
	iodemo_open_files(&run, run.api->loop == loop_mmap ? O_RDWR : 0);
	run.api->loop(&run);
	return iodemo_end(&run);
}
