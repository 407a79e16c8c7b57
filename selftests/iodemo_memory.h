/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that can't be copied to, or not yet
 */
#ifndef IODEMO_MEMORY_H
#define IODEMO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Two pages, the second without access; the start of the second. */
void *page_end(void);
extern void *const bad_pointer;	/* to nothing */

/* One page whose first touch sleeps until stuck_page_free(). */
struct stuck_page {
	int uffd;
	void *page;
};

bool stuck_page_make(struct stuck_page *p);	/* false: no userfaultfd here */
long stuck_page_wait(struct stuck_page *p);	/* until somebody is stuck */
long stuck_page_free(struct stuck_page *p, const void *data, size_t size);

#endif /* IODEMO_MEMORY_H */
