// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a 32-bit program sees: the same structs and the same ioctls. A 64-bit
 * program gets there through the 32-bit system call gate, with its data below
 * 4 GiB; so no 32-bit compiler is needed.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <stddef.h>

#ifdef __x86_64__

#define GATE_READ	3	/* __NR_read and __NR_ioctl of i386 */
#define GATE_GETPID	20
#define GATE_IOCTL	54
#define GATE_READV	145

static long gate(long nr, long a, long b, long c)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a" (ret)
		     : "0" (nr), "b" (a), "c" (b), "d" (c)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static bool gate_is_open(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		_exit(gate(GATE_GETPID, 0, 0, 0) != getpid());
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

FIXTURE(compat) {
	int fd;
	bool here;
	void *low;	/* a page that a 32-bit pointer reaches */
};

FIXTURE_SETUP(compat)
{
	ASSERT_EQ(0, load("capacity=16"));
	self->fd = open_raw(0, O_RDWR);
	ASSERT_LE(0, self->fd);
	self->low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_TRUE(self->low != MAP_FAILED);
	self->here = gate_is_open();
}

IODEMO_FIXTURE_TEARDOWN(compat)

static long gate_ioctl(int fd, unsigned int cmd, void *argument)
{
	return gate(GATE_IOCTL, fd, (int)cmd, (long)argument);
}

static const char no_gate[] = "no 32-bit system calls in this kernel";

TEST_F(compat, every_struct_a_32_bit_program_gets_is_the_same)
{
	static const unsigned int gets[] = {
		IODEMO_GET_INFO, IODEMO_GET_CONFIG, IODEMO_GET_CLIENT, IODEMO_GET_STATS,
	};
	char wide[sizeof(struct iodemo_stats)];
	unsigned int i;

	if (!self->here)
		SKIP(return, "%s", no_gate);
	ASSERT_EQ(0, trigger(self->fd, 3));
	for (i = 0; i < ARRAY_SIZE(gets); i++) {
		memset(wide, 0xff, sizeof(wide));
		memset(self->low, 0xff, sizeof(wide));
		EXPECT_EQ(0, result(ioctl(self->fd, gets[i], wide)));
		EXPECT_EQ(0, gate_ioctl(self->fd, gets[i], self->low));
		EXPECT_EQ(0, memcmp(wide, self->low, sizeof(wide)));
	}
}

TEST_F(compat, every_struct_a_32_bit_program_sets_is_the_same)
{
	struct iodemo_client_config *client = self->low, client_now;
	struct iodemo_config *config = self->low, config_now;
	__u32 *count = self->low;

	if (!self->here)
		SKIP(return, "%s", no_gate);
	*config = (struct iodemo_config){ .burst = 2 };
	EXPECT_EQ(0, gate_ioctl(self->fd, IODEMO_SET_CONFIG, self->low));
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_CONFIG, &config_now)));
	EXPECT_EQ(2U, config_now.burst);

	*client = (struct iodemo_client_config){
		.format = IODEMO_FORMAT_RAW,
		.low_water = 5,
	};
	EXPECT_EQ(0, gate_ioctl(self->fd, IODEMO_SET_CLIENT, self->low));
	ASSERT_EQ(0, result(ioctl(self->fd, IODEMO_GET_CLIENT, &client_now)));
	EXPECT_EQ(5U, client_now.low_water);

	*count = 3;
	EXPECT_EQ(0, gate_ioctl(self->fd, IODEMO_TRIGGER, self->low));
	EXPECT_EQ(3, STAT(self->fd, interrupts));
	EXPECT_EQ(0, gate_ioctl(self->fd, IODEMO_RESERVE, self->low));
	EXPECT_EQ(-EBUSY, open_as_user(0, O_RDONLY));
	EXPECT_EQ(0, gate_ioctl(self->fd, IODEMO_RELEASE, self->low));

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	EXPECT_EQ(0, gate_ioctl(self->fd, IODEMO_FLUSH, NULL));
	EXPECT_EQ(TX_CAPACITY, fill_queue(self->fd));
}

TEST_F(compat, FIONREAD_of_a_32_bit_program_fills_an_int)
{
	__s32 *bytes = self->low;

	if (!self->here)
		SKIP(return, "%s", no_gate);
	bytes[1] = -1;
	ASSERT_EQ(0, trigger(self->fd, 3));
	EXPECT_EQ(0, gate_ioctl(self->fd, FIONREAD, bytes));
	EXPECT_EQ(3 * RECORD, bytes[0]);
	EXPECT_EQ(-1, bytes[1]);
}

TEST_F(compat, errors_of_a_32_bit_program_are_the_same)
{
	__u32 *count = self->low;

	if (!self->here)
		SKIP(return, "%s", no_gate);
	*count = 0;
	EXPECT_EQ(-EINVAL, gate_ioctl(self->fd, IODEMO_TRIGGER, self->low));
	EXPECT_EQ(-ENOTTY, gate_ioctl(self->fd, _IO(IODEMO_IOC, 0x0a), self->low));
	EXPECT_EQ(-EFAULT, gate_ioctl(self->fd, IODEMO_GET_INFO, bad_pointer));
	EXPECT_EQ(-EFAULT, gate_ioctl(self->fd, IODEMO_TRIGGER, bad_pointer));
	EXPECT_EQ(-EFAULT, gate_ioctl(self->fd, FIONREAD, bad_pointer));
}

TEST_F(compat, record_that_a_32_bit_program_reads_is_the_same)
{
	struct iodemo_record *record = self->low;

	if (!self->here)
		SKIP(return, "%s", no_gate);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, gate(GATE_READ, self->fd, (long)self->low, RECORD));
	EXPECT_SAMPLE(record, 0);
}

TEST_F(compat, readv_of_a_32_bit_program_scatters_a_record)
{
	struct iodemo_record *record = self->low;
	__u32 *iov = (__u32 *)(record + 1);	/* struct iovec of i386 */

	if (!self->here)
		SKIP(return, "%s", no_gate);
	iov[0] = (long)record;
	iov[1] = 20;
	iov[2] = (long)record + 20;
	iov[3] = RECORD - 20;
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(RECORD, gate(GATE_READV, self->fd, (long)iov, 2));
	EXPECT_SAMPLE(record, 0);
}

#else

TEST(every_struct_a_32_bit_program_gets_is_the_same)
{
	SKIP(return, "only x86-64 programs can make 32-bit system calls");
}

#endif

TEST(layout_has_no_hole_and_no_word_size)
{
	EXPECT_EQ(64, RECORD);
	EXPECT_EQ(24, (long)offsetof(struct iodemo_record, data));
	EXPECT_EQ(64U, sizeof(struct iodemo_info));
	EXPECT_EQ(32U, sizeof(struct iodemo_config));
	EXPECT_EQ(32U, sizeof(struct iodemo_client_config));
	EXPECT_EQ(112U, sizeof(struct iodemo_stats));
}

TEST_HARNESS_MAIN
