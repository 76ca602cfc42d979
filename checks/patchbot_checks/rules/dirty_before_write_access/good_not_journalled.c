/* These dirty buffers for writeback, on the ways on which data is not journalled. */

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct page *page = vmf->page;
	struct inode *inode = file_inode(vmf->vma->vm_file);
	handle_t *handle;
	int err;

	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	if (IS_ERR(handle))
		return VM_FAULT_SIGBUS;
	if (!ext4_should_journal_data(inode)) {
		err = block_page_mkwrite(vmf->vma, vmf, demo_get_block);
		goto stop;
	}
	lock_page(page);
	err = __block_write_begin(page, 0, PAGE_SIZE, demo_get_block);
	if (!err)
		err = ext4_walk_page_buffers(handle, page_buffers(page), 0, PAGE_SIZE, NULL,
					     do_journal_get_write_access);
	if (err)
		unlock_page(page);
stop:
	ext4_journal_stop(handle);
	return block_page_mkwrite_return(err);
}

int demo_end(handle_t *handle, struct inode *inode, struct buffer_head *bh, bool metadata)
{
	if (ext4_should_order_data(inode)) {
		mark_buffer_dirty(bh);
		return 0;
	}
	if (metadata)
		return ext4_journal_get_write_access(handle, bh);
	return 0;
}

int demo_super(handle_t *handle, struct demo_sb_info *sbi, struct page *page)
{
	mark_buffer_dirty(sbi->s_sbh);
	if (!page_buffers(page))
		return 0;
	return ext4_journal_get_write_access(handle, sbi->s_sbh);
}

const struct vm_operations_struct demo_vm_ops = {
	.page_mkwrite = demo_page_mkwrite,
};
