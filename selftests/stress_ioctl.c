// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: chaos by ioctl
 *
 * Mostly right, with one thing odd now and then: so it gets past what is looked
 * at first.
 */
#include "stress.h"

/* Where the result goes: mostly to memory that is there */
static void *some_place(struct actor *a, void *place)
{
	struct piece to = some_memory(a);

	return one_in(a, 3) ? to.start : place;
}

static void get(struct actor *a, unsigned long request)
{
	struct iodemo_stats largest;
	int fd = some_file(a);

	gave(a, ioctl(fd, request, some_place(a, &largest)));
}

void op_get_info(struct actor *a)
{
	get(a, IODEMO_GET_INFO);
}

void op_get_config(struct actor *a)
{
	get(a, IODEMO_GET_CONFIG);
}

void op_get_client(struct actor *a)
{
	get(a, IODEMO_GET_CLIENT);
}

void op_get_stats(struct actor *a)
{
	get(a, IODEMO_GET_STATS);
}

void op_bytes(struct actor *a)
{
	get(a, FIONREAD);
}

void op_set_client(struct actor *a)
{
	struct iodemo_client_config client = {
		.format = pick(a, one_in(a, 10) ? 4 : 2),
		.low_water = PICK(a, 1, 1, 1, 2, 16, 64, 0, 100000),
		.types = PICK(a, 0, 0, 0, 1 << IODEMO_TYPE_SAMPLE, 1 << IODEMO_TYPE_ECHO,
			      1 << IODEMO_TYPE_ECHO, 1 << IODEMO_TYPE_RECEIVED, 1),
	};

	if (one_in(a, 20))
		client.reserved[pick(a, 5)] = 1;
	gave(a, ioctl(some_file(a), IODEMO_SET_CLIENT,
		      one_in(a, 20) ? some_place(a, &client) : &client));
}

void op_set_config(struct actor *a)
{
	struct iodemo_config config = {
		.period_us = PICK(a, 0, 0, 10, 100, 1000, 1000, 10000, 10000, 1000000, 9),
		.burst = PICK(a, 1, 1, 1, 4, 64, 1024, 0, 1025),
	};

	if (one_in(a, 20))
		config.reserved[pick(a, 6)] = 1;
	gave(a, ioctl(some_file(a), IODEMO_SET_CONFIG,
		      one_in(a, 20) ? some_place(a, &config) : &config));
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

/* The process's last one that has reserved its device */
static atomic_int reserving = -1;

void op_reserve(struct actor *a)
{
	int fd = some_file(a);

	if (!gave(a, ioctl(fd, IODEMO_RESERVE)))
		reserving = fd;
}

void op_release(struct actor *a)
{
	gave(a, ioctl(one_in(a, 2) ? reserving : some_file(a), IODEMO_RELEASE));
}

void op_flush(struct actor *a)
{
	gave(a, ioctl(some_file(a), IODEMO_FLUSH));
}

/* Those that the kernel does for every file */

void op_nonblocking(struct actor *a)
{
	int on = one_in(a, 2), fd = some_file(a);

	gave(a, ioctl(fd, FIONBIO, one_in(a, 20) ? some_place(a, &on) : &on));
}

void op_async(struct actor *a)
{
	int on = one_in(a, 2), fd = some_file(a);

	gave(a, ioctl(fd, FIOASYNC, one_in(a, 20) ? some_place(a, &on) : &on));
}
