/* From .page_mkwrite and .pfn_mkwrite, whose callers never take VM_FAULT_RETRY. */

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);
	struct inode *inode = file_inode(vmf->vma->vm_file);
	vm_fault_t ret = VM_FAULT_SIGBUS;

	if (!inode_trylock(inode))
		return VM_FAULT_RETRY; /* expect: fault-retry-unchecked */
	inode_unlock(inode);
	if (demo_busy(inode)) {
		ret = VM_FAULT_RETRY; /* expect: fault-retry-unchecked */
		goto out;
	}
	folio_lock(folio);
	folio_wait_stable(folio);
	ret = VM_FAULT_LOCKED;
out:
	return ret;
}

static vm_fault_t demo_pfn_mkwrite(struct vm_fault *vmf)
{
	return demo_busy(vmf->vma) ? VM_FAULT_RETRY : VM_FAULT_NOPAGE; /* expect: fault-retry-unchecked */
}

/* Drops mmap_lock for a conversion; the first test is never true here. */
static vm_fault_t demo_inline_mkwrite(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);

	if (demo_is_inline(inode)) {
		if (!fault_flag_allow_retry_first(vmf->flags))
			return VM_FAULT_SIGBUS; /* expect-warning: fault-retry-unchecked */
		release_fault_lock(vmf);
		demo_convert(inode); /* expect: fault-retry-unchecked */
		return VM_FAULT_RETRY; /* expect: fault-retry-unchecked */
	}
	return VM_FAULT_NOPAGE;
}

static const struct vm_operations_struct demo_vm_ops = {
	.page_mkwrite = demo_page_mkwrite,
	.pfn_mkwrite = demo_pfn_mkwrite,
};

static const struct vm_operations_struct demo_inline_vm_ops = {
	.page_mkwrite = demo_inline_mkwrite,
};
