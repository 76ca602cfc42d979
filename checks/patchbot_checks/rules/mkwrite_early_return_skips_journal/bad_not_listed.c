/* The commit protects pages of inodes on its list: one leg forgets the list, one the dirtying. */

static int demo_write_access(handle_t *handle, struct inode *inode, struct buffer_head *bh)
{
	return do_journal_get_write_access(handle, inode, bh);
}

static int demo_dirty(handle_t *handle, struct inode *inode, struct buffer_head *bh)
{
	set_buffer_uptodate(bh);
	return ext4_handle_dirty_metadata(handle, NULL, bh);
}

static int demo_journal_folio(handle_t *handle, struct folio *folio, size_t len)
{
	struct buffer_head *head = folio_buffers(folio);
	struct inode *inode = folio->mapping->host;
	int err;

	err = ext4_walk_page_buffers(handle, inode, head, 0, len, NULL, demo_write_access);
	if (!err)
		err = ext4_walk_page_buffers(handle, inode, head, 0, len, NULL, demo_dirty);
	return err;
}

static vm_fault_t demo_mkwrite(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);
	struct inode *inode = file_inode(vmf->vma->vm_file);
	handle_t *handle;
	int err;

	if (!ext4_should_journal_data(inode))
		return block_page_mkwrite_return(block_page_mkwrite(vmf->vma, vmf, demo_get_block));
	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	if (IS_ERR(handle))
		return VM_FAULT_SIGBUS;
	folio_lock(folio);
	err = demo_journal_folio(handle, folio, folio_size(folio));
	if (err)
		folio_unlock(folio);
	ext4_journal_stop(handle);
	return err ? VM_FAULT_SIGBUS : VM_FAULT_LOCKED; /* expect: mkwrite-early-return-skips-journal */
}

static vm_fault_t demo_big_mkwrite(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);
	struct inode *inode = file_inode(vmf->vma->vm_file);
	handle_t *handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	vm_fault_t ret = VM_FAULT_SIGBUS;

	if (IS_ERR(handle))
		return ret;
	folio_lock(folio);
	folio_wait_stable(folio);
	if (ext4_walk_page_buffers(handle, inode, folio_buffers(folio), 0, folio_size(folio), NULL,
				   demo_write_access))
		goto fail;
	if (ext4_jbd2_inode_add_write(handle, inode, folio_pos(folio), folio_size(folio)))
		goto fail;
	ret = VM_FAULT_LOCKED; /* expect: mkwrite-early-return-skips-journal */
	goto stop;
fail:
	folio_unlock(folio);
stop:
	ext4_journal_stop(handle);
	return ret;
}

static int demo_submit(struct jbd2_inode *jinode)
{
	if (ext4_should_journal_data(jinode->i_vfs_inode))
		return demo_protect_pages(jinode);
	return jbd2_journal_submit_inode_data_buffers(jinode);
}

static void demo_load(journal_t *journal)
{
	journal->j_submit_inode_data_buffers = demo_submit;
}

const struct vm_operations_struct demo_vm_ops = {
	.page_mkwrite = demo_mkwrite,
};

const struct vm_operations_struct demo_big_vm_ops = {
	.page_mkwrite = demo_big_mkwrite,
};

/* file: fs/demo/map.c */
/* A get_block callback puts inodes of ordered data on the list: that is not this page's journalling. */

int demo_map_block(struct inode *inode, sector_t block, struct buffer_head *bh, int create)
{
	handle_t *handle = ext4_journal_current_handle();

	return ext4_jbd2_inode_add_write(handle, inode, demo_first_byte(block), demo_bytes(bh));
}

static vm_fault_t demo_mapping_mkwrite(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);
	struct inode *inode = folio->mapping->host;
	handle_t *handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 3);
	vm_fault_t ret;
	int err;

	if (IS_ERR(handle))
		return VM_FAULT_SIGBUS;
	folio_lock(folio);
	folio_wait_stable(folio);
	err = __block_write_begin(&folio->page, 0, PAGE_SIZE, demo_map_block);
	if (!err)
		err = ext4_walk_page_buffers(handle, inode, folio_buffers(folio), 0, PAGE_SIZE,
					     NULL, do_journal_get_write_access);
	if (!err)
		err = ext4_walk_page_buffers(handle, inode, folio_buffers(folio), 0, PAGE_SIZE,
					     NULL, jbd2_journal_dirty_metadata);
	if (err)
		folio_unlock(folio);
	ext4_journal_stop(handle);
	ret = vmf_fs_error(err); /* expect: mkwrite-early-return-skips-journal */
	return ret;
}

static const struct vm_operations_struct demo_map_vm_ops = {
	.page_mkwrite = demo_mapping_mkwrite,
};
