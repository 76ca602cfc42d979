// SPDX-License-Identifier: GPL-2.0-or-later
/* Faults on a shared mapping, and taking write permission away again. */
#include <linux/pagemap.h>
#include <linux/writeback.h>

void vma_link(struct vm_area_struct *vma, struct file *file)
{
	vma->vm_file = file;
	list_add_tail(&vma->shared, &file->f_mapping->i_mmap);
}

/* Make every mapping of the page read-only. Says whether one had stored to it. */
int page_mkclean(struct page *page)
{
	struct vm_area_struct *vma;
	int cleaned = 0;

	list_for_each_entry(vma, &page->mapping->i_mmap, shared) {
		pte_t *pte = &vma->ptes[page->index];

		if (pte->page != page)
			continue;
		cleaned |= pte->dirty || pte->write;
		pte->dirty = false;
		pte->write = false;
	}
	return cleaned;
}

/* Ask the file system before a page becomes writable; the page ends up locked. */
static vm_fault_t do_page_mkwrite(struct vm_fault *vmf)
{
	struct page *page = vmf->page;
	vm_fault_t ret;

	vmf->flags |= FAULT_FLAG_WRITE;
	ret = vmf->vma->vm_ops->page_mkwrite(vmf);
	if (ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE))
		return ret;
	if (!(ret & VM_FAULT_LOCKED)) {
		lock_page(page);
		if (!page->mapping) {
			unlock_page(page);
			return 0;
		}
		ret |= VM_FAULT_LOCKED;
	}
	return ret;
}

static void finish_fault(struct vm_fault *vmf, bool write)
{
	vmf->pte->page = vmf->page;
	vmf->pte->write = write;
	vmf->pte->dirty = write;
}

static void fault_dirty_shared_page(struct vm_fault *vmf)
{
	set_page_dirty(vmf->page);
	unlock_page(vmf->page);
}

static vm_fault_t do_read_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = vmf->vma->vm_ops->fault(vmf);

	if (ret & VM_FAULT_ERROR)
		return ret;
	finish_fault(vmf, false);
	unlock_page(vmf->page);
	return ret;
}

/* First access to the page is a store. */
static vm_fault_t do_shared_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = vmf->vma->vm_ops->fault(vmf);

	if (ret & VM_FAULT_ERROR)
		return ret;
	unlock_page(vmf->page);
	ret = do_page_mkwrite(vmf);
	if (!ret || ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE))
		return ret;
	finish_fault(vmf, true);
	fault_dirty_shared_page(vmf);
	return ret;
}

/* The page is mapped already, but read-only. */
static vm_fault_t wp_page_shared(struct vm_fault *vmf)
{
	vm_fault_t ret;

	vmf->page = vmf->pte->page;
	ret = do_page_mkwrite(vmf);
	if (!ret || ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE))
		return ret;
	finish_fault(vmf, true);
	fault_dirty_shared_page(vmf);
	return ret;
}

vm_fault_t handle_mm_fault(struct vm_area_struct *vma, pgoff_t pgoff,
			   unsigned int flags)
{
	struct vm_fault vmf = {
		.vma = vma,
		.flags = flags,
		.pgoff = pgoff,
		.pte = &vma->ptes[pgoff],
	};

	if (!vmf.pte->page)
		return flags & FAULT_FLAG_WRITE ? do_shared_fault(&vmf) :
						  do_read_fault(&vmf);
	if (flags & FAULT_FLAG_WRITE && !vmf.pte->write)
		return wp_page_shared(&vmf);
	return 0;
}

/* What the processor does for a store of one byte to mapped memory. */
int user_store(struct vm_area_struct *vma, loff_t offset, u8 value)
{
	pte_t *pte = &vma->ptes[offset >> PAGE_SHIFT];

	while (!pte->page || !pte->write)
		if (handle_mm_fault(vma, offset >> PAGE_SHIFT, FAULT_FLAG_WRITE) &
		    VM_FAULT_ERROR)
			return -EFAULT;
	pte->dirty = true;
	pte->page->virtual[offset & ~PAGE_MASK] = value;
	return 0;
}
