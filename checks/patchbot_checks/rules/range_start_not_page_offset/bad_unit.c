/* The index, an offset in the wrong unit or within the page, the end of the file, another page. */

static int demo_add(handle_t *handle, struct inode *inode, loff_t from, loff_t bytes)
{
	if (!bytes)
		return 0;
	return ext4_jbd2_inode_add_write(handle, inode, from, bytes);
}

static int demo_index(handle_t *handle, struct inode *inode, struct page *page, unsigned int len)
{
	return ext4_jbd2_inode_add_write(handle, inode, page->index, len); /* expect: range-start-not-page-offset */
}

static int demo_blocks(handle_t *handle, struct inode *inode, struct folio *folio, size_t len)
{
	loff_t start = folio_pos(folio) >> inode->i_blkbits;

	return ext4_jbd2_inode_add_write(handle, inode, start, len); /* expect: range-start-not-page-offset */
}

static int demo_shift(handle_t *handle, struct inode *inode, struct folio *folio, size_t len)
{
	return demo_add(handle, inode, folio->index << inode->i_blkbits, len); /* expect: range-start-not-page-offset */
}

static int demo_within(handle_t *handle, struct inode *inode, struct page *page, loff_t pos)
{
	unsigned int start = pos & ~PAGE_MASK;

	return demo_add(handle, inode, start, PAGE_SIZE); /* expect: range-start-not-page-offset */
}

static int demo_end(handle_t *handle, struct inode *inode, struct page *page, unsigned int len)
{
	loff_t size = i_size_read(inode);

	return demo_add(handle, inode, size, len); /* expect: range-start-not-page-offset */
}

static int demo_two(handle_t *handle, struct inode *inode, struct page *page, struct page *other)
{
	int err;

	lock_page(page);
	err = demo_add(handle, inode, page_offset(other), PAGE_SIZE);
	if (!err)
		err = demo_add(handle, inode, page_offset(inode->i_mapping->last), PAGE_SIZE); /* expect: range-start-not-page-offset */
	unlock_page(page);
	return err;
}

static int demo_next(handle_t *handle, struct inode *inode, struct folio *folio, size_t len)
{
	loff_t after = folio_pos(folio) + PAGE_SIZE;
	int err;

	err = demo_add(handle, inode, after, len); /* expect: range-start-not-page-offset */
	err |= demo_add(handle, inode, folio_pos(folio) - folio_size(folio), len); /* expect: range-start-not-page-offset */
	return err;
}

static int demo_swapped(handle_t *handle, struct inode *inode, struct page *page, size_t len)
{
	return demo_add(handle, inode, len, page_offset(page)); /* expect: range-start-not-page-offset */
}

static int demo_choice(handle_t *handle, struct inode *inode, struct page *page, size_t len)
{
	loff_t from = IS_SYNC(inode) ? 0 : page_offset(page);

	return demo_add(handle, inode, from, len); /* expect: range-start-not-page-offset */
}
