// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stress test: chaos with mappings of the device
 */
#include "stress.h"

static void keep_map(struct actor *a, void *map, size_t size)
{
	if (a->map)
		munmap(a->map, a->map_size);
	a->map = NULL;
	if (one_in(a, 2)) {
		munmap(map, size);
		return;
	}
	a->map = map;
	a->map_size = size;
}

void op_map_ring(struct actor *a)
{
	int prot = PICK(a, PROT_READ, PROT_READ, PROT_NONE, PROT_READ | PROT_WRITE);
	size_t size = 4096 * (1 + pick(a, one_in(a, 4) ? 2000 : 5));
	off_t offset = PICK(a, IODEMO_MMAP_RING, IODEMO_MMAP_RING, IODEMO_MMAP_RING, 4096,
			    IODEMO_MMAP_CURSOR + 4096, 0x20000000);
	char *map;
	int fd = some_file(a);

	map = mmap(NULL, size, prot, PICK(a, MAP_SHARED, MAP_PRIVATE), fd, offset);
	if (gave(a, map == MAP_FAILED ? -1 : 0))
		return;
	if (prot & PROT_READ)
		__atomic_load_n(&map[pick(a, size)], __ATOMIC_RELAXED);
	mprotect(map, size, PICK(a, PROT_READ, PROT_READ | PROT_WRITE));
	madvise(map, size, PICK(a, MADV_DONTNEED, MADV_DONTFORK, MADV_PAGEOUT));
	/* The device's pages, for the kernel to write to and to read from */
	if (one_in(a, 4))
		read(some_file(a), map, size);
	if (one_in(a, 4))
		write(some_file(a), map, size);
	keep_map(a, map, size);
}

/* Where it stands, near there, at the ends, anywhere */
static __u64 some_cursor(struct actor *a, __u64 now)
{
	return PICK(a, now, now, now + 1, now - 1, now + 100000, 0, ~0ULL, roll(&a->dice));
}

void op_map_cursor(struct actor *a)
{
	struct iodemo_cursor_page *page;
	int i, fd = some_file(a);

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, one_in(a, 10) ? MAP_PRIVATE : MAP_SHARED,
		    fd, IODEMO_MMAP_CURSOR);
	if (gave(a, page == MAP_FAILED ? -1 : 0))
		return;
	for (i = pick(a, 100); i; i--)
		__atomic_store_n(&page->cursor, some_cursor(a, page->cursor), __ATOMIC_RELAXED);
	if (one_in(a, 4))
		read(some_file(a), page, 4096);
	keep_map(a, page, 4096);
}

/*
 * What the thread has mapped is moved, cut, grown, protected, and used: by the
 * kernel, since an access of its own could crash it
 */

void op_map_move(struct actor *a)
{
	size_t size = PICK(a, (size_t)4096, (size_t)4096, a->map_size, 2 * a->map_size,
			   a->map_size / 2);
	void *map;

	if (!a->map)
		return;
	map = mremap(a->map, a->map_size, size, PICK(a, 0, MREMAP_MAYMOVE, MREMAP_MAYMOVE));
	if (gave(a, map == MAP_FAILED ? -1 : 0))
		return;
	a->map = map;
	a->map_size = (size + 4095) & ~4095UL;
}

void op_map_protect(struct actor *a)
{
	if (a->map)
		gave(a, mprotect(a->map, a->map_size, PICK(a, PROT_NONE, PROT_READ, PROT_READ,
							   PROT_READ | PROT_WRITE,
							   PROT_READ | PROT_EXEC)));
}

void op_map_advise(struct actor *a)
{
	unsigned char resident[1];

	if (!a->map)
		return;
	switch (pick(a, 4)) {
	case 0:
		gave(a, msync(a->map, a->map_size, PICK(a, MS_SYNC, MS_ASYNC, MS_INVALIDATE)));
		break;
	case 1:
		gave(a, mincore(a->map, 4096, resident));
		break;
	case 2:
		gave(a, mlock(a->map, a->map_size));
		munlock(a->map, a->map_size);
		break;
	default:
		gave(a, madvise(a->map, a->map_size,
				PICK(a, MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_PAGEOUT,
				     MADV_COLD, MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK,
				     MADV_MERGEABLE, MADV_HUGEPAGE, MADV_POPULATE_READ,
				     MADV_POPULATE_WRITE, MADV_WILLNEED)));
	}
}

/* The kernel reads from it, and writes to it, for a write() and a read() of a pipe */
void op_map_use(struct actor *a)
{
	if (!a->map)
		return;
	gave(a, write(a->pipe[1], a->map, pick(a, 8192)));
	gave(a, read(a->pipe[0], (char *)a->map + (one_in(a, 2) ? 0 : pick(a, 4096)), 8));
	drain_pipe(a);
}

void op_map_drop(struct actor *a)
{
	if (!a->map)
		return;
	gave(a, munmap(a->map, a->map_size));
	a->map = NULL;
}
