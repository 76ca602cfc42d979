/* Calls that unlock or drop what another argument than the first says. */

static int demo_write_end(struct file *file, struct address_space *mapping, loff_t pos,
			  unsigned len, unsigned copied, struct page *page, void *fsdata)
{
	struct page *other;

	other = grab_cache_page_write_begin(mapping, pos >> PAGE_SHIFT, 0);
	if (!other)
		return -ENOMEM;
	return generic_write_end(file, mapping, pos, len, copied, other, fsdata);
}

static int demo_write_full(struct inode *inode, struct page *page, struct writeback_control *wbc)
{
	lock_page(page);
	if (!page->mapping) {
		unlock_page(page);
		return 0;
	}
	return __block_write_full_page(inode, page, demo_get_block, wbc, end_buffer_async_write);
}

static void demo_submit_old(struct buffer_head *bh)
{
	lock_buffer(bh);
	if (test_clear_buffer_dirty(bh))
		submit_bh_wbc(REQ_OP_WRITE, 0, bh, 0, NULL);
	else
		unlock_buffer(bh);
}

static void demo_submit(struct buffer_head *bh, struct writeback_control *wbc)
{
	lock_buffer(bh);
	if (test_clear_buffer_dirty(bh))
		submit_bh_wbc(REQ_OP_WRITE, bh, wbc);
	else
		unlock_buffer(bh);
}

static int demo_read(struct buffer_head *bh, bool wait)
{
	lock_buffer(bh);
	if (buffer_uptodate(bh)) {
		unlock_buffer(bh);
		return 0;
	}
	return __bh_read(bh, 0, wait);
}

static int demo_twice(struct address_space *mapping, pgoff_t index)
{
	struct page *page = find_get_page(mapping, index);

	if (!page)
		return -ENOENT;
	get_page(page);
	demo_note(mapping->host);
	put_page(page);
	put_page(page);
	return 0;
}

static int demo_publish(struct demo_sb_info *sbi)
{
	struct demo_table *table = kzalloc(sizeof(*table), GFP_KERNEL);

	if (!table)
		return -ENOMEM;
	WRITE_ONCE(sbi->s_table, table);
	return 0;
}
