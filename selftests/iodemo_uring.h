/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of io_uring share
 */
#ifndef IODEMO_URING_H
#define IODEMO_URING_H

#include <liburing.h>

#include "iodemo_test.h"

/* Newer than some liburing.h */
#define READ_MULTISHOT	49

#define CAPACITY	128
#define PLACES		16	/* in a ring, and for records */

/* Submissions: each has a name, which its completion tells */

struct io_uring_sqe *prepare_read(struct io_uring *ring, int fd, struct iodemo_record *record,
				  __u64 name);
struct io_uring_sqe *prepare_command(struct io_uring *ring, int fd, __u32 op, __u64 name);
struct io_uring_sqe *prepare_wait(struct io_uring *ring, int fd, __u64 name);
struct io_uring_sqe *prepare_trigger(struct io_uring *ring, int fd, __u32 count, __u64 name);
/* What a command says: 16 bytes */
void *payload(struct io_uring_sqe *sqe);
/* Give the kernel the first @count records to fill, and read into them: name 2. */
long begin_multishot(struct io_uring *ring, int fd, struct iodemo_record *records, int count);
/* Where a thread of the kernel submits: wait until it has taken all. */
void submit_to_thread(struct io_uring *ring);

/* Completions */

struct completion {
	long ret;	/* of waiting for it */
	__u64 name;
	long res;
	__u32 flags;
	__u64 timestamp;
};

struct completion take(struct io_uring *ring, struct io_uring_cqe *cqe);
struct completion wait_for(struct io_uring *ring);
/* What the next completion gives */
long next_result(struct io_uring *ring);
/* Is anything complete? Lets the kernel run what it has to do first. */
bool nothing_complete(struct io_uring *ring);
/* Two completions, in any order: what those with the names 0 and 1 gave */
void wait_for_two(struct io_uring *ring, long res[2]);

/* The next completion is of the submission with this name and gives @expected. */
#define EXPECT_COMPLETES(ring, expected_name, expected)			\
	do {								\
		struct completion c_ = wait_for(ring);			\
									\
		EXPECT_EQ((__u64)(expected_name), c_.name);		\
		EXPECT_EQ(expected, c_.res);				\
	} while (0)

/*
 * A fresh module, a file and a ring. The kernel lets go of a ring's files some
 * time after the ring is closed.
 */
#define IODEMO_FIXTURE_URING_DATA(name)						\
	FIXTURE(name) {								\
		int fd;								\
		struct io_uring ring;						\
		struct iodemo_record records[PLACES];				\
	}

#define IODEMO_FIXTURE_URING_SETUP(name, flags, threaded)			\
	FIXTURE_SETUP(name)							\
	{									\
		ASSERT_EQ(0, load("capacity=%d threaded=%d", CAPACITY, threaded));	\
		self->fd = open_raw(0, O_RDWR);					\
		ASSERT_LE(0, self->fd);						\
		ASSERT_EQ(0, io_uring_queue_init(PLACES, &self->ring, flags));	\
	}									\
	FIXTURE_TEARDOWN(name)							\
	{									\
		io_uring_queue_exit(&self->ring);				\
		close_all();							\
		EXPECT_EQ(0, unload_when_free());				\
	}

#define IODEMO_FIXTURE_URING(name, flags)					\
	IODEMO_FIXTURE_URING_DATA(name);					\
	IODEMO_FIXTURE_URING_SETUP(name, flags, 0)

#define IODEMO_FIXTURE_URING_BOTH(name, flags)					\
	IODEMO_FIXTURE_URING_DATA(name);					\
	IODEMO_VARIANTS_THREADED(name);						\
	IODEMO_FIXTURE_URING_SETUP(name, flags, variant->threaded)

/* In a victim: a ring of its own, on a file of its own */

extern struct io_uring dying_ring;
extern struct iodemo_record *dying_records;	/* @entries of them */

/* The file, or -errno */
int begin_ring(unsigned int entries, unsigned int flags);
long submit_all(long count);

/* A fixture IODEMO_FIXTURE_DYING(name, "capacity=128") */
#define EXPECT_TO_DIE_WITH(begun)						\
	do {									\
		struct victim v_ = { .death = variant->death, .begin = begun };	\
										\
		ASSERT_EQ(0, victim_start(&v_));				\
		EXPECT_EQ(-EWOULDBLOCK, unload());				\
		EXPECT_LT(0, victim_dies(&v_));					\
		EXPECT_EQ(0, unload_when_free());				\
		victim_end(&v_);						\
		ASSERT_EQ(0, load("capacity=%d", CAPACITY));			\
	} while (0)

#endif /* IODEMO_URING_H */
