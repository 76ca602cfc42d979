/* block_page_mkwrite() makes the buffers dirty; only then they are given to the journal. */

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct page *page = vmf->page;
	struct inode *inode = file_inode(vmf->vma->vm_file);
	handle_t *handle;
	int err;

	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	if (IS_ERR(handle))
		return VM_FAULT_SIGBUS;
	err = block_page_mkwrite(vmf->vma, vmf, demo_get_block); /* expect: dirty-before-write-access */
	if (!err && ext4_should_journal_data(inode)) {
		err = ext4_walk_page_buffers(handle, page_buffers(page), 0, PAGE_SIZE, NULL,
					     do_journal_get_write_access);
		if (err)
			unlock_page(page);
	}
	ext4_journal_stop(handle);
	return block_page_mkwrite_return(err);
}

static vm_fault_t demo_never_mkwrite(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);
	int err;

	if (!ext4_should_journal_data(inode) || demo_is_small(inode))
		goto plain;
	err = block_page_mkwrite(vmf->vma, vmf, demo_get_block); /* expect: dirty-before-write-access */
	if (err)
		return VM_FAULT_SIGBUS;
	unlock_page(vmf->page);
	return VM_FAULT_NOPAGE;
plain:
	demo_note(inode);
	return VM_FAULT_NOPAGE;
}

static const struct vm_operations_struct demo_vm_ops = {
	.page_mkwrite = demo_page_mkwrite,
};
