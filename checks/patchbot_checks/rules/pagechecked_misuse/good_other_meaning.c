/* Here the bit says that a directory's page was verified: nothing is to be journalled. */

static bool demo_check_page(struct page *page)
{
	bool fine = demo_verify(page);

	if (fine)
		SetPageChecked(page);
	return fine;
}

static struct page *demo_get_page(struct inode *dir, unsigned long index)
{
	struct page *page = read_mapping_page(dir->i_mapping, index, NULL);

	if (IS_ERR(page))
		return page;
	if (!PageChecked(page) && !demo_check_page(page))
		ClearPageChecked(page);
	return page;
}

static int demo_change(handle_t *handle, struct buffer_head *bh)
{
	return ext4_journal_get_write_access(handle, bh);
}

static const struct address_space_operations demo_aops = {
	.set_page_dirty	= __set_page_dirty_nobuffers,
};
