/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages, mappings of a file into user memory, and a fault. */
#ifndef _LINUX_MM_TYPES_H
#define _LINUX_MM_TYPES_H

#include <linux/list.h>

struct address_space;
struct file;
struct vm_fault;

struct page {
	unsigned long flags;
	struct address_space *mapping;
	pgoff_t index;
	void *private;		/* ring of buffer heads, if PagePrivate */
	u8 *virtual;		/* the bytes */
};

/* One entry of a page table. */
typedef struct {
	struct page *page;
	bool write;
	bool dirty;
} pte_t;

#define VMA_PAGES	64

struct vm_operations_struct {
	vm_fault_t (*fault)(struct vm_fault *vmf);
	vm_fault_t (*page_mkwrite)(struct vm_fault *vmf);
};

/* A shared, writable mapping of the first pages of a file. */
struct vm_area_struct {
	struct file *vm_file;
	const struct vm_operations_struct *vm_ops;
	struct list_head shared;	/* on the i_mmap list */
	pte_t ptes[VMA_PAGES];
};

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned int flags;
	pgoff_t pgoff;
	pte_t *pte;
	struct page *page;
};

#endif
