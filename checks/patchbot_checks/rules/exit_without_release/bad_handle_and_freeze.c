/* A handle, freeze protection or the page's lock kept in a fault handler and elsewhere. */

static int demo_start_it(struct inode *inode, handle_t **result)
{
	handle_t *handle = ext4_journal_start(inode, EXT4_HT_INODE, 2);

	if (IS_ERR(handle))
		return PTR_ERR(handle);
	*result = handle;
	return 0;
}

static int demo_set_label(struct inode *inode, const char *label)
{
	handle_t *handle;
	int err;

	handle = ext4_journal_start(inode, EXT4_HT_MISC, 1);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	if (!label)
		return -EINVAL; /* expect: exit-without-release */
	err = demo_store_label(handle, inode, label);
	ext4_journal_stop(handle);
	return err;
}

static int demo_never_stopped(struct inode *inode)
{
	handle_t *handle;
	int err;

	handle = ext4_journal_start(inode, EXT4_HT_MISC, 1);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	err = demo_store(handle, inode);
	return err; /* expect: exit-without-release */
}

static int demo_stopped_twice(struct inode *inode)
{
	handle_t *handle;
	int err;

	handle = ext4_journal_start(inode, EXT4_HT_MISC, 1);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	err = demo_store(handle, inode);
	if (err) {
		ext4_journal_stop(handle);
		goto out; /* expect: exit-without-release */
	}
	err = demo_store_more(handle, inode);
out:
	ext4_journal_stop(handle);
	return err;
}

static int demo_ioctl_flags(struct file *filp, unsigned int flags)
{
	struct inode *inode = file_inode(filp);
	int err;

	err = mnt_want_write_file(filp);
	if (err)
		return err;
	if (flags & ~DEMO_FLAGS)
		return -EOPNOTSUPP; /* expect: exit-without-release */
	err = demo_change_flags(inode, flags);
	mnt_drop_write_file(filp);
	return err;
}

static vm_fault_t demo_mkwrite_page(struct vm_fault *vmf)
{
	struct page *page = vmf->page;
	struct inode *inode = file_inode(vmf->vma->vm_file);
	vm_fault_t ret = VM_FAULT_LOCKED;

	sb_start_pagefault(inode->i_sb);
	lock_page(page);
	if (page->mapping != inode->i_mapping) {
		ret = VM_FAULT_NOPAGE;
		goto out; /* expect: exit-without-release */
	}
	wait_for_stable_page(page);
	if (demo_reserve(inode, page)) {
		unlock_page(page);
		return VM_FAULT_SIGBUS; /* expect: exit-without-release */
	}
out:
	sb_end_pagefault(inode->i_sb);
	return ret;
}

static vm_fault_t demo_mkwrite_folio(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);
	struct inode *inode = file_inode(vmf->vma->vm_file);

	sb_start_pagefault(inode->i_sb);
	folio_lock(folio);
	if (folio->mapping != inode->i_mapping || demo_gone(inode)) {
		sb_end_pagefault(inode->i_sb);
		return VM_FAULT_NOPAGE; /* expect: exit-without-release */
	}
	folio_wait_stable(folio);
	sb_end_pagefault(inode->i_sb);
	return VM_FAULT_LOCKED;
}
