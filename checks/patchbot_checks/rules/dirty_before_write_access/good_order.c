/* Write access first; dirty only where data is not journalled; other buffers; new buffers. */

int demo_write_end(handle_t *handle, struct inode *inode, struct folio *folio)
{
	struct buffer_head *head = folio_buffers(folio);
	struct buffer_head *bh = head;
	int err;

	do {
		err = do_journal_get_write_access(handle, inode, bh);
		if (err)
			return err;
		err = ext4_handle_dirty_metadata(handle, NULL, bh);
	} while (!err && (bh = bh->b_this_page) != head);
	folio_mark_dirty(folio);
	return err;
}

int demo_zero(handle_t *handle, struct inode *inode, struct buffer_head *bh)
{
	bool journalled = ext4_should_journal_data(inode);
	int err = 0;

	if (journalled)
		err = ext4_journal_get_write_access(handle, bh);
	if (err)
		return err;
	if (journalled)
		err = ext4_handle_dirty_metadata(handle, inode, bh);
	else
		mark_buffer_dirty(bh);
	return err;
}

int demo_write_begin(handle_t *handle, struct inode *inode, struct page *page, unsigned int len)
{
	struct buffer_head *head = page_buffers(page);
	struct buffer_head *bh;
	int err = 0;

	for (bh = head; bh; bh = demo_next(bh)) {
		if (demo_map(inode, bh))
			return -EIO;
		if (buffer_new(bh)) {
			set_buffer_uptodate(bh);
			mark_buffer_dirty(bh);
		}
	}
	if (ext4_should_journal_data(inode))
		err = ext4_walk_page_buffers(handle, head, 0, len, NULL,
					     do_journal_get_write_access);
	return err;
}

int demo_next_page(handle_t *handle, struct inode *inode, struct buffer_head *super, int count)
{
	int err = 0;

	mark_buffer_dirty(super);
	while (!err && count--) {
		struct page *page = demo_take(inode, count);

		err = ext4_walk_page_buffers(handle, page_buffers(page), 0, PAGE_SIZE, NULL,
					     do_journal_get_write_access);
		if (!err)
			err = ext4_walk_page_buffers(handle, page_buffers(page), 0, PAGE_SIZE, NULL,
						     demo_make_dirty);
	}
	return err;
}

static int demo_make_dirty(handle_t *handle, struct buffer_head *bh)
{
	return ext4_handle_dirty_metadata(handle, NULL, bh);
}
