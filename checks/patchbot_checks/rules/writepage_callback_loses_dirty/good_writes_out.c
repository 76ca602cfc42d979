/* These write the page out, or are passed to something else. */

static int demo_writepage(struct page *page, struct writeback_control *wbc, void *data)
{
	if (demo_has_no_space(page)) {
		redirty_page_for_writepage(wbc, page);
		return AOP_WRITEPAGE_ACTIVATE;
	}
	return block_write_full_page(page, demo_get_block, wbc);
}

static int demo_count_page(struct page *page, struct writeback_control *wbc, void *data)
{
	return AOP_WRITEPAGE_ACTIVATE;
}

int demo_writepages(struct address_space *mapping, struct writeback_control *wbc)
{
	demo_walk(mapping, wbc, demo_count_page, NULL);
	return write_cache_pages(mapping, wbc, demo_writepage, NULL);
}
