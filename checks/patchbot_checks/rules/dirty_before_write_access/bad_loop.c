/* Buffer by buffer, in the wrong order; one leg of a switch; and dirty in the transaction too soon. */

int demo_journal_folio(handle_t *handle, struct inode *inode, struct folio *folio)
{
	struct buffer_head *head = folio_buffers(folio);
	struct buffer_head *bh = head;
	int err = 0;

	do {
		mark_buffer_dirty(bh); /* expect: dirty-before-write-access */
		err = do_journal_get_write_access(handle, inode, bh);
	} while (!err && (bh = bh->b_this_page) != head);
	return err;
}

int demo_journal_range(handle_t *handle, struct page *page, unsigned int from, unsigned int to)
{
	struct buffer_head *bh = page_buffers(page);
	struct inode *inode = page->mapping->host;
	int err;

	switch (demo_state(page)) {
	case DEMO_MAPPED:
		block_commit_write(page, from, to); /* expect: dirty-before-write-access */
		break;
	case DEMO_PLAIN:
		if (ext4_should_journal_data(inode))
			return -EINVAL;
		block_commit_write(page, from, to);
		return 0;
	default:
		if (!page_has_buffers(page))
			return 0;
	}
	for (; bh; bh = demo_next(bh)) {
		err = do_journal_get_write_access(handle, bh);
		if (err)
			return err;
	}
	return 0;
}

int demo_journal_one(handle_t *handle, struct page *page)
{
	struct buffer_head *bh = page_buffers(page);
	int err;

	err = ext4_handle_dirty_metadata(handle, NULL, bh); /* expect: dirty-before-write-access */
	return err ? err : ext4_journal_get_write_access(handle, bh);
}
