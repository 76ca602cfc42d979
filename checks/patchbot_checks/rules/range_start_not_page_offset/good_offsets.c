/* All spellings of a page's offset; whole files; ranges that are not a page's. */

static int demo_add(handle_t *handle, struct inode *inode, loff_t from, loff_t bytes)
{
	return ext4_jbd2_inode_add_write(handle, inode, from, bytes);
}

static int demo_page(handle_t *handle, struct inode *inode, struct page *page, loff_t size)
{
	struct folio *folio = page_folio(page);
	loff_t start = (loff_t)page->index << PAGE_SHIFT;
	unsigned int len = PAGE_SIZE;
	unsigned int from = 0;
	int err;

	lock_page(page);
	if (page->index == size >> PAGE_SHIFT)
		len = size & ~PAGE_MASK;
	err = demo_add(handle, inode, page_offset(page), len);
	err |= demo_add(handle, inode, start, len);
	err |= demo_add(handle, inode, folio_pos(folio), folio_size(folio));
	err |= demo_add(handle, inode, (loff_t)page->index * PAGE_SIZE, PAGE_SIZE);
	err |= demo_add(handle, inode, start + from, 512);
	err |= demo_add(handle, inode, page_offset(page) + from, len - from);
	err |= demo_add(handle, inode, 0, LLONG_MAX);
	err |= demo_add(handle, inode, 0, i_size_read(inode));
	unlock_page(page);
	return err;
}

static int demo_extent(handle_t *handle, struct inode *inode, struct ext4_map_blocks *map)
{
	loff_t start = (loff_t)map->m_lblk << inode->i_blkbits;

	return demo_add(handle, inode, start, (loff_t)map->m_len << inode->i_blkbits);
}

static int demo_first_block(handle_t *handle, struct inode *inode)
{
	return demo_add(handle, inode, 0, 1024);
}
