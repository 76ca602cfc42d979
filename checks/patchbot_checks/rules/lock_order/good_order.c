/* The right order, trylocks, nested handles, and locks dropped before. */

static int demo_write_page(struct inode *host, struct page *page, struct address_space *mapping)
{
	handle_t *handle;

	lock_page(page);
	demo_look(page);
	unlock_page(page);
	handle = ext4_journal_start(host, EXT4_HT_WRITE_PAGE, 8);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	lock_page(page);
	if (page->mapping == mapping)
		demo_dirty(handle, page);
	unlock_page(page);
	return ext4_journal_stop(handle);
}

static int demo_nested(handle_t *outer, struct inode *host, struct folio *folio)
{
	handle_t *handle;

	folio_lock(folio);
	handle = ext4_journal_start(host, EXT4_HT_INODE, 1);
	if (!IS_ERR(handle))
		ext4_journal_stop(handle);
	folio_unlock(folio);
	return 0;
}

static int demo_writepage(struct page *page, struct writeback_control *wbc)
{
	struct inode *host = page->mapping->host;
	handle_t *handle;

	get_page(page);
	unlock_page(page);
	handle = ext4_journal_start(host, EXT4_HT_WRITE_PAGE, 8);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	demo_log(handle, host);
	return ext4_journal_stop(handle);
}

static int demo_set_flag(struct inode *host, struct demo_sb *sbi)
{
	handle_t *handle;
	int err;

	down_write(&sbi->i_mmap_sem);
	err = filemap_write_and_wait(host->i_mapping);
	if (err)
		goto out;
	percpu_down_write(&sbi->s_journal_flag_rwsem);
	handle = ext4_journal_start(host, EXT4_HT_INODE, 1);
	if (IS_ERR(handle)) {
		err = filemap_flush(host->i_mapping);
	} else {
		demo_log(handle, host);
		ext4_journal_stop(handle);
		filemap_flush(host->i_mapping);
	}
	percpu_up_write(&sbi->s_journal_flag_rwsem);
out:
	up_write(&sbi->i_mmap_sem);
	return err;
}

static const struct address_space_operations demo_aops = {
	.writepage = demo_writepage,
};

static int demo_write_end(struct inode *inode, struct folio *folio, unsigned int copied)
{
	handle_t *handle;

	folio_unlock(folio);
	folio_put(folio);
	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 1);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	folio_lock(folio);
	folio_unlock(folio);
	return ext4_journal_stop(handle);
}
