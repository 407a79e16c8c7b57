// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exclusive use among processes that don't trust each other: it ends with the
 * holder's last descriptor, whatever still uses the file, no write gets past it,
 * and it keeps nobody from the device who may have it anyway.
 *
 * Root may open a reserved device. So who is to be refused is another user.
 */
#include "../kselftest_harness.h"
#include "iodemo_hostile.h"
#include "iodemo_rawaio.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifdef HAVE_LIBURING
#include "iodemo_uring.h"
#endif

#define DEPTH		128
#define ROUNDS		100

FIXTURE(reserve) {
	struct opener user;
	int other;	/* a file that was open before */
};

FIXTURE_SETUP(reserve)
{
	ASSERT_TRUE(opener_start(&self->user));
	ASSERT_EQ(0, load("capacity=%d", DEPTH));
	self->other = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(reserve)
{
	close_all();
	EXPECT_EQ(0, unload_when_free());
}

static long reserve(int fd)
{
	return result(ioctl(fd, IODEMO_RESERVE));
}

static long release(int fd)
{
	return result(ioctl(fd, IODEMO_RELEASE));
}

static int open_reserved(void)
{
	int fd = open_raw(0, O_RDWR);
	long err = fd < 0 ? fd : reserve(fd);

	return err ? err : fd;
}

#define EXPECT_RESERVED()	EXPECT_EQ(-EBUSY, user_opens(&self->user, O_RDWR))
#define EXPECT_FREE()		EXPECT_EQ(0, user_opens(&self->user, O_RDWR))

/* Who may open it */

static long begin_to_reserve_as_user(void *unused)
{
	long err = become_user();
	int fd = err ? err : open_raw(0, O_RDWR);

	return fd < 0 ? fd : reserve(fd);
}

TEST_F(reserve, by_a_user_lets_root_in_but_not_another_process_of_that_user)
{
	struct victim v = { .death = DEATH_SIGKILL, .begin = begin_to_reserve_as_user };
	int fd;

	ASSERT_EQ(0, fchown(self->other, ORDINARY_USER, ORDINARY_USER));
	EXPECT_FREE();
	ASSERT_EQ(0, victim_start(&v));
	EXPECT_RESERVED();
	EXPECT_EQ(-EBUSY, user_opens(&self->user, O_RDONLY));
	EXPECT_EQ(-EBUSY, user_opens(&self->user, O_WRONLY | O_NONBLOCK));
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, trigger(fd, 1));
	EXPECT_EQ(-EBUSY, set_config(fd, 0, 2));
	EXPECT_EQ(-EBUSY, write_records(fd, 1));
	EXPECT_EQ(-EBUSY, reserve(fd));
	EXPECT_EQ(-EBUSY, release(fd));
	EXPECT_EQ(0, STAT(fd, interrupts));
	EXPECT_LT(0, victim_dies(&v));
	victim_end(&v);
	EXPECT_EQ(0, trigger(fd, 1));
	EXPECT_READ(fd, 0, 1);
	EXPECT_FREE();
}

TEST_F(reserve, by_root_is_for_root_to_open_too)
{
	int fd = open_reserved();

	ASSERT_LE(0, fd);
	EXPECT_RESERVED();
	EXPECT_LE(0, open_raw(0, O_RDONLY));
	EXPECT_EQ(0, release(fd));
	EXPECT_FREE();
}

/* The last descriptor is closed, and something still uses the file. */

TEST_F(reserve, ends_at_close_with_a_read_of_kernel_aio_pending)
{
	struct iodemo_record record;
	aio_context_t context;
	struct iocb iocb;
	int i;

	ASSERT_EQ(0, aio_setup(1, &context));
	for (i = 0; i < ROUNDS; i++) {
		int fd = open_reserved();

		ASSERT_LE(0, fd);
		ASSERT_EQ(1, aio_submit_read(context, &iocb, fd, &record, RECORD));
		EXPECT_RESERVED();
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(0, user_opens(&self->user, O_RDWR));
		EXPECT_EQ(-ECANCELED, aio_event(context));
	}
}

TEST_F(reserve, ends_at_close_with_a_write_of_kernel_aio_pending)
{
	struct iodemo_record record = raw_record("never");
	aio_context_t context;
	struct iocb iocb;
	int i;

	ASSERT_EQ(0, aio_setup(1, &context));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->other));
	for (i = 0; i < ROUNDS; i++) {
		int fd = open_reserved();

		ASSERT_LE(0, fd);
		ASSERT_EQ(1, aio_submit_write(context, &iocb, fd, &record, RECORD));
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(0, user_opens(&self->user, O_RDWR));
		EXPECT_EQ(-ECANCELED, aio_event(context));
	}
}

#ifdef HAVE_LIBURING

TEST_F(reserve, ends_at_close_with_a_read_of_io_uring_pending)
{
	struct iodemo_record record;
	struct io_uring ring;
	int i;

	ASSERT_EQ(0, io_uring_queue_init(2 * ROUNDS, &ring, 0));
	for (i = 0; i < ROUNDS; i++) {
		int fd = open_reserved();

		ASSERT_LE(0, fd);
		io_uring_prep_read(io_uring_get_sqe(&ring), fd, &record, RECORD, -1);
		ASSERT_EQ(1, io_uring_submit(&ring));
		EXPECT_RESERVED();
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(0, user_opens(&self->user, O_RDWR));
	}
	io_uring_queue_exit(&ring);
}

TEST_F(reserve, ends_at_close_with_a_command_of_io_uring_that_waits)
{
	struct io_uring ring;
	int i;

	if (!since_6_7())
		SKIP(return, "no such command before Linux 6.7");
	ASSERT_EQ(0, io_uring_queue_init(2 * ROUNDS, &ring, 0));
	for (i = 0; i < ROUNDS; i++) {
		int fd = open_reserved();

		ASSERT_LE(0, fd);
		prepare_wait(&ring, fd, i);
		ASSERT_EQ(1, io_uring_submit(&ring));
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(0, user_opens(&self->user, O_RDWR));
	}
	io_uring_queue_exit(&ring);
}

TEST_F(reserve, ends_at_close_of_a_file_that_a_ring_has_registered)
{
	struct io_uring ring;
	int fd;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, 0));
	fd = open_reserved();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, io_uring_register_files(&ring, &fd, 1));
	EXPECT_RESERVED();
	ASSERT_EQ(0, close(fd));
	EXPECT_FREE();
	io_uring_queue_exit(&ring);
}

#endif

TEST_F(reserve, ends_at_close_of_a_file_that_is_mapped)
{
	int fd = open_reserved();
	void *ring;

	ASSERT_LE(0, fd);
	ring = mmap(NULL, IODEMO_MMAP_RECORDS, PROT_READ, MAP_SHARED, fd, IODEMO_MMAP_RING);
	ASSERT_NE(MAP_FAILED, ring);
	EXPECT_RESERVED();
	ASSERT_EQ(0, close(fd));
	EXPECT_FREE();
	EXPECT_EQ(0, munmap(ring, IODEMO_MMAP_RECORDS));
}

TEST_F(reserve, ends_at_close_of_a_file_that_a_thread_reads_and_another_polls)
{
	int fd = open_reserved();
	struct sleeper r = reader(fd, 1), p = poller(fd, POLLIN);

	ASSERT_LE(0, fd);
	ASSERT_TRUE(falls_asleep(&r));
	ASSERT_TRUE(falls_asleep(&p));
	EXPECT_RESERVED();
	ASSERT_EQ(0, close(fd));
	EXPECT_FREE();
	ASSERT_EQ(0, trigger(self->other, 1));
	EXPECT_EQ(POLLNVAL, sleeper_result(&p));
	EXPECT_EQ(RECORD, sleeper_result(&r));
}

TEST_F(reserve, ends_at_close_of_a_file_that_is_on_its_way_through_a_socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {
		.header.cmsg_level = SOL_SOCKET,
		.header.cmsg_type = SCM_RIGHTS,
		.header.cmsg_len = CMSG_LEN(sizeof(int)),
	};
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd = open_reserved();
	int sockets[2];

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	ASSERT_EQ(1, sendmsg(sockets[0], &message, 0));
	ASSERT_EQ(0, close(fd));
	EXPECT_FREE();
	EXPECT_EQ(0, trigger(self->other, 1));
	/* Who gets it has a file like any other. */
	ASSERT_EQ(1, recvmsg(sockets[1], &message, MSG_CMSG_CLOEXEC));
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	EXPECT_EQ(0, trigger(fd, 1));
	EXPECT_EQ(-EINVAL, release(fd));
	EXPECT_EQ(0, reserve(fd));
	EXPECT_RESERVED();
}

/* Several descriptors, and several processes */

TEST_F(reserve, ends_with_the_last_of_several_descriptors)
{
	int fd = open_reserved();
	int copy = dup(fd);
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 900);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, copy);
	ASSERT_LE(900, high);
	ASSERT_EQ(0, close(fd));
	EXPECT_RESERVED();
	/* One is closed by another that takes its number. */
	ASSERT_EQ(copy, dup2(STDERR_FILENO, copy));
	EXPECT_RESERVED();
	EXPECT_EQ(-EBUSY, trigger(self->other, 1));
	EXPECT_EQ(0, trigger(high, 1));
	ASSERT_EQ(0, close(high));
	EXPECT_FREE();
	EXPECT_EQ(0, trigger(self->other, 1));
}

/* A child that has the file of its parent, closes it when told to, and then waits */
struct child {
	pid_t pid;
	int ask;
	int answer;
};

static bool child_start(struct child *c, int fd)
{
	int ask[2], answer[2];
	char byte;

	if (pipe(ask) || pipe(answer))
		return false;
	c->ask = ask[1];
	c->answer = answer[0];
	c->pid = fork();
	if (c->pid)
		return c->pid > 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(ask[1]);
	close(answer[0]);
	while (read(ask[0], &byte, 1) == 1) {
		if (byte == 'c')
			byte = close(fd) ? 'n' : 'y';
		else
			byte = trigger(fd, 1) ? 'n' : 'y';
		if (write(answer[1], &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static bool child_does(struct child *c, char what)
{
	char byte = what;

	return write(c->ask, &byte, 1) == 1 && read(c->answer, &byte, 1) == 1 && byte == 'y';
}

#define child_closes(c)		child_does(c, 'c')
#define child_triggers(c)	child_does(c, 't')

TEST_F(reserve, does_not_end_when_a_child_closes_the_file)
{
	int fd = open_reserved();
	struct child c;

	ASSERT_LE(0, fd);
	ASSERT_TRUE(child_start(&c, fd));
	EXPECT_TRUE(child_triggers(&c));
	EXPECT_TRUE(child_closes(&c));
	EXPECT_RESERVED();
	EXPECT_EQ(0, kill(c.pid, SIGKILL));
	ASSERT_EQ(c.pid, waitpid(c.pid, NULL, 0));
	EXPECT_RESERVED();
	ASSERT_EQ(0, close(fd));
	EXPECT_FREE();
}

TEST_F(reserve, does_not_end_when_a_child_that_has_the_file_dies)
{
	int fd = open_reserved();
	struct child c;

	ASSERT_LE(0, fd);
	ASSERT_TRUE(child_start(&c, fd));
	EXPECT_EQ(0, kill(c.pid, SIGKILL));
	ASSERT_EQ(c.pid, waitpid(c.pid, NULL, 0));
	EXPECT_RESERVED();
	ASSERT_EQ(0, close(fd));
	EXPECT_FREE();
}

TEST_F(reserve, ends_though_a_child_still_has_the_file)
{
	int fd = open_reserved();
	struct child c;

	ASSERT_LE(0, fd);
	ASSERT_TRUE(child_start(&c, fd));
	ASSERT_EQ(0, close(fd));
	EXPECT_FREE();
	EXPECT_EQ(0, trigger(self->other, 1));
	EXPECT_TRUE(child_triggers(&c));
	EXPECT_EQ(0, reserve(self->other));
	EXPECT_FALSE(child_triggers(&c));
	/* The new one is none of the child's. */
	EXPECT_TRUE(child_closes(&c));
	EXPECT_RESERVED();
}

/* The holder dies. */

static long begin_reserved_read(void *unused)
{
	static struct iodemo_record record;
	static struct iocb iocb;
	aio_context_t context;
	int fd = open_reserved();
	long ret = fd < 0 ? fd : aio_setup(1, &context);

	if (ret)
		return ret;
	ret = aio_submit_read(context, &iocb, fd, &record, RECORD);
	return ret == 1 ? 0 : ret ? ret : -EAGAIN;
}

#define EXPECT_ENDS_WITH(death_)						\
	do {									\
		int i_;								\
										\
		for (i_ = 0; i_ < 20; i_++) {					\
			struct victim v_ = {					\
				.death = death_,				\
				.begin = begin_reserved_read,			\
			};							\
										\
			ASSERT_EQ(0, victim_start(&v_));			\
			EXPECT_RESERVED();					\
			EXPECT_LT(0, victim_dies(&v_));				\
			ASSERT_EQ(0, user_opens(&self->user, O_RDWR));		\
			victim_end(&v_);					\
		}								\
	} while (0)

TEST_F(reserve, ends_with_a_process_that_exits)
{
	EXPECT_ENDS_WITH(DEATH_EXIT);
}

TEST_F(reserve, ends_with_a_process_that_is_killed)
{
	EXPECT_ENDS_WITH(DEATH_SIGKILL);
}

/* The file has a lower number than what tells us, so it is closed before that. */
TEST_F(reserve, ends_with_a_process_that_executes_another_program)
{
	EXPECT_ENDS_WITH(DEATH_EXEC);
}

/* Writes that were under way */

static long call_write_buf(struct sleeper *s)
{
	return result(write(s->fd, s->buf, s->size));
}

TEST_F(reserve, is_not_passed_by_a_write_that_was_still_fetching_its_data)
{
	struct iodemo_record record = raw_record("too late");
	struct stuck_page stuck;
	struct sleeper s;
	int fd;

	if (!stuck_page_make(&stuck))
		SKIP(return, "no userfaultfd in this kernel");
	fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, fd);
	s = (struct sleeper){
		.call = call_write_buf,
		.fd = self->other,
		.buf = stuck.page,
		.size = RECORD,
	};
	ASSERT_TRUE(sleeper_start(&s));
	ASSERT_EQ(0, stuck_page_wait(&stuck));
	ASSERT_EQ(0, reserve(fd));
	ASSERT_EQ(0, stuck_page_free(&stuck, &record, RECORD));
	EXPECT_EQ(-EBUSY, sleeper_result(&s));
	ASSERT_EQ(0, trigger(fd, 2));
	EXPECT_EQ(0, STAT(fd, echoes));
}

TEST_F(reserve, is_not_passed_by_a_write_that_slept_since_the_queue_was_full)
{
	struct sleeper s = writer(self->other, 1);
	int fd = open_raw(0, O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(TX_CAPACITY, fill_queue(fd));
	ASSERT_TRUE(falls_asleep(&s));
	ASSERT_EQ(0, reserve(fd));
	ASSERT_EQ(0, trigger(fd, TX_CAPACITY));
	EXPECT_EQ(-EBUSY, sleeper_result(&s));
	ASSERT_EQ(0, trigger(fd, 2));
	EXPECT_EQ(TX_CAPACITY, STAT(fd, echoes));
}

TEST_F(reserve, is_not_passed_by_a_write_of_kernel_aio_that_was_pending)
{
	struct iodemo_record record = raw_record("too late");
	int fd = open_raw(0, O_RDWR);
	aio_context_t context;
	struct iocb iocb;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, aio_setup(1, &context));
	ASSERT_EQ(TX_CAPACITY, fill_queue(fd));
	ASSERT_EQ(1, aio_submit_write(context, &iocb, self->other, &record, RECORD));
	EXPECT_TRUE(aio_nothing_complete(context));
	ASSERT_EQ(0, reserve(fd));
	ASSERT_EQ(0, trigger(fd, TX_CAPACITY));
	EXPECT_EQ(-EBUSY, aio_event_within(context, 20));
	ASSERT_EQ(0, trigger(fd, 2));
	EXPECT_EQ(TX_CAPACITY, STAT(fd, echoes));
}

/* Writes without sleeping until it is refused: how many records went in */
static long call_write_on(struct sleeper *s)
{
	struct iodemo_record record = raw_record("on");
	long ret, count = 0;

	do {
		ret = write_nowait(s->fd, &record, RECORD);
		count += ret == RECORD;
	} while (ret == RECORD || ret == -EAGAIN);
	return ret == -EBUSY ? count : ret;
}

/*
 * What was queued when RESERVE returned is taken out of the queue before we look
 * at the writer again. Nothing may have come in behind that.
 */
TEST_F_TIMEOUT(reserve, is_not_passed_by_any_of_many_writes, LONG_TEST)
{
	int fd = open_raw(0, O_RDWR);
	long total = 0;
	int i;

	ASSERT_LE(0, fd);
	for (i = 0; i < 10 * ROUNDS; i++) {
		struct sleeper s = { .call = call_write_on, .fd = self->other };
		long echoes;

		ASSERT_TRUE(sleeper_start(&s));
		/* In the middle of it */
		while (STAT(fd, echoes) == total)
			ASSERT_EQ(0, trigger(fd, 1));
		ASSERT_EQ(0, reserve(fd));
		ASSERT_EQ(0, trigger(fd, TX_CAPACITY / TX_DRAIN));
		echoes = STAT(fd, echoes);
		total += sleeper_result(&s);
		ASSERT_EQ(0, trigger(fd, TX_CAPACITY / TX_DRAIN));
		ASSERT_EQ(echoes, STAT(fd, echoes));
		ASSERT_EQ(total, echoes);
		ASSERT_EQ(0, release(fd));
	}
}

TEST_HARNESS_MAIN
