/* Ranges of a write(2), of an index that was computed, and of a page in an array. */

static int demo_zero(handle_t *handle, struct address_space *mapping, loff_t from, loff_t length)
{
	struct inode *inode = mapping->host;
	struct folio *folio = filemap_lock_folio(mapping, from >> PAGE_SHIFT);
	int err;

	folio_zero_segment(folio, 0, length);
	err = ext4_jbd2_inode_add_write(handle, inode, from, length);
	folio_unlock(folio);
	folio_put(folio);
	return err;
}

static int demo_swap(handle_t *handle, struct inode *inode, struct folio *folio[2], pgoff_t index)
{
	int err = ext4_jbd2_inode_add_write(handle, inode, (loff_t)index << PAGE_SHIFT, 4096);

	folio_unlock(folio[0]);
	folio_unlock(folio[1]);
	return err;
}

static int demo_all(handle_t *handle, struct inode *inode, struct demo_ctxt *c)
{
	int i, err = 0;

	for (i = 0; i < c->count && !err; i++) {
		struct page *page = c->pages[i];

		if (!page_has_buffers(page))
			continue;
		err = ext4_jbd2_inode_add_write(handle, inode, page_offset(page), PAGE_SIZE);
	}
	return err;
}
