// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of requests of kernel AIO that wait: pinned in io_submit(), where
 * all that is wrong with it is told, and the request's own until it is complete,
 * whatever becomes of the mapping. Charged to the user, and given back.
 */
#include "../kselftest_harness.h"
#include "iodemo_test.h"

#ifdef HAVE_LIBAIO

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "iodemo_aio.h"

#define PAGE	4096L

IODEMO_FIXTURE_AIO(pinned)

#define ASSERT_SUBMIT(read_or_write, i, buf, size)				\
	ASSERT_EQ(1, submit_##read_or_write(self->context, &self->iocbs[i], self->fd, buf, size))

static void *new_pages(int count)
{
	void *pages = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

/* Does every byte of the page have this value? */
static bool page_is(const void *page, int value)
{
	const unsigned char *bytes = page;
	long i;

	for (i = 0; i < PAGE; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

/* Bad buffers */

TEST_F(pinned, read_to_a_bad_pointer_that_has_to_wait_is_EFAULT_at_once)
{
	ASSERT_SUBMIT(read, 0, bad_pointer, RECORD);
	EXPECT_COMPLETE(0, -EFAULT);
	ASSERT_SUBMIT_READ(1, 1);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(1, RECORD);
	EXPECT_SAMPLE(&self->records[1], 0);
}

TEST_F(pinned, read_to_a_bad_pointer_with_a_record_there_is_EFAULT_and_takes_nothing)
{
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_SUBMIT(read, 0, bad_pointer, RECORD);
	EXPECT_COMPLETE(0, -EFAULT);
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(pinned, read_to_read_only_memory_that_has_to_wait_is_EFAULT_at_once)
{
	char *page = new_pages(1);

	ASSERT_NE(NULL, page);
	memset(page, 0x55, PAGE);
	ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ));
	ASSERT_SUBMIT(read, 0, page, RECORD);
	EXPECT_COMPLETE(0, -EFAULT);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRUE(page_is(page, 0x55));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(pinned, read_to_unmapped_memory_that_has_to_wait_is_EFAULT_at_once)
{
	char *page = new_pages(1);

	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, munmap(page, PAGE));
	ASSERT_SUBMIT(read, 0, page, RECORD);
	EXPECT_COMPLETE(0, -EFAULT);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(pinned, read_in_text_to_a_bad_pointer_that_has_to_wait_is_EFAULT_at_once)
{
	ASSERT_EQ(0, set_client(self->fd, IODEMO_FORMAT_TEXT, 1));
	ASSERT_SUBMIT(read, 0, bad_pointer, LINE_MAX_BYTES);
	EXPECT_COMPLETE(0, -EFAULT);
}

TEST_F(pinned, read_to_a_partly_bad_buffer_that_has_to_wait_is_EFAULT_at_once)
{
	struct iodemo_record *last = (struct iodemo_record *)page_end() - 1;

	ASSERT_EQ(0, set_low_water(self->fd, 2));
	ASSERT_EQ(0, trigger(self->fd, 1));
	ASSERT_SUBMIT(read, 0, last, 2 * RECORD);
	EXPECT_COMPLETE(0, -EFAULT);
	EXPECT_EQ(0, STAT(self->fd, read));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 2);
}

TEST_F(pinned, read_to_a_partly_bad_buffer_with_records_there_gives_what_fits)
{
	struct iodemo_record *last = (struct iodemo_record *)page_end() - 1;

	ASSERT_EQ(0, trigger(self->fd, 2));
	ASSERT_SUBMIT(read, 0, last, 2 * RECORD);
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_SAMPLE(last, 0);
	EXPECT_READ(self->fd, 1, 1);
}

TEST_F(pinned, preadv_with_one_bad_segment_that_has_to_wait_is_EFAULT_at_once)
{
	struct iovec iov[] = { { self->records, RECORD }, { bad_pointer, RECORD } };

	io_prep_preadv(&self->iocbs[0], self->fd, iov, 2, 0);
	ASSERT_EQ(1, submit(self->context, &self->iocbs[0]));
	EXPECT_COMPLETE(0, -EFAULT);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
}

TEST_F(pinned, memory_beyond_what_a_request_can_take_is_not_looked_at)
{
	const long lap = CAPACITY * RECORD;
	char *pages = new_pages(lap / PAGE + 1);

	ASSERT_NE(NULL, pages);
	ASSERT_EQ(0, mprotect(pages + lap, PAGE, PROT_NONE));
	ASSERT_SUBMIT(read, 0, pages, lap + PAGE);
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_SAMPLE((struct iodemo_record *)pages, 0);
}

TEST_F(pinned, write_from_a_bad_pointer_that_has_to_wait_is_EFAULT_at_once_and_lets_the_next_pass)
{
	struct iodemo_record record = raw_record("no 0");

	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, bad_pointer, 1);
	EXPECT_COMPLETE(0, -EFAULT);
	ASSERT_SUBMIT_WRITE(1, &record, 1);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(1, RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, TX_CAPACITY, 1));
}

TEST_F(pinned, write_from_a_partly_bad_buffer_that_has_to_wait_is_EFAULT_and_sends_nothing)
{
	struct iodemo_record *last = (struct iodemo_record *)page_end() - 1;

	*last = raw_record("never");
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, last, 2);
	EXPECT_COMPLETE(0, -EFAULT);
	ASSERT_EQ(0, trigger(self->fd, 2 * TX_CAPACITY / TX_DRAIN));
	EXPECT_EQ(TX_CAPACITY, STAT(self->fd, echoes));
}

TEST_F(pinned, write_whose_bad_rest_has_to_wait_gives_what_was_queued)
{
	struct iodemo_record *records = (struct iodemo_record *)page_end() - TX_CAPACITY;

	memcpy(records, named_records(TX_CAPACITY), TX_CAPACITY * RECORD);
	ASSERT_SUBMIT_WRITE(0, records, TX_CAPACITY + 6);
	EXPECT_COMPLETE(0, TX_CAPACITY * RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, 0, TX_CAPACITY));
}

/* A file on a file system of its own, and not in shared memory */
static void *map_file(int flags, int *file)
{
	static const char path[] = "/tmp/iodemo-file";
	void *page;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/tmp", "ramfs", 0, NULL))
		return NULL;
	*file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*file < 0 || ftruncate(*file, PAGE))
		return NULL;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, *file, 0);
	return page == MAP_FAILED ? NULL : page;
}

TEST_F(pinned, read_to_a_shared_mapping_of_a_file_that_has_to_wait_is_EOPNOTSUPP_at_once)
{
	int file;
	void *page = map_file(MAP_SHARED, &file);

	ASSERT_NE(NULL, page);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	EXPECT_COMPLETE(0, -EOPNOTSUPP);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_TRUE(page_is(page, 0));
	ASSERT_SUBMIT(read, 1, page, RECORD);
	EXPECT_COMPLETE(1, RECORD);
	EXPECT_SAMPLE((struct iodemo_record *)page, 0);
}

TEST_F(pinned, record_in_a_private_mapping_of_a_file_arrives_and_leaves_the_file_as_it_is)
{
	char bytes[PAGE];
	int file;
	void *page = map_file(MAP_PRIVATE, &file);

	ASSERT_NE(NULL, page);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_SAMPLE((struct iodemo_record *)page, 0);
	ASSERT_EQ(PAGE, result(pread(file, bytes, PAGE, 0)));
	EXPECT_TRUE(page_is(bytes, 0));
}

TEST_F(pinned, write_from_a_shared_mapping_of_a_file_is_queued)
{
	int file;
	struct iodemo_record *record = map_file(MAP_SHARED, &file);

	ASSERT_NE(NULL, record);
	*record = raw_record("no 0");
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, record, 1);
	ASSERT_EQ(0, munmap(record, PAGE));
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, TX_CAPACITY, 1));
}

/*
 * The kernel's own file behind a context: the one that every kernel has which
 * since Linux 6.5 the kernel itself doesn't pin for long. The last page of the
 * ring of a context that isn't used.
 */
TEST_F(pinned, mapping_that_the_kernel_does_not_pin_is_EOPNOTSUPP_at_once)
{
	io_context_t other = NULL;

	ASSERT_EQ(0, io_setup(8 * PAGE / sizeof(struct io_event), &other));
	ASSERT_SUBMIT(read, 0, (char *)other + 7 * PAGE, RECORD);
	EXPECT_COMPLETE(0, -EOPNOTSUPP);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_READ(self->fd, 0, 1);
	EXPECT_EQ(0, io_destroy(other));
}

/* What becomes of the mapping */

TEST_F(pinned, memory_can_be_unmapped_and_the_record_is_taken_all_the_same)
{
	char *page = new_pages(1);

	ASSERT_NE(NULL, page);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	ASSERT_SUBMIT_READ(1, 1);
	ASSERT_EQ(0, munmap(page, PAGE));
	ASSERT_EQ(0, trigger(self->fd, 2));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_COMPLETE(1, RECORD);
	EXPECT_SAMPLE(&self->records[1], 1);
}

TEST_F(pinned, memory_that_is_unmapped_is_not_what_is_mapped_there_next)
{
	char *page = new_pages(1);

	ASSERT_NE(NULL, page);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	ASSERT_EQ((void *)page, mmap(page, PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	memset(page, 0x55, PAGE);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_TRUE(page_is(page, 0x55));
}

TEST_F(pinned, memory_can_be_protected_and_the_record_arrives)
{
	char *page = new_pages(1);

	ASSERT_NE(NULL, page);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	ASSERT_EQ(0, mprotect(page, PAGE, PROT_NONE));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	ASSERT_EQ(0, mprotect(page, PAGE, PROT_READ));
	EXPECT_SAMPLE((struct iodemo_record *)page, 0);
}

TEST_F(pinned, memory_can_be_moved_and_the_record_arrives_where_it_is_now)
{
	char *page = new_pages(1), *there = new_pages(1);

	ASSERT_NE(NULL, page);
	ASSERT_NE(NULL, there);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	ASSERT_EQ((void *)there, mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, there));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_SAMPLE((struct iodemo_record *)there, 0);
}

TEST_F(pinned, memory_can_be_given_up_with_MADV_DONTNEED_and_the_new_page_stays_empty)
{
	char *page = new_pages(1);

	ASSERT_NE(NULL, page);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	ASSERT_EQ(0, madvise(page, PAGE, MADV_DONTNEED));
	EXPECT_TRUE(page_is(page, 0));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_TRUE(page_is(page, 0));
}

TEST_F(pinned, memory_of_a_write_can_be_unmapped_and_its_record_is_sent)
{
	struct iodemo_record *record = new_pages(1);

	ASSERT_NE(NULL, record);
	*record = raw_record("no 0");
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, record, 1);
	ASSERT_EQ(0, munmap(record, PAGE));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, TX_CAPACITY, 1));
}

TEST_F(pinned, write_from_memory_that_is_only_for_reading_is_queued)
{
	static const struct iodemo_record constant = { .len = 4, .data = "no 1" };
	struct iodemo_record *record = new_pages(1);

	ASSERT_NE(NULL, record);
	*record = raw_record("no 0");
	ASSERT_EQ(0, mprotect(record, PAGE, PROT_READ));
	ASSERT_EQ(TX_CAPACITY, fill_queue(self->fd));
	ASSERT_SUBMIT_WRITE(0, record, 1);
	ASSERT_SUBMIT_WRITE(1, (void *)&constant, 1);
	EXPECT_NOTHING_COMPLETE();
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_COMPLETE(1, RECORD);
	EXPECT_STREQ("", named_echoes_fault(self->fd, TX_CAPACITY, 2));
}

TEST_F(pinned, record_in_shared_memory_is_in_the_file_though_the_mapping_is_gone)
{
	int memory = memfd_create("iodemo", MFD_CLOEXEC);
	struct iodemo_record record;
	void *page;

	ASSERT_LE(0, memory);
	ASSERT_EQ(0, ftruncate(memory, PAGE));
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	ASSERT_NE(MAP_FAILED, page);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	ASSERT_EQ(0, munmap(page, PAGE));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	ASSERT_EQ(RECORD, result(pread(memory, &record, RECORD, 0)));
	EXPECT_SAMPLE(&record, 0);
}

/*
 * A child that fills its page, and when we close our end of the pair exits with
 * whether the page is as it was then.
 */
static pid_t fork_with_page(char *page, int value, int pair[2])
{
	pid_t pid;
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (!pid) {
		close(pair[0]);
		if (value)
			memset(page, value, PAGE);
		_exit(write(pair[1], "", 1) != 1 || read(pair[1], &byte, 1) ||
		      !page_is(page, value));
	}
	close(pair[1]);
	return pid > 0 && read(pair[0], &byte, 1) != 1 ? -EPIPE : pid;
}

TEST_F(pinned, buffer_stays_the_parents_when_a_child_is_forked_and_both_write_to_the_page)
{
	int pair[2], status;
	pid_t pid;
	char *page = new_pages(1);

	ASSERT_NE(NULL, page);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	pid = fork_with_page(page, 0x77, pair);
	ASSERT_LT(0, pid);
	page[RECORD] = 0x55;
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_SAMPLE((struct iodemo_record *)page, 0);
	EXPECT_EQ(0x55, page[RECORD]);
	ASSERT_EQ(0, close(pair[0]));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(pinned, buffer_that_was_shared_with_a_child_becomes_the_parents_own)
{
	int pair[2], status;
	pid_t pid;
	char *page = new_pages(1);

	ASSERT_NE(NULL, page);
	memset(page, 0, PAGE);
	pid = fork_with_page(page, 0, pair);
	ASSERT_LT(0, pid);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	EXPECT_SAMPLE((struct iodemo_record *)page, 0);
	ASSERT_EQ(0, close(pair[0]));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/*
 * A page that was given up with MADV_FREE may be dropped as long as nobody has
 * written to it since. MADV_PAGEOUT drops it, on the processor that gave it up.
 */
static bool page_is_dropped(char *page)
{
	return !madvise(page, PAGE, MADV_PAGEOUT) && page_is(page, 0);
}

TEST_F(pinned, page_that_was_read_to_is_dirty)
{
	char *clean = new_pages(1), *page = new_pages(1);
	cpu_set_t set;

	ASSERT_NE(NULL, clean);
	ASSERT_NE(NULL, page);
	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(set), &set));
	memset(clean, 0x55, PAGE);
	memset(page, 0x55, PAGE);
	ASSERT_SUBMIT(read, 0, page, RECORD);
	ASSERT_EQ(0, madvise(clean, PAGE, MADV_FREE));
	ASSERT_EQ(0, madvise(page, PAGE, MADV_FREE));
	ASSERT_EQ(0, trigger(self->fd, 1));
	EXPECT_COMPLETE(0, RECORD);
	/* With the last request, what the driver had to do for it is done too. */
	ASSERT_EQ(0, io_destroy(self->context));
	self->context = NULL;
	if (!page_is_dropped(clean))
		SKIP(return, "MADV_PAGEOUT drops nothing here");
	EXPECT_FALSE(page_is_dropped(page));
	EXPECT_SAMPLE((struct iodemo_record *)page, 0);
}

/* Who may pin how much */

IODEMO_FIXTURE_DYING(limit, "capacity=128")

/* What a process does that pins, and that begins with this */
struct pinner {
	bool is_root;
	int limit;	/* RLIMIT_MEMLOCK, in pages */
	int requests;	/* to submit at once, and how many pages each takes */
	int pages;
};

/* In that process */
static io_context_t pin_context;
static struct iocb pin_iocbs[REQUESTS];
static char *pin_memory;
static int pin_fd;

/* Submit a request of one page or of two: what it gave, or -ENODATA: it is pending */
static long pin(int i, int pages)
{
	struct iocb *which;
	char *page = pin_memory + 2 * i * PAGE;
	long ret = pages == 1 ?
		   submit_read(pin_context, &pin_iocbs[i], pin_fd, page, RECORD) :
		   submit_read(pin_context, &pin_iocbs[i], pin_fd, page + PAGE - RECORD,
			       2 * RECORD);

	return ret == 1 ? complete_now(pin_context, &which) : ret;
}

/* How many of its requests are pending when the first one is refused for lack of memory */
static long begin_pinning(void *arg)
{
	const struct pinner *p = arg;
	struct rlimit limit = { p->limit * PAGE, p->limit * PAGE };
	long err = p->is_root ? 0 : become_user();
	int i;

	if (!err)
		err = result(setrlimit(RLIMIT_MEMLOCK, &limit));
	if (!err)
		err = io_setup(REQUESTS, &pin_context);
	if (err)
		return err;
	pin_fd = open_raw(0, O_RDWR);
	if (pin_fd < 0)
		return pin_fd;
	pin_memory = new_pages(2 * REQUESTS);
	for (i = 0; i < p->requests; i++) {
		long ret = pin(i, p->pages);

		if (ret == -ENOMEM)
			return i;
		if (ret != -ENODATA)
			return ret;
	}
	return i;
}

/* What a process got in one step after the other */
static long *run_steps(const struct pinner *p, void (*steps)(const struct pinner *p, long *got))
{
	long *got = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = -1;
	pid_t pid;

	if (got == MAP_FAILED)
		return NULL;
	pid = fork();
	if (!pid) {
		steps(p, got);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status ? got : NULL;
}

IODEMO_FIXTURE_UNOPENED(memlock, "capacity=128")

static void pin_and_let_go(const struct pinner *p, long *got)
{
	struct iocb *which;

	*got++ = begin_pinning((void *)p);
	*got++ = pin(4, 1);
	*got++ = cancel(pin_context, &pin_iocbs[1]);
	*got++ = wait_for(pin_context, &which);
	*got++ = pin(5, 1);
	*got++ = pin(6, 1);
	*got++ = trigger(pin_fd, 1);
	*got++ = wait_for(pin_context, &which);
	*got++ = which - pin_iocbs;
	*got++ = pin(6, 1);
	*got++ = pin(7, 1);
}

TEST_F(memlock, request_beyond_it_is_ENOMEM_and_one_that_ends_makes_room)
{
	const struct pinner p = { .limit = 4, .requests = 4, .pages = 1 };
	long *got = run_steps(&p, pin_and_let_go);

	ASSERT_NE(NULL, got);
	EXPECT_EQ(4, got[0]);
	EXPECT_EQ(-ENOMEM, got[1]);
	EXPECT_EQ(-EINPROGRESS, got[2]);
	EXPECT_EQ(-ECANCELED, got[3]);
	EXPECT_EQ(-ENODATA, got[4]);
	EXPECT_EQ(-ENOMEM, got[5]);
	EXPECT_EQ(0, got[6]);
	EXPECT_EQ(RECORD, got[7]);
	EXPECT_EQ(0, got[8]);
	EXPECT_EQ(-ENODATA, got[9]);
	EXPECT_EQ(-ENOMEM, got[10]);
}

static void pin_two_a_request(const struct pinner *p, long *got)
{
	*got++ = begin_pinning((void *)p);
	*got++ = pin(4, 1);
	*got++ = pin(5, 1);
}

TEST_F(memlock, counts_pages_and_not_requests)
{
	const struct pinner p = { .limit = 5, .requests = 4, .pages = 2 };
	long *got = run_steps(&p, pin_two_a_request);

	ASSERT_NE(NULL, got);
	EXPECT_EQ(2, got[0]);
	EXPECT_EQ(-ENODATA, got[1]);
	EXPECT_EQ(-ENOMEM, got[2]);
}

static void pin_nothing(const struct pinner *p, long *got)
{
	*got++ = begin_pinning((void *)p);
	*got++ = trigger(pin_fd, 1);
	*got++ = pin(0, 1);
	*got++ = pin(1, 1);
}

TEST_F(memlock, is_not_for_requests_that_need_not_wait)
{
	const struct pinner p = { .limit = 0, .requests = 1, .pages = 1 };
	long *got = run_steps(&p, pin_nothing);

	ASSERT_NE(NULL, got);
	EXPECT_EQ(0, got[0]);
	EXPECT_EQ(0, got[1]);
	EXPECT_EQ(RECORD, got[2]);
	EXPECT_EQ(-ENOMEM, got[3]);
}

static void pin_all(const struct pinner *p, long *got)
{
	*got++ = begin_pinning((void *)p);
}

TEST_F(memlock, is_not_for_CAP_IPC_LOCK)
{
	const struct pinner p = { .is_root = true, .requests = REQUESTS, .pages = 1 };
	long *got = run_steps(&p, pin_all);

	ASSERT_NE(NULL, got);
	EXPECT_EQ(REQUESTS, got[0]);
}

TEST_F(limit, is_shared_by_the_processes_of_a_user_and_who_dies_leaves_nothing_charged)
{
	struct pinner three = { .limit = 4, .requests = 3, .pages = 1 };
	struct pinner five = { .limit = 4, .requests = 5, .pages = 1 };
	struct victim a = { .death = variant->death, .begin = begin_pinning, .arg = &three };
	struct victim b = { .death = DEATH_EXIT, .begin = begin_pinning, .arg = &three };
	struct victim c = { .death = DEATH_EXIT, .begin = begin_pinning, .arg = &five };

	ASSERT_EQ(3, victim_start(&a));
	ASSERT_EQ(1, victim_start(&b));
	ASSERT_LT(0, victim_dies(&a));
	EXPECT_EQ(3, victim_start(&c));
	EXPECT_LT(0, victim_dies(&b));
	EXPECT_LT(0, victim_dies(&c));
	EXPECT_EQ(0, unload_when_free());
	victim_end(&a);
	victim_end(&b);
	victim_end(&c);
	ASSERT_EQ(0, load("capacity=128"));
}

#else

TEST(memory_of_a_pending_request_is_pinned)
{
	SKIP(return, "built without libaio.h");
}

#endif

TEST_HARNESS_MAIN
