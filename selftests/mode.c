// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what: the mode of the node says who reads, and who writes and fires;
 * what stays so for all is for its owner, its group, and CAP_SYS_ADMIN.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

IODEMO_FIXTURE(policy, "capacity=16")

/* What one file gives to who tries all that changes the device: the same each time */
static long change_all(int fd)
{
	const long gave[] = {
		set_config(fd, 0, 2),
		result(ioctl(fd, IODEMO_RESERVE)),
		result(ioctl(fd, IODEMO_FLUSH)),
		result(ioctl(fd, IODEMO_RELEASE)),
	};
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(gave); i++)
		if (gave[i] != gave[0])
			return -EPROTO;
	return gave[0];
}

static long open_and_change_all(void *flags)
{
	int fd = open_raw(0, *(int *)flags);

	return fd < 0 ? fd : change_all(fd);
}

static long change_all_as_user(int flags)
{
	return user_does(open_and_change_all, &flags);
}

static long write_fire_and_read(void *unused)
{
	int fd = open_raw(0, O_RDWR);
	struct iodemo_record records[2];
	long err;

	if (fd < 0)
		return fd;
	if (write_records(fd, 1) != RECORD)
		return -EIO;
	err = trigger(fd, 1);
	if (err)
		return err;
	return read(fd, records, sizeof(records)) == sizeof(records) ? 0 : -EIO;
}

TEST_F(policy, user_writes_fires_and_reads)
{
	EXPECT_EQ(0, user_does(write_fire_and_read, NULL));
	EXPECT_EQ(1, STAT(self->fd, interrupts));
	EXPECT_EQ(1, STAT(self->fd, echoes));
}

TEST_F(policy, user_may_not_change_the_device)
{
	ASSERT_EQ(RECORD, write_records(self->fd, 1));
	EXPECT_EQ(-EPERM, change_all_as_user(O_RDWR));
	EXPECT_EQ(-EPERM, change_all_as_user(O_WRONLY));
	EXPECT_EQ(-EBADF, change_all_as_user(O_RDONLY));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_EQ(2, STAT(self->fd, records));
	EXPECT_EQ(1, STAT(self->fd, echoes));
}

TEST_F(policy, owner_of_the_node_may)
{
	ASSERT_EQ(0, fchown(self->fd, ORDINARY_USER, -1));
	EXPECT_EQ(0, change_all_as_user(O_RDWR));
	EXPECT_EQ(-EBADF, change_all_as_user(O_RDONLY));
}

TEST_F(policy, group_of_the_node_may)
{
	ASSERT_EQ(0, fchown(self->fd, -1, ORDINARY_USER));
	EXPECT_EQ(0, change_all_as_user(O_WRONLY));
}

static long change_all_with_CAP_SYS_ADMIN(void *unused)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = 1 << CAP_SYS_ADMIN, .permitted = 1 << CAP_SYS_ADMIN },
	};
	int flags = O_RDWR;

	if (prctl(PR_SET_KEEPCAPS, 1) || become_user() || syscall(SYS_capset, &header, data))
		return -errno;
	return open_and_change_all(&flags);
}

/* What it gives in a child, with which it ends */
static long in_child(long (*what)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(-what(arg));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

TEST_F(policy, CAP_SYS_ADMIN_may)
{
	EXPECT_EQ(0, in_child(change_all_with_CAP_SYS_ADMIN, NULL));
}

static long change_all_through(void *fd)
{
	return change_all(*(int *)fd);
}

TEST_F(policy, right_goes_with_the_file_that_root_has_opened)
{
	EXPECT_EQ(0, user_does(change_all_through, &self->fd));
}

/* A file that a user has opened, used by root */
static long open_as_user_and_change_all_as_root(void *unused)
{
	int fd;

	if (setgroups(0, NULL) || setegid(ORDINARY_USER) || seteuid(ORDINARY_USER))
		return -errno;
	fd = open_raw(0, O_RDWR);
	if (seteuid(0) || setegid(0))
		return -errno;
	return fd < 0 ? fd : change_all(fd);
}

TEST_F(policy, root_gets_no_right_with_a_file_that_a_user_has_opened)
{
	EXPECT_EQ(-EPERM, in_child(open_as_user_and_change_all_as_root, NULL));
}

TEST_F(policy, node_that_is_made_anew_belongs_to_root)
{
	ASSERT_EQ(0, fchown(self->fd, ORDINARY_USER, ORDINARY_USER));
	ASSERT_EQ(0, unbind_device(0));
	ASSERT_EQ(0, bind_device(0));
	EXPECT_EQ(-EPERM, change_all_as_user(O_RDWR));
}

/* The parameter */
FIXTURE(mode) {
};

FIXTURE_VARIANT(mode) {
	const char *parameter;
	const char *shown;
	__u32 mode;
	int read;	/* what an ordinary user's open() gives */
	int write;
};

#define MODE(name_, parameter_, shown_, mode_, read_, write_)			\
	FIXTURE_VARIANT_ADD(mode, name_) {					\
		.parameter = parameter_, .shown = shown_, .mode = mode_,	\
		.read = read_, .write = write_,					\
	}

MODE(default_is_for_all, "", "0666\n", 0666, 0, 0);
MODE(without_a_0, "mode=622", "0622\n", 0622, -EACCES, 0);
MODE(read_by_others, "mode=0664", "0664\n", 0664, 0, -EACCES);
MODE(owner_and_group, "mode=0660", "0660\n", 0660, -EACCES, -EACCES);
MODE(one_bit, "mode=0004", "04\n", 0004, 0, -EACCES);

FIXTURE_SETUP(mode)
{
	ASSERT_EQ(0, load("devices=2 %s", variant->parameter));
}

IODEMO_FIXTURE_TEARDOWN(mode)

TEST_F(mode, nodes_have_it_and_sysfs_shows_it)
{
	char text[16];
	struct stat stat_;

	ASSERT_EQ(0, stat("/dev/iodemo", &stat_));
	EXPECT_TRUE(S_ISCHR(stat_.st_mode));
	EXPECT_EQ(variant->mode, stat_.st_mode & 07777);
	EXPECT_EQ(0U, stat_.st_uid);
	EXPECT_EQ(0U, stat_.st_gid);
	ASSERT_EQ(0, stat("/dev/iodemo1", &stat_));
	EXPECT_EQ(variant->mode, stat_.st_mode & 07777);
	ASSERT_LT(0, read_file("/sys/module/iodemo/parameters/mode", text, sizeof(text)));
	EXPECT_STREQ(variant->shown, text);
}

TEST_F(mode, says_what_a_user_may_open)
{
	EXPECT_EQ(variant->read, open_as_user(0, O_RDONLY));
	EXPECT_EQ(variant->write, open_as_user(1, O_WRONLY));
	EXPECT_LE(0, open_device(0, O_RDWR));
}

TEST_F(mode, stays_when_the_device_is_bound_anew)
{
	struct stat stat_;

	ASSERT_EQ(0, unbind_device(0));
	ASSERT_EQ(0, bind_device(0));
	ASSERT_EQ(0, stat("/dev/iodemo", &stat_));
	EXPECT_EQ(variant->mode, stat_.st_mode & 07777);
}

TEST_HARNESS_MAIN
