/* Who asks on one leg must ask on the other: in writeback, and before buffers are freed. */

static int demo_journal(handle_t *handle, struct page *page)
{
	ClearPageChecked(page);
	return ext4_walk_page_buffers(handle, page_buffers(page), 0, PAGE_SIZE, NULL,
				      do_journal_get_write_access);
}

static int demo_writepage(struct page *page, struct writeback_control *wbc)
{
	struct inode *inode = page->mapping->host;

	if (!demo_is_tail(page)) {
		if (PageChecked(page) && ext4_should_journal_data(inode))
			return demo_journal(ext4_journal_current_handle(), page);
		return block_write_full_page(page, demo_get_block, wbc);
	}
	demo_zero_tail(page);
	return block_write_full_page(page, demo_get_block, wbc); /* expect: pagechecked-misuse */
}

static bool demo_release_folio(struct folio *folio, gfp_t wait)
{
	journal_t *journal = EXT4_JOURNAL(folio->mapping->host);

	if (journal && folio_test_checked(folio))
		return false;
	return try_to_free_buffers(folio); /* expect: pagechecked-misuse */
}

static int demo_releasepage(struct page *page, gfp_t wait)
{
	switch (demo_kind(page)) {
	case DEMO_JOURNALLED:
		if (PageChecked(page))
			return 0;
		fallthrough;
	case DEMO_OTHER:
		return jbd2_journal_try_to_free_buffers(demo_journal_of(page), page); /* expect: pagechecked-misuse */
	default:
		return 0;
	}
}

static int demo_set_page_dirty(struct page *page)
{
	SetPageChecked(page);
	return __set_page_dirty_nobuffers(page);
}

static const struct address_space_operations demo_aops = {
	.writepage	= demo_writepage,
	.set_page_dirty	= demo_set_page_dirty,
	.releasepage	= demo_releasepage,
	.release_folio	= demo_release_folio,
};
