/* The walk keeps the dirty bit for other transactions, but not for a buffer that is only dirty. */

static int demo_protect_page(struct page *page, struct writeback_control *wbc, void *data)
{
	transaction_t *committing = data;
	struct buffer_head *head = page_buffers(page);
	struct buffer_head *bh = head;
	struct journal_head *jh;

	do {
		jh = bh2jh(bh);
		if (!jh || /* expect: writepage-callback-loses-dirty */
		    jh->b_transaction != committing || jh->b_next_transaction) {
			redirty_page_for_writepage(wbc, page);
			goto out;
		}
	} while ((bh = bh->b_this_page) != head);
out:
	return AOP_WRITEPAGE_ACTIVATE;
}

int demo_submit(struct jbd2_inode *jinode, struct writeback_control *wbc)
{
	return write_cache_pages(jinode->i_vfs_inode->i_mapping, wbc, demo_protect_page,
				 jinode->i_transaction);
}
