/* A helper that answers early, a switch, an #ifdef arm, an error that is dropped, and 0 for locked. */

static vm_fault_t demo_quick(struct vm_fault *vmf, struct inode *inode)
{
	if (demo_is_full(inode))
		return VM_FAULT_SIGBUS;
	lock_page(vmf->page);
	wait_on_page_writeback(vmf->page);
	return VM_FAULT_LOCKED; /* expect: mkwrite-early-return-skips-journal */
}

static vm_fault_t demo_journalled(struct vm_fault *vmf, struct inode *inode, handle_t *handle)
{
	struct page *page = vmf->page;

	lock_page(page);
	wait_for_stable_page(page);
	if (ext4_walk_page_buffers(handle, page_buffers(page), 0, PAGE_SIZE, NULL,
				   do_journal_get_write_access)) {
		unlock_page(page);
		return VM_FAULT_SIGBUS;
	}
	return VM_FAULT_LOCKED;
}

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);
	handle_t *handle;
	vm_fault_t ret;

#ifdef CONFIG_DEMO_QUICK
	if (vmf->flags & FAULT_FLAG_TRIED)
		return demo_quick(vmf, inode);
#endif
	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	if (IS_ERR(handle))
		return VM_FAULT_OOM;
	ret = demo_journalled(vmf, inode, handle);
	ext4_journal_stop(handle);
	return ret;
}

static vm_fault_t demo_second_mkwrite(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);
	struct inode *inode = folio->mapping->host;
	vm_fault_t ret = 0;

	switch (demo_layout(inode)) {
	case DEMO_PLAIN:
		if (!ext4_should_journal_data(inode))
			return filemap_page_mkwrite(vmf);
		ret = VM_FAULT_NOPAGE;
		break;
	case DEMO_PACKED:
		folio_lock(folio);
		folio_wait_stable(folio);
		ret |= VM_FAULT_LOCKED; /* expect: mkwrite-early-return-skips-journal */
		break;
	default:
		folio_wait_writeback(folio);
		return 0; /* expect: mkwrite-early-return-skips-journal */
	}
	return ret;
}

static vm_fault_t demo_third_mkwrite(struct vm_fault *vmf)
{
	struct page *page = vmf->page;
	struct inode *inode = page->mapping->host;
	handle_t *handle;

	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	if (IS_ERR(handle))
		return VM_FAULT_SIGBUS;
	lock_page(page);
	wait_for_stable_page(page);
	ext4_walk_page_buffers(handle, page_buffers(page), 0, PAGE_SIZE, NULL,
			       do_journal_get_write_access);
	ext4_journal_stop(handle);
	return VM_FAULT_LOCKED; /* expect: mkwrite-early-return-skips-journal */
}

static const struct vm_operations_struct demo_vm_ops[] = {
	{ .page_mkwrite = demo_page_mkwrite, },
	{ .page_mkwrite = demo_second_mkwrite, },
};

static void demo_install(struct demo_ops *ops)
{
	ops->page_mkwrite = demo_second_mkwrite;
	ops->next->page_mkwrite = demo_third_mkwrite;
	ops->last->page_mkwrite = demo_page_mkwrite;
}
