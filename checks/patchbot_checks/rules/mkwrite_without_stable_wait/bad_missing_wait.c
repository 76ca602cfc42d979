/* The early way out for mapped buffers, and the journalled way, do not wait. */

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);
	struct inode *inode = file_inode(vmf->vma->vm_file);
	vm_fault_t ret = VM_FAULT_NOPAGE;

	sb_start_pagefault(inode->i_sb);
	folio_lock(folio);
	if (folio->mapping != inode->i_mapping) {
		folio_unlock(folio);
		goto out;
	}
	if (demo_all_mapped(folio)) {
		ret = VM_FAULT_LOCKED; /* expect: mkwrite-without-stable-wait */
		goto out;
	}
	if (demo_map(folio) < 0) {
		folio_unlock(folio);
		ret = VM_FAULT_SIGBUS;
		goto out;
	}
	folio_wait_stable(folio);
	ret = VM_FAULT_LOCKED;
out:
	sb_end_pagefault(inode->i_sb);
	return ret;
}

const struct vm_operations_struct demo_vm_ops = {
	.page_mkwrite = demo_page_mkwrite,
};
