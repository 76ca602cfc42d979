/* Journalled, and still checked afterwards: in a loop over folios, and by way of a helper. */

static int demo_get(handle_t *handle, struct inode *inode, struct buffer_head *bh)
{
	return ext4_journal_get_write_access(handle, inode->i_sb, bh, EXT4_JTR_NONE);
}

static int demo_journal_folio(handle_t *handle, struct folio *folio)
{
	struct inode *inode = folio->mapping->host;

	return ext4_walk_page_buffers(handle, inode, folio_buffers(folio), 0, folio_size(folio),
				      NULL, demo_get);
}

static int demo_write_folios(handle_t *handle, struct folio_batch *batch)
{
	int i, err = 0;

	for (i = 0; i < batch->nr; i++) {
		struct folio *folio = batch->folios[i];

		folio_lock(folio);
		if (folio_test_checked(folio)) /* expect: pagechecked-misuse */
			err = demo_journal_folio(handle, folio);
		folio_unlock(folio);
		if (err)
			break;
	}
	return err;
}

static int demo_write_one(handle_t *handle, struct page *page, bool forget)
{
	bool checked = PageChecked(page); /* expect: pagechecked-misuse */
	int err = 0;

	if (checked) {
		err = ext4_walk_page_buffers(handle, page_buffers(page), 0, PAGE_SIZE, NULL,
					     do_journal_get_write_access);
		if (forget)
			ClearPageChecked(page);
	}
	unlock_page(page);
	return err;
}

static int demo_set_page_dirty(struct page *page)
{
	SetPageChecked(page);
	return __set_page_dirty_nobuffers(page);
}

static const struct address_space_operations demo_aops = {
	.set_page_dirty	= demo_set_page_dirty,
};
