/* Constant starts: directly, by a variable, by a macro, and through a wrapper. */

#define DEMO_FROM	0

static int demo_track(handle_t *handle, struct inode *inode, unsigned int bytes)
{
	return jbd2_journal_inode_ranged_write(handle, DEMO_I(inode)->jinode, 0, bytes);
}

static int demo_write_page(handle_t *handle, struct page *page, unsigned int len)
{
	struct inode *inode = page->mapping->host;
	loff_t start = 0;
	int err;

	lock_page(page);
	err = ext4_jbd2_inode_add_write(handle, inode, 0, len); /* expect: range-start-not-page-offset */
	if (!err)
		err = ext4_jbd2_inode_add_write(handle, inode,
						start, /* expect: range-start-not-page-offset */
						len);
	if (!err)
		err = ext4_jbd2_inode_add_wait(handle, inode, DEMO_FROM, len); /* expect: range-start-not-page-offset */
	unlock_page(page);
	return err;
}

static int demo_write_folio(handle_t *handle, struct folio *folio)
{
	return demo_track(handle, folio->mapping->host, folio_size(folio)); /* expect: range-start-not-page-offset */
}

static int demo_write_second(handle_t *handle, struct inode *inode, struct page *page, size_t len)
{
	loff_t start;

	if (!len)
		return 0;
	else
		start = PAGE_SIZE;
	return ext4_jbd2_inode_add_write(handle, inode, start, len); /* expect: range-start-not-page-offset */
}
