/* Cleared, unlocked, and only then journalled; in a helper; on a way that journals nothing. */

static int demo_journal(handle_t *handle, struct page *page, unsigned int len)
{
	return ext4_walk_page_buffers(handle, page_buffers(page), 0, len, NULL,
				      do_journal_get_write_access);
}

static int demo_journalled_writepage(struct page *page, unsigned int len)
{
	struct address_space *mapping = page->mapping;
	handle_t *handle;
	int err;

	ClearPageChecked(page); /* expect-warning: pagechecked-misuse */
	get_page(page);
	unlock_page(page);
	handle = ext4_journal_start(mapping->host, EXT4_HT_WRITE_PAGE, 3);
	if (IS_ERR(handle)) {
		put_page(page);
		return PTR_ERR(handle);
	}
	lock_page(page);
	put_page(page);
	err = page->mapping == mapping ? demo_journal(handle, page, len) : 0;
	unlock_page(page);
	ext4_journal_stop(handle);
	return err;
}

static int demo_writepage(struct page *page, struct writeback_control *wbc)
{
	if (PageChecked(page) && ext4_should_journal_data(page->mapping->host))
		return demo_journalled_writepage(page, PAGE_SIZE);
	return block_write_full_page(page, demo_get_block, wbc);
}

static void demo_unmark(struct folio *folio)
{
	folio_clear_checked(folio);
}

static int demo_write_folio(handle_t *handle, struct folio *folio, bool again)
{
	int err = 0;

	if (!folio_test_checked(folio))
		return 0;
	demo_unmark(folio); /* expect-warning: pagechecked-misuse */
	if (again)
		goto out;
	err = ext4_walk_page_buffers(handle, folio_buffers(folio), 0, folio_size(folio), NULL,
				     do_journal_get_write_access);
out:
	folio_unlock(folio);
	return err;
}

static int demo_skip_folio(struct folio *folio)
{
	folio_clear_checked(folio); /* expect: pagechecked-misuse */
	folio_unlock(folio);
	return 0;
}

static bool demo_dirty_folio(struct address_space *mapping, struct folio *folio)
{
	folio_set_checked(folio);
	return filemap_dirty_folio(mapping, folio);
}

static const struct address_space_operations demo_aops = {
	.writepage	= demo_writepage,
	.dirty_folio	= demo_dirty_folio,
};
