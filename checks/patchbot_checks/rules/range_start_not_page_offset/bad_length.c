/* The start is right, the length does not cover what is valid of the page. */

static int demo_one_byte(handle_t *handle, struct inode *inode, struct page *page)
{
	return ext4_jbd2_inode_add_write(handle, inode, page_offset(page), 1); /* expect: range-start-not-page-offset */
}

static int demo_short(handle_t *handle, struct inode *inode, struct folio *folio)
{
	size_t len = folio_size(folio);

	return ext4_jbd2_inode_add_write(handle, inode, folio_pos(folio), len - 1); /* expect: range-start-not-page-offset */
}

static int demo_half(handle_t *handle, struct inode *inode, struct page *page, unsigned int len)
{
	len = PAGE_SIZE;
	return ext4_jbd2_inode_add_write(handle, inode, (loff_t)page->index << PAGE_SHIFT,
					 len >> 1); /* expect: range-start-not-page-offset */
}

static int demo_nothing(handle_t *handle, struct inode *inode, struct page *page)
{
	return ext4_jbd2_inode_add_write(handle, inode, page_offset(page), 0); /* expect: range-start-not-page-offset */
}
