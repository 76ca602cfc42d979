// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processor's part of a mapping. A store is one instruction: whoever takes write permission
 * away flushes the TLBs, and the flush waits for instructions under way. `tlb` is held for the
 * length of a store, and while permission is taken away; a store can never land in between.
 */
#include <linux/pagemap.h>
#include "kit.h"

static unsigned long tlb;

int page_mkclean(struct page *page)
{
	struct vm_area_struct *vma;
	int cleaned = 0;

	list_for_each_entry(vma, &page->mapping->i_mmap, shared) {
		pte_t *pte = &vma->ptes[page->index];

		sim_acquire(&tlb, ALL);
		if (pte->page == page) {
			cleaned |= pte->dirty || pte->write;
			pte->dirty = false;
			pte->write = false;
		}
		sim_swap(&tlb, sizeof(tlb), 0);
	}
	return cleaned;
}

int user_store(struct vm_area_struct *vma, loff_t offset, u8 value)
{
	pte_t *pte = &vma->ptes[offset >> PAGE_SHIFT];
	bool done;

	for (;;) {
		sim_acquire(&tlb, ALL);
		done = pte->page && pte->write;
		if (done) {
			pte->dirty = true;
			pte->page->virtual[offset & ~PAGE_MASK] = value;
		}
		sim_swap(&tlb, sizeof(tlb), 0);
		if (done)
			return 0;
		if (handle_mm_fault(vma, offset >> PAGE_SHIFT, FAULT_FLAG_WRITE) & VM_FAULT_ERROR)
			return -EFAULT;
	}
}
