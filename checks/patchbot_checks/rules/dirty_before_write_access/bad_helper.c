/* What dirties, and what gets write access, are helpers; callbacks; and an #ifdef arm. */

static void demo_commit(struct page *page, unsigned int len)
{
	if (len)
		block_commit_write(page, 0, len);
}

static int demo_access(handle_t *handle, struct buffer_head *bh)
{
	return ext4_journal_get_write_access(handle, bh);
}

static int demo_dirty(handle_t *handle, struct buffer_head *bh)
{
	return jbd2_journal_dirty_metadata(handle, bh);
}

static int demo_get_all(handle_t *handle, struct page *page, unsigned int len)
{
	return ext4_walk_page_buffers(handle, page_buffers(page), 0, len, NULL, demo_access);
}

int demo_store(handle_t *handle, struct inode *inode, struct page *page, unsigned int len)
{
	int err = 0;

	demo_commit(page, len); /* expect: dirty-before-write-access */
	if (ext4_should_journal_data(inode))
		err = demo_get_all(handle, page, len);
	return err;
}

int demo_store_twice(handle_t *handle, struct inode *inode, struct page *page, unsigned int len)
{
	int err;

	if (!ext4_should_journal_data(inode))
		return block_commit_write(page, 0, len);
	err = ext4_walk_page_buffers(handle, page_buffers(page), 0, len, NULL, demo_dirty); /* expect: dirty-before-write-access */
	if (!err)
		err = demo_get_all(handle, page, len);
	return err;
}

int demo_touch(handle_t *handle, struct inode *inode, struct folio *folio)
{
#ifdef CONFIG_DEMO_EARLY
	folio_mark_dirty(folio); /* expect: dirty-before-write-access */
#endif
	return ext4_walk_page_buffers(handle, folio_buffers(folio), 0, folio_size(folio), NULL,
				      do_journal_get_write_access);
}
