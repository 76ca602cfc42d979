/* inode_lock under the mmap_lock of a fault: at once, in a helper, after a goto. */

static int demo_convert(struct inode *inode)
{
	int err;

	inode_lock(inode);
	err = demo_move_inline(inode);
	inode_unlock(inode);
	return err;
}

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct inode *host = file_inode(vmf->vma->vm_file);
	struct folio *folio = page_folio(vmf->page);

	if (demo_convert(host)) /* expect: lock-order */
		return VM_FAULT_SIGBUS;
	folio_lock(folio);
	folio_wait_stable(folio);
	return VM_FAULT_LOCKED;
}

static vm_fault_t demo_fault(struct vm_fault *vmf)
{
	struct inode *host = file_inode(vmf->vma->vm_file);

	if (!demo_is_inline(host))
		goto read;
	inode_lock_shared(host); /* expect: lock-order */
	demo_fill(host);
	inode_unlock_shared(host);
read:
	return filemap_fault(vmf);
}

static const struct vm_operations_struct demo_vm_ops = {
	.fault = demo_fault,
	.page_mkwrite = demo_page_mkwrite,
};
