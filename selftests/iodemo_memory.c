// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that can't be copied to, or not yet; see iodemo_memory.h.
 */
#include "iodemo_test.h"

#include <linux/userfaultfd.h>
#include <sys/syscall.h>

void *const bad_pointer = (void *)16;

void *page_end(void)
{
	long size = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || mprotect(pages + size, size, PROT_NONE))
		return NULL;
	return pages + size;
}

bool stuck_page_make(struct stuck_page *p)
{
	long size = sysconf(_SC_PAGESIZE);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	p->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (p->uffd < 0)
		return false;
	p->page = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (unsigned long)p->page;
	reg.range.len = size;
	return p->page != MAP_FAILED && !ioctl(p->uffd, UFFDIO_API, &api) &&
	       !ioctl(p->uffd, UFFDIO_REGISTER, &reg);
}

long stuck_page_wait(struct stuck_page *p)
{
	struct uffd_msg msg;
	long ret = result(read(p->uffd, &msg, sizeof(msg)));

	if (ret < 0)
		return ret;
	return msg.event == UFFD_EVENT_PAGEFAULT ? 0 : -EBADMSG;
}

long stuck_page_free(struct stuck_page *p, const void *data, size_t size)
{
	long page_size = sysconf(_SC_PAGESIZE);
	void *page = aligned_alloc(page_size, page_size);
	struct uffdio_copy copy = {
		.dst = (unsigned long)p->page,
		.src = (unsigned long)page,
		.len = page_size,
	};
	long ret;

	memset(page, 0, page_size);
	if (size)
		memcpy(page, data, size);
	ret = result(ioctl(p->uffd, UFFDIO_COPY, &copy));
	free(page);
	return ret;
}
