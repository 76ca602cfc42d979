/* Only invalidation clears it; and it is set although there are no buffers. */

static bool demo_dirty_folio(struct address_space *mapping, struct folio *folio)
{
	if (!folio_buffers(folio))
		folio_set_checked(folio); /* expect: pagechecked-misuse */ /* expect: pagechecked-misuse */
	return filemap_dirty_folio(mapping, folio);
}

static int demo_set_page_dirty(struct page *page)
{
	if (page_has_buffers(page))
		goto mark;
	if (demo_is_small(page))
		create_empty_buffers(page, 1024, 0);
mark:
	SetPageChecked(page); /* expect: pagechecked-misuse */ /* expect: pagechecked-misuse */
	return __set_page_dirty_nobuffers(page);
}

static void demo_invalidate_folio(struct folio *folio, size_t offset, size_t length)
{
	if (offset == 0)
		folio_clear_checked(folio);
	jbd2_journal_invalidate_folio(EXT4_JOURNAL(folio->mapping->host), folio, offset, length);
}

int demo_journal(handle_t *handle, struct folio *folio)
{
	return ext4_walk_page_buffers(handle, folio_buffers(folio), 0, folio_size(folio), NULL,
				      do_journal_get_write_access);
}

const struct address_space_operations demo_aops = {
	.dirty_folio		= demo_dirty_folio,
	.invalidate_folio	= demo_invalidate_folio,
};

const struct address_space_operations demo_old_aops = {
	.set_page_dirty		= demo_set_page_dirty,
};
