// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: hostile memory
 *
 * An arena of areas that the threads of a process map, protect, drop and
 * truncate while requests on them are pending.
 */
#include "stress.h"

#include <linux/userfaultfd.h>
#include <sys/syscall.h>

#define AREAS		6
#define AREA		(16 * 4096)
#define GUARD		(1 << 20)	/* a size that goes on past the end ends in here */
#define SCRATCH		(128 * 1024)

#define READ_WRITE	(PROT_READ | PROT_WRITE)

static char *arena;
static void *read_only;
static int file;			/* some areas are mappings of it */
static atomic_int fault_files[AREAS] = { [0 ... AREAS - 1] = -1 };
static __thread char scratch[SCRATCH];

void memory_init(void)
{
	arena = mmap(NULL, AREAS * AREA + GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(arena, AREAS * AREA / 2, READ_WRITE);
	file = memfd_create("stress", MFD_CLOEXEC);
	read_only = mmap(NULL, 4096, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*(__u32 *)read_only = 1;
	mprotect(read_only, 4096, PROT_READ);
}

void *read_only_page(void)
{
	return read_only;
}

static char *some_area(struct actor *a)
{
	return arena + pick(a, AREAS) * AREA;
}

/* A part of an area, of whole pages */
static struct piece some_pages(struct actor *a)
{
	int first = pick(a, 16);

	return (struct piece){
		.start = some_area(a) + first * 4096,
		.size = (1 + pick(a, 16 - first)) * 4096,
	};
}

struct piece some_memory(struct actor *a)
{
	struct piece piece = {
		.size = PICK(a, 0U, 1U, 63U, 64U, 65U, 128U, 640U, 4096U, 65536U, pick(a, 8192)),
	};

	switch (pick(a, 8)) {
	case 0:
		piece.start = PICK(a, (void *)0, (void *)16, (void *)-4096L,
				   (void *)0x00007ffffffff000, (void *)0xffff888000000000,
				   (void *)0x0000800000000000);
		break;
	case 1:
		piece.start = some_area(a) + AREA - pick(a, 256);
		break;
	case 2:
	case 3:
	case 4:
		piece.start = some_area(a) + pick(a, AREA);
		break;
	default:
		piece.start = scratch + pick(a, SCRATCH / 2);
	}
	if (one_in(a, 50)) {
		piece.start = arena;
		piece.size = GUARD;
	}
	return piece;
}

/* What is unmapped is taken again at once, or else the C library could get it. */
static void renew(struct actor *a, struct piece p, int prot, int flags, int fd)
{
	gave(a, mmap(p.start, p.size, prot, flags | MAP_FIXED, fd, 0) == MAP_FAILED ? -1 : 0);
}

void op_mem_map(struct actor *a)
{
	struct piece p = some_pages(a);

	renew(a, p, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (one_in(a, 4) ? MAP_POPULATE : 0),
	      -1);
}

void op_mem_unmap(struct actor *a)
{
	struct piece p = some_pages(a);

	munmap(p.start, p.size);
	renew(a, p, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

void op_mem_protect(struct actor *a)
{
	struct piece p = some_pages(a);

	gave(a, mprotect(p.start, p.size, PICK(a, PROT_NONE, PROT_READ, READ_WRITE,
					       READ_WRITE)));
}

void op_mem_advise(struct actor *a)
{
	struct piece p = some_pages(a);
	int advice = PICK(a, MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_PAGEOUT,
			  MADV_COLD, MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK, MADV_MERGEABLE,
			  MADV_POPULATE_WRITE);

	gave(a, madvise(p.start, p.size, advice));
}

void op_mem_file(struct actor *a)
{
	struct piece p = some_pages(a);

	ftruncate(file, AREA);
	renew(a, p, PICK(a, READ_WRITE, PROT_READ), PICK(a, MAP_SHARED, MAP_PRIVATE), file);
}

void op_mem_truncate(struct actor *a)
{
	gave(a, ftruncate(file, PICK(a, 0, 100, 4096, AREA)));
}

void op_mem_lock(struct actor *a)
{
	struct piece p = some_pages(a);

	if (one_in(a, 2))
		gave(a, mlock(p.start, p.size));
	else
		gave(a, munlock(p.start, p.size));
}

/* An area whose missing pages nobody serves, for a while */
void op_mem_fault(struct actor *a)
{
	int area = pick(a, AREAS);
	struct piece p = { arena + area * AREA, AREA };
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (unsigned long)p.start, .len = p.size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd, old;

	fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	renew(a, p, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range)) {
		close(fd);
		return;
	}
	old = atomic_exchange(&fault_files[area], fd);
	if (old >= 0)
		close(old);
}

/* Some area that has one, if any has */
static int unserved_area(struct actor *a)
{
	int first = pick(a, AREAS), i;

	for (i = first; i < first + AREAS; i++)
		if (fault_files[i % AREAS] >= 0)
			break;
	return i % AREAS;
}

/* Some get their pages, and some find that nobody keeps them away any more. */
void op_mem_fault_serve(struct actor *a)
{
	int area = unserved_area(a);
	struct uffdio_zeropage zero = {
		.range = { .start = (unsigned long)arena + area * AREA, .len = 4096 },
	};
	int fd;

	if (one_in(a, 2)) {
		zero.range.start += 4096 * pick(a, 16);
		gave(a, ioctl(fault_files[area], UFFDIO_ZEROPAGE, &zero));
		return;
	}
	fd = atomic_exchange(&fault_files[area], -1);
	if (fd >= 0)
		close(fd);
}
