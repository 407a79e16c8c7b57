// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring without copies: mapped read-only, and with it, to be written, the
 * page that has the file's cursor
 *
 * The driver works on the same cursor, so that read(), poll() and the mapping
 * agree. It takes nothing that it finds there on trust: a cursor beyond head
 * means that nothing is there, one before the ring that the file was lapped,
 * and a slot's index is always masked.
 */

#include <linux/mm.h>

#include "compat.h"
#include "models.h"

/*
 * Nobody but the device writes to the ring. What a program writes to a private mapping
 * goes to a copy of that page, which the kernel makes at the first write.
 */
static int map_ring(struct iodemo_client *client, struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_MAYSHARE) {
		if (vma->vm_flags & VM_WRITE)
			return -EACCES;
		vm_flags_clear(vma, VM_MAYWRITE);	/* nor later, by mprotect() */
	}
	return iodemo_ring_map(&client->dev->ring, vma);
}

static int map_cursor(struct iodemo_client *client, struct vm_area_struct *vma)
{
	/* A private copy of the cursor would be nobody's. */
	if (!(vma->vm_flags & VM_MAYSHARE) || vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	return vm_insert_page(vma, vma->vm_start, virt_to_page(client->page));
}

int iodemo_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct iodemo_client *client = file->private_data;

	switch (vma->vm_pgoff) {
	case IODEMO_MMAP_RING >> PAGE_SHIFT:
		return map_ring(client, vma);
	case IODEMO_MMAP_CURSOR >> PAGE_SHIFT:
		return map_cursor(client, vma);
	default:
		return -EINVAL;
	}
}
