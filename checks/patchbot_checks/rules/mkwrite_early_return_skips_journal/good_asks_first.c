/* The early way out is only for data that is not journalled; the answer may come by several ways. */

static bool demo_is_journalled(struct inode *inode)
{
	if (!S_ISREG(inode->i_mode))
		return false;
	return ext4_should_journal_data(inode);
}

static int demo_journal_page(handle_t *handle, struct page *page, unsigned int len)
{
	struct inode *inode = page->mapping->host;
	int err;

	err = ext4_walk_page_buffers(handle, page_buffers(page), 0, len, NULL,
				     do_journal_get_write_access);
	if (err)
		return err;
	err = ext4_walk_page_buffers(handle, page_buffers(page), 0, len, NULL, demo_dirty_buffer);
	return err ? err : ext4_jbd2_inode_add_write(handle, inode, page_offset(page), len);
}

static int demo_dirty_buffer(handle_t *handle, struct buffer_head *bh)
{
	return jbd2_journal_dirty_metadata(handle, bh);
}

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct page *page = vmf->page;
	struct inode *inode = file_inode(vmf->vma->vm_file);
	bool journalled = ext4_should_journal_data(inode);
	vm_fault_t ret = VM_FAULT_SIGBUS;
	handle_t *handle;

	lock_page(page);
	if (page_has_buffers(page) && !journalled) {
		wait_for_stable_page(page);
		return VM_FAULT_LOCKED;
	}
	unlock_page(page);
	if (!journalled)
		return block_page_mkwrite_return(block_page_mkwrite(vmf->vma, vmf, demo_get_block));
	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	if (IS_ERR(handle))
		return ret;
	lock_page(page);
	if (demo_journal_page(handle, page, PAGE_SIZE))
		unlock_page(page);
	else
		ret = VM_FAULT_LOCKED;
	ext4_journal_stop(handle);
	return ret;
}

static vm_fault_t demo_plain_mkwrite(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);

	if (demo_is_journalled(inode))
		return VM_FAULT_SIGBUS;
	lock_page(vmf->page);
	wait_for_stable_page(vmf->page);
	return VM_FAULT_LOCKED;
}

static vm_fault_t demo_ordered_mkwrite(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);

	if (!ext4_should_order_data(inode))
		return VM_FAULT_SIGBUS;
	return filemap_page_mkwrite(vmf) ? VM_FAULT_NOPAGE : VM_FAULT_LOCKED;
}

static vm_fault_t demo_mode_mkwrite(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);

	if (ext4_inode_journal_mode(inode) & EXT4_INODE_JOURNAL_DATA_MODE)
		return VM_FAULT_SIGBUS;
	lock_page(vmf->page);
	wait_for_stable_page(vmf->page);
	return VM_FAULT_LOCKED;
}

static void demo_install(struct demo_ops *ops)
{
	ops->page_mkwrite = demo_page_mkwrite;
	ops->next->page_mkwrite = demo_plain_mkwrite;
	ops->last->page_mkwrite = demo_ordered_mkwrite;
	ops->mode->page_mkwrite = demo_mode_mkwrite;
}
