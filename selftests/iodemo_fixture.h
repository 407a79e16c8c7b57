/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixtures that the iodemo tests share; see iodemo_test.h.
 */
#ifndef IODEMO_FIXTURE_H
#define IODEMO_FIXTURE_H

/*
 * SKIP() for a FIXTURE_SETUP. Before Linux 6.9 the harness runs the test all the same,
 * so the test's process ends there, by the status that the harness has for this.
 */
#ifdef FIXTURE_TEARDOWN_PARENT
#define SKIPPED_STATUS	4
#else
#define SKIPPED_STATUS	255
#endif
#define SKIP_FIXTURE(...)	SKIP(_exit(SKIPPED_STATUS), __VA_ARGS__)

/*
 * The fixture of most tests: a fresh module, /dev/iodemo open for reading and
 * writing of raw records. Whatever a test opens is closed for it; that the
 * module can be unloaded then is part of each test.
 */
#define IODEMO_FIXTURE_TEARDOWN(name)					\
	FIXTURE_TEARDOWN(name)						\
	{								\
		close_all();						\
		EXPECT_EQ(0, unload());					\
	}

#define IODEMO_FIXTURE(name, parameters)				\
	FIXTURE(name) {							\
		int fd;							\
	};								\
	FIXTURE_SETUP(name)						\
	{								\
		ASSERT_EQ(0, load(parameters));				\
		self->fd = open_raw(0, O_RDWR);				\
		ASSERT_LE(0, self->fd);					\
	}								\
	IODEMO_FIXTURE_TEARDOWN(name)

/* Woken from the hard handler and from the irq thread */
#define IODEMO_VARIANTS_THREADED(name)					\
	FIXTURE_VARIANT(name) {						\
		int threaded;						\
	};								\
	FIXTURE_VARIANT_ADD(name, hard) {				\
		.threaded = 0,						\
	};								\
	FIXTURE_VARIANT_ADD(name, threaded) {				\
		.threaded = 1,						\
	}

/* The same in both */
#define IODEMO_FIXTURE_BOTH(name, parameters)				\
	FIXTURE(name) {							\
		int fd;							\
	};								\
	IODEMO_VARIANTS_THREADED(name);					\
	FIXTURE_SETUP(name)						\
	{								\
		ASSERT_EQ(0, load(parameters " threaded=%d", variant->threaded)); \
		self->fd = open_raw(0, O_RDWR);				\
		ASSERT_LE(0, self->fd);					\
	}								\
	IODEMO_FIXTURE_TEARDOWN(name)

#endif /* IODEMO_FIXTURE_H */
