/* Folios; conditions in a helper, which forgets the next transaction, and one that asks nothing. */

static bool demo_keep(struct buffer_head *bh, transaction_t *committing)
{
	struct journal_head *jh = bh2jh(bh);

	if (buffer_dirty(bh))
		return true;
	return jh && jh->b_transaction != committing;
}

static int demo_protect_folio(struct folio *folio, struct writeback_control *wbc, void *data)
{
	struct buffer_head *head = folio_buffers(folio);
	struct buffer_head *bh = head;

	do {
		if (demo_keep(bh, data)) { /* expect: writepage-callback-loses-dirty */
			folio_redirty_for_writepage(wbc, folio);
			break;
		}
		bh = bh->b_this_page;
	} while (bh != head);
	return AOP_WRITEPAGE_ACTIVATE;
}

static int demo_only_dirty(struct folio *folio, struct writeback_control *wbc, void *data)
{
	struct buffer_head *bh = folio_buffers(folio);
	bool dirty = buffer_dirty(bh);

	if (dirty) /* expect: writepage-callback-loses-dirty */ /* expect: writepage-callback-loses-dirty */
		folio_redirty_for_writepage(wbc, folio);
	return AOP_WRITEPAGE_ACTIVATE;
}

int demo_submit(struct address_space *mapping, struct writeback_control *wbc, transaction_t *t)
{
	int err = write_cache_pages(mapping, wbc, demo_protect_folio, t);

	return err ? err : write_cache_pages(mapping, wbc, &demo_only_dirty, t);
}
