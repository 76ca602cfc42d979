/* The commit of this tree knows nothing of journalled data: write access is all that can be had. */

static int demo_load(journal_t *journal)
{
	journal->j_submit_inode_data_buffers = jbd2_journal_submit_inode_data_buffers;
	return 0;
}

static int demo_zero(handle_t *handle, struct inode *inode, struct buffer_head *bh, loff_t from)
{
	int err = 0;

	if (ext4_should_journal_data(inode))
		err = ext4_journal_get_write_access(handle, bh);
	else if (ext4_should_order_data(inode))
		err = ext4_jbd2_inode_add_write(handle, inode, from, 1);
	return err;
}

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct page *page = vmf->page;
	struct inode *inode = file_inode(vmf->vma->vm_file);
	handle_t *handle;
	int err;

	if (demo_unpack(inode))
		return VM_FAULT_SIGBUS;
	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	if (IS_ERR(handle))
		return VM_FAULT_SIGBUS;
	lock_page(page);
	wait_for_stable_page(page);
	err = __block_write_begin(page, 0, PAGE_SIZE, demo_get_block);
	if (!err && ext4_should_journal_data(inode))
		err = ext4_walk_page_buffers(handle, page_buffers(page), 0, PAGE_SIZE, NULL,
					     do_journal_get_write_access);
	if (err)
		unlock_page(page);
	ext4_journal_stop(handle);
	return err ? VM_FAULT_SIGBUS : VM_FAULT_LOCKED;
}

static const struct vm_operations_struct demo_vm_ops = {
	.fault		= filemap_fault,
	.page_mkwrite	= demo_page_mkwrite,
};
