// SPDX-License-Identifier: GPL-2.0-or-later
/* The processor and its mappings: stores, faults, and who takes write permission away. */
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <sim/kernel.h>
#include "sim_fault.h"
#include "sim_mount.h"
#include "sim_page.h"

/* Static in the tree. */
#ifdef SIM_WP_FOLIO
vm_fault_t wp_page_shared(struct vm_fault *vmf, struct folio *folio);
#define write_fault(vmf)	wp_page_shared(vmf, (struct folio *)(vmf)->page)
#else
vm_fault_t wp_page_shared(struct vm_fault *vmf);
#define write_fault(vmf)	wp_page_shared(vmf)
#endif
vm_fault_t do_shared_fault(struct vm_fault *vmf);

static pmd_t pmd = { { { { SIM_PRESENT } } } };
static spinlock_t page_table_lock;
static unsigned long tlb;

struct page *sim_page_of(struct mapped_file *one, unsigned long index)
{
	return xa_load(&one->node.vfs_inode.i_data.i_pages, index);
}

static vm_fault_t write_again(struct vm_fault *vmf)
{
	vmf->page = pte_page(vmf->orig_pte);
	spin_lock(&page_table_lock);
	return write_fault(vmf);
}

static void put(pte_t *pte, long offset, unsigned char value)
{
	*pte = pte_mkdirty(*pte);
	((unsigned char *)page_address(pte_page(*pte)))[offset & ~PAGE_MASK] = value;
}

/*
 * A store is one instruction: whoever takes write permission away flushes the TLBs, and that waits
 * for instructions under way. `tlb` is held for the length of a store, and by who write-protects.
 */
int sim_store(long offset, unsigned char value)
{
	struct mapped_file *one = sim_this_file();
	unsigned long index = offset >> PAGE_SHIFT;
	pte_t *pte = &one->ptes[index];
	unsigned int flags = sim_fault_flags();
	vm_fault_t ret;

	for (;;) {
		struct vm_fault vmf = {
			.vma = &one->vma,
			.flags = flags,
			.pgoff = index,
			.address = offset,
			.pmd = &pmd,
			.pte = pte,
			.ptl = &page_table_lock,
		};

		sim_acquire(&tlb, 1);
		vmf.orig_pte = *pte;
		if (pte_present(*pte) && pte_write(*pte)) {
			put(pte, offset, value);
			sim_swap(&tlb, 8, 0);
			return 0;
		}
		sim_swap(&tlb, 8, 0);
		ret = sim_fault(&vmf, pte_present(vmf.orig_pte) ? write_again : do_shared_fault);
		if (ret & VM_FAULT_ERROR)
			return -EFAULT;
		if (ret & VM_FAULT_RETRY)
			flags |= FAULT_FLAG_TRIED;
	}
}

int sim_store_now(long offset, unsigned char value)
{
	pte_t *pte = &sim_this_file()->ptes[offset >> PAGE_SHIFT];
	int done;

	sim_acquire(&tlb, 1);
	done = pte_present(*pte) && pte_write(*pte);
	if (done)
		put(pte, offset, value);
	sim_swap(&tlb, 8, 0);
	return done;
}

void sim_map_readable(long offset)
{
	struct mapped_file *one = sim_this_file();
	unsigned long index = offset >> PAGE_SHIFT;

	one->ptes[index] = pfn_pte(page_to_pfn(sim_page_of(one, index)), PAGE_READONLY);
}

static vm_fault_t make_writable(struct vm_fault *vmf)
{
	pte_t entry = pfn_pte(page_to_pfn(vmf->page), PAGE_SHARED);
	vm_fault_t ret = 0;

	spin_lock(&page_table_lock);
	sim_acquire(&tlb, 1);
	if (pte_val(*vmf->pte) != pte_val(vmf->orig_pte))
		ret = VM_FAULT_NOPAGE;
	else
		*vmf->pte = pte_mkdirty(entry);
	sim_swap(&tlb, 8, 0);
	spin_unlock(&page_table_lock);
	return ret;
}

vm_fault_t instead_of_finish_mkwrite_fault(struct vm_fault *vmf)
{
	return make_writable(vmf);
}

vm_fault_t instead_of_finish_fault(struct vm_fault *vmf)
{
	return make_writable(vmf);
}

static bool mark_dirty(struct page *page)
{
#ifdef SIM_FOLIOS
	folio_mark_dirty(SIM_PAGE_STATE(page));
#else
	set_page_dirty(page);
#endif
	return true;
}

int sim_write_protect(struct page *page)
{
	struct mapped_file *one = sim_file_mapped(sim_page_mapping(page));
	pte_t *pte;
	int cleaned = 0;

	if (!one)
		return 0;
	pte = &one->ptes[sim_page_index(page)];
	spin_lock(&page_table_lock);
	sim_acquire(&tlb, 1);
	if (pte_present(*pte) && (pte_dirty(*pte) || pte_write(*pte))) {
		*pte = pte_mkclean(pte_wrprotect(*pte));
		cleaned = 1;
	}
	sim_swap(&tlb, 8, 0);
	spin_unlock(&page_table_lock);
	return cleaned;
}

/*
 * Take a page out of the page table; that it was stored to, its flag says afterwards. Where the entry
 * says so already, the flag comes first: stores go through until the TLBs are flushed.
 */
void sim_unmap(struct mapped_file *one, unsigned long index)
{
	pte_t *pte = &one->ptes[index], old;
	bool marked = false;

	spin_lock(&page_table_lock);
	old = *pte;
	if (pte_present(old) && pte_dirty(old))
		marked = mark_dirty(pte_page(old));
	sim_acquire(&tlb, 1);
	old = *pte;
	*pte = __pte(0);
	sim_swap(&tlb, 8, 0);
	if (!marked && pte_present(old) && pte_dirty(old))
		mark_dirty(pte_page(old));
	spin_unlock(&page_table_lock);
}

int instead_of_page_mkclean(struct page *page)
{
	return sim_write_protect(page);
}

static vm_fault_t fault(struct vm_fault *vmf)
{
#ifdef SIM_FAULT_OF_EXT4
	return ext4_filemap_fault(vmf);
#else
	return filemap_fault(vmf);
#endif
}

/* What the tree may not see of its caller's flags it may not answer either. */
static vm_fault_t page_mkwrite(struct vm_fault *vmf)
{
	unsigned int flags = vmf->flags;
	vm_fault_t answer = ext4_page_mkwrite(vmf);

	sim_check_retry(flags, answer);
	return answer;
}

static const struct vm_operations_struct vm_operations = {
	.fault = fault,
	.page_mkwrite = page_mkwrite,
};

void sim_map_file(struct mapped_file *one)
{
	one->vma.vm_mm = &sim_mm;
	one->vma.vm_file = &one->file;
	one->vma.vm_ops = &vm_operations;
	*(vm_flags_t *)&one->vma.vm_flags = VM_SHARED | VM_WRITE | VM_READ;	/* const in later trees */
}
