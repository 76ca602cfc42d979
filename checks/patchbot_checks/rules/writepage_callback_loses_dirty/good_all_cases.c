/* All three cases keep the dirty bit: in one condition, or one after the other. */

static int demo_protect_page(struct page *page, struct writeback_control *wbc, void *data)
{
	transaction_t *committing = data;
	struct buffer_head *head = page_buffers(page);
	struct buffer_head *bh = head;

	do {
		struct journal_head *jh = bh2jh(bh);

		if (buffer_dirty(bh) ||
		    (jh && (jh->b_transaction != committing || jh->b_next_transaction))) {
			redirty_page_for_writepage(wbc, page);
			goto out;
		}
	} while ((bh = bh->b_this_page) != head);
out:
	return AOP_WRITEPAGE_ACTIVATE;
}

static bool demo_is_done(struct buffer_head *bh, transaction_t *committing)
{
	if (!buffer_jbd(bh))
		return !buffer_dirty(bh);
	if (bh2jh(bh)->b_next_transaction != NULL)
		return false;
	return bh2jh(bh)->b_transaction == committing && !buffer_dirty(bh);
}

static int demo_protect_folio(struct folio *folio, struct writeback_control *wbc, void *data)
{
	struct buffer_head *head, *bh;
	bool clean = true;

	bh = head = folio_buffers(folio);
	do {
		if (!demo_is_done(bh, data))
			clean = false;
	} while ((bh = bh->b_this_page) != head);
	if (!clean)
		folio_redirty_for_writepage(wbc, folio);
	return AOP_WRITEPAGE_ACTIVATE;
}

int demo_submit(struct address_space *mapping, struct writeback_control *wbc, transaction_t *t)
{
	int err = write_cache_pages(mapping, wbc, demo_protect_page, t);

	return err ? err : write_cache_pages(mapping, wbc, demo_protect_folio, t);
}
