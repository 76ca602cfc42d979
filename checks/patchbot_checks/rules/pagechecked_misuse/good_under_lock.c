/* Cleared and journalled under the page lock, with a handle; invalidated; asked for on every leg. */

static int demo_journal(handle_t *handle, struct folio *folio, size_t len)
{
	int err;

	err = ext4_walk_page_buffers(handle, folio_buffers(folio), 0, len, NULL,
				     do_journal_get_write_access);
	return err ? err : demo_list(handle, folio, len);
}

static int demo_write_checked(handle_t *handle, struct demo_walk *walk, struct folio *folio)
{
	folio_clear_checked(folio);
	walk->count--;
	return demo_journal(handle, folio, folio_size(folio));
}

static int demo_submit(struct demo_walk *walk, struct folio *folio)
{
	return ext4_bio_write_folio(&walk->io, folio, folio_size(folio));
}

static int demo_write_batch(handle_t *handle, struct demo_walk *walk, struct folio_batch *batch)
{
	int i, err;

	for (i = 0; i < batch->nr; i++) {
		struct folio *folio = batch->folios[i];

		folio_lock(folio);
		if (!folio_test_dirty(folio)) {
			folio_unlock(folio);
			continue;
		}
		if (walk->may_map) {
			err = demo_submit(walk, folio);
		} else {
			err = demo_submit(walk, folio);
			if (err < 0) {
				folio_unlock(folio);
				return err;
			}
			if (folio_test_checked(folio))
				err = demo_write_checked(handle, walk, folio);
		}
		folio_unlock(folio);
		if (err < 0)
			return err;
	}
	return 0;
}

int demo_writepages(handle_t *handle, struct inode *inode, struct demo_walk *walk)
{
	walk->may_map = 1;
	if (ext4_should_journal_data(inode)) {
		walk->may_map = 0;
		demo_commit_first(inode);
	}
	return demo_write_batch(handle, walk, walk->batch);
}

static int __demo_invalidate(struct folio *folio, size_t offset, size_t length)
{
	if (offset == 0 && length == folio_size(folio))
		folio_clear_checked(folio);
	return jbd2_journal_invalidate_folio(demo_journal_of(folio), folio, offset, length);
}

static void demo_invalidate_folio(struct folio *folio, size_t offset, size_t length)
{
	WARN_ON(__demo_invalidate(folio, offset, length) < 0);
}

static bool demo_release_folio(struct folio *folio, gfp_t wait)
{
	journal_t *journal = demo_journal_of(folio);

	if (folio_test_checked(folio))
		return false;
	if (journal)
		return jbd2_journal_try_to_free_buffers(journal, folio);
	return try_to_free_buffers(folio);
}

static bool demo_dirty_folio(struct address_space *mapping, struct folio *folio)
{
	WARN_ON_ONCE(!folio_buffers(folio));
	if (folio_maybe_dma_pinned(folio))
		folio_set_checked(folio);
	return filemap_dirty_folio(mapping, folio);
}

static const struct address_space_operations demo_aops = {
	.dirty_folio		= demo_dirty_folio,
	.invalidate_folio	= demo_invalidate_folio,
	.release_folio		= demo_release_folio,
};
