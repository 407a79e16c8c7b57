/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is done at random, by the stress and the fuzz test, and how often; and the dice
 */
#ifndef STRESS_OPS_H
#define STRESS_OPS_H

#include <linux/types.h>

/*
 * The operations: each is a function op_*(), how often it is drawn beside the
 * others of its kind, and a case in the result.
 */
#define CHAOS_FILE_OPS(X)						\
	X(open, 12) X(close, 4) X(dup, 4) X(fork, 1) X(exec, 1)		\
	X(read, 10) X(readv, 6) X(read_nowait, 10)			\
	X(write, 8) X(writev, 4) X(write_nowait, 6) X(seek, 1) X(not_for_it, 1)	\
	X(poll, 6) X(ppoll, 3) X(select, 4) X(pselect, 2) X(epoll, 8) X(epoll_wait, 5)	\
	X(flags, 4) X(sigio, 4) X(sigwait, 2) X(lock, 2) X(fcntl, 2)	\
	X(fdinfo, 1) X(debugfs, 1)

#define CHAOS_IOCTL_OPS(X)						\
	X(get_info, 1) X(get_config, 1) X(get_client, 1) X(get_stats, 2) X(bytes, 3)	\
	X(set_client, 4) X(set_config, 2) X(bad_ioctl, 3)		\
	X(trigger, 24) X(bad_trigger, 4) X(reserve, 1) X(release, 3) X(flush, 2)	\
	X(nonblocking, 2) X(async, 2)

#define CHAOS_MAP_OPS(X)						\
	X(map_ring, 4) X(map_cursor, 6) X(map_move, 2) X(map_protect, 2) X(map_advise, 2) \
	X(map_use, 3) X(map_drop, 1)					\
	X(splice_out, 6) X(splice_in, 4) X(sendfile, 2) X(tee, 2)

#define CHAOS_MEMORY_OPS(X)						\
	X(mem_map, 10) X(mem_unmap, 4) X(mem_protect, 6) X(mem_advise, 4) \
	X(mem_file, 3) X(mem_truncate, 2) X(mem_lock, 1)		\
	X(mem_fault, 2) X(mem_fault_serve, 3)

#define CHAOS_ASYNC_OPS(X)						\
	X(aio_setup, 4) X(aio_bad, 1) X(aio_read, 10) X(aio_write, 6) X(aio_poll, 6) \
	X(aio_events, 8) X(aio_cancel, 6) X(aio_destroy, 2)		\
	X(uring_setup, 4) X(uring_read, 8) X(uring_write, 5) X(uring_poll, 5) \
	X(uring_multishot, 4) X(uring_wait, 8) X(uring_trigger, 6) X(uring_bad, 3) \
	X(uring_cancel, 6) X(uring_events, 10) X(uring_register, 3) X(uring_close, 1)

#define WITNESS_OPS(X)							\
	X(see_read, 4) X(see_readv, 2) X(see_nowait, 4) X(see_poll, 3) X(see_text, 3) \
	X(see_mapped, 3) X(see_splice, 2) X(see_aio, 3) X(see_uring, 3)

/* Done by the test itself, to its workers, the device and the module */
#define OWN_OPS(X)							\
	X(kill, 0) X(stop, 0) X(unbind, 0) X(bind, 0) X(unload, 0) X(works, 0)

#define CHAOS_OPS(X)							\
	CHAOS_FILE_OPS(X) CHAOS_IOCTL_OPS(X) CHAOS_MAP_OPS(X) CHAOS_MEMORY_OPS(X) \
	CHAOS_ASYNC_OPS(X)

#define ALL_OPS(X)	CHAOS_OPS(X) WITNESS_OPS(X) OWN_OPS(X)

#define STRESS_NUMBER(name, weight) OP_##name,
enum stress_op { ALL_OPS(STRESS_NUMBER) OPS };

/* Choices: the same seed gives the same ones (Sebastiano Vigna's splitmix64) */

static inline __u64 roll(__u64 *dice)
{
	__u64 z = *dice += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

#endif /* STRESS_OPS_H */
