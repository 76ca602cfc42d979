/* A handle started with a page locked: by itself, found locked, and by a writepage's caller. */

static int demo_write_page(struct inode *host, struct page *page)
{
	handle_t *handle;

	lock_page(page);
	handle = ext4_journal_start(host, EXT4_HT_WRITE_PAGE, 8); /* expect: lock-order */
	if (IS_ERR(handle)) {
		unlock_page(page);
		return PTR_ERR(handle);
	}
	demo_dirty(handle, page);
	unlock_page(page);
	return ext4_journal_stop(handle);
}

static int demo_in_handle(struct inode *host)
{
	handle_t *handle = ext4_journal_start(host, EXT4_HT_INODE, 1);

	if (IS_ERR(handle))
		return PTR_ERR(handle);
	demo_log(handle, host);
	return ext4_journal_stop(handle);
}

static int demo_folio(struct inode *host, struct address_space *mapping, pgoff_t index)
{
	struct folio *folio;
	int err = 0;

	folio = filemap_grab_folio(mapping, index);
	if (IS_ERR(folio))
		return PTR_ERR(folio);
	if (demo_is_new(folio))
		err = demo_in_handle(host); /* expect: lock-order */
	folio_unlock(folio);
	folio_put(folio);
	return err;
}

/* The caller locked the page: it is unlocked here, and nowhere locked before. */
static int demo_write_end(struct inode *inode, struct page *page, unsigned int copied)
{
	handle_t *handle;
	int err;

	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 1); /* expect: lock-order */
	unlock_page(page);
	put_page(page);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	err = ext4_mark_inode_dirty(handle, inode);
	ext4_journal_stop(handle);
	return err ? err : copied;
}
