/* All blocks are mapped: out, whatever the data mode. Only the slow way asks and journals. */

static int demo_get_access(handle_t *handle, struct buffer_head *bh)
{
	return ext4_journal_get_write_access(handle, bh);
}

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct page *page = vmf->page;
	struct inode *inode = file_inode(vmf->vma->vm_file);
	vm_fault_t ret;
	handle_t *handle;
	int err;

	sb_start_pagefault(inode->i_sb);
	lock_page(page);
	if (page->mapping != inode->i_mapping) {
		unlock_page(page);
		ret = VM_FAULT_NOPAGE;
		goto out;
	}
	if (page_has_buffers(page) && !demo_has_hole(page)) {
		wait_for_stable_page(page);
		ret = VM_FAULT_LOCKED; /* expect: mkwrite-early-return-skips-journal */
		goto out;
	}
	unlock_page(page);
	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	if (IS_ERR(handle)) {
		ret = VM_FAULT_SIGBUS;
		goto out;
	}
	lock_page(page);
	wait_for_stable_page(page);
	err = __block_write_begin(page, 0, PAGE_SIZE, demo_get_block);
	if (!err && ext4_should_journal_data(inode))
		err = ext4_walk_page_buffers(handle, page_buffers(page), 0, PAGE_SIZE, NULL,
					     demo_get_access);
	if (err)
		unlock_page(page);
	ext4_journal_stop(handle);
	ret = block_page_mkwrite_return(err);
out:
	sb_end_pagefault(inode->i_sb);
	return ret;
}

const struct vm_operations_struct demo_vm_ops = {
	.page_mkwrite = demo_page_mkwrite,
};
