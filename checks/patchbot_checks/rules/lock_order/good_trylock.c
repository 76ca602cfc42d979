/* In a fault: a trylock, or the lock of another object; a page that could not be locked. */

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct inode *host = file_inode(vmf->vma->vm_file);
	struct folio *folio = page_folio(vmf->page);

	if (!inode_trylock(host))
		return VM_FAULT_NOPAGE;
	inode_unlock(host);
	filemap_invalidate_lock_shared(host->i_mapping);
	folio_lock(folio);
	folio_wait_stable(folio);
	filemap_invalidate_unlock_shared(host->i_mapping);
	return VM_FAULT_LOCKED;
}

static int demo_try(struct inode *host, struct folio *folio)
{
	handle_t *handle;

	if (folio_trylock(folio)) {
		folio_unlock(folio);
		return 0;
	}
	handle = ext4_journal_start(host, EXT4_HT_INODE, 1);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	return ext4_journal_stop(handle);
}

static const struct vm_operations_struct demo_vm_ops = {
	.page_mkwrite = demo_page_mkwrite,
};
