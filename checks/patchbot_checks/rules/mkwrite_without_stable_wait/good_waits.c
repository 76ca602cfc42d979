/* It waits on every way: itself, in a helper, by block_page_mkwrite(), or jbd2 does for it. */

static int demo_get_access(handle_t *handle, struct buffer_head *bh)
{
	return do_journal_get_write_access(handle, bh);
}

static int demo_journal_page(handle_t *handle, struct page *page, unsigned int len)
{
	return ext4_walk_page_buffers(handle, page_buffers(page), 0, len, NULL,
				      do_journal_get_write_access);
}

static void demo_finish(struct page *page, bool stable)
{
	if (stable)
		wait_for_stable_page(page);
}

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct page *page = vmf->page;
	struct inode *inode = file_inode(vmf->vma->vm_file);
	vm_fault_t ret;
	handle_t *handle;
	int err;

	if (demo_is_plain(inode) && !ext4_should_journal_data(inode)) {
		err = block_page_mkwrite(vmf->vma, vmf, demo_get_block);
		return block_page_mkwrite_return(err);
	}
	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	if (IS_ERR(handle))
		return VM_FAULT_SIGBUS;
	lock_page(page);
	ret = VM_FAULT_LOCKED;
	if (ext4_should_journal_data(inode)) {
		if (demo_journal_page(handle, page, PAGE_SIZE)) {
			unlock_page(page);
			ret = VM_FAULT_SIGBUS;
		}
	} else {
		demo_finish(page, true);
	}
	ext4_journal_stop(handle);
	return ret;
}

static const struct vm_operations_struct demo_vm_ops = {
	.page_mkwrite	= demo_page_mkwrite,
};
