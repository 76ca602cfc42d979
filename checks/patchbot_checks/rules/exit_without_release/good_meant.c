/* Held at an exit as it is meant: acquiring helpers, conditional locks, locked pages, batches. */

static int demo_lock_map(struct demo_map *map)
{
	mutex_lock(&map->m_mutex);
	if (map->m_dead) {
		mutex_unlock(&map->m_mutex);
		return -ENOENT;
	}
	return 0;
}

static void demo_unlock_map(struct demo_map *map)
{
	mutex_unlock(&map->m_mutex);
}

static int demo_use(struct demo_map *map, bool nowait)
{
	int err;

	if (nowait) {
		if (!mutex_trylock(&map->m_use_mutex))
			return -EAGAIN;
	} else {
		mutex_lock(&map->m_use_mutex);
	}
	err = demo_lock_map(map);
	if (err)
		goto out;
	demo_touch(map);
	demo_unlock_map(map);
out:
	mutex_unlock(&map->m_use_mutex);
	return err;
}

static int demo_maybe(struct inode *inode, int locked)
{
	int err;

	if (!locked)
		inode_lock(inode);
	err = demo_change(inode);
	if (!locked)
		inode_unlock(inode);
	return err;
}

static struct buffer_head *demo_get(struct super_block *sb, sector_t block)
{
	struct buffer_head *bh = sb_getblk(sb, block);

	if (!bh)
		return ERR_PTR(-ENOMEM);
	lock_buffer(bh);
	if (!buffer_uptodate(bh)) {
		unlock_buffer(bh);
		brelse(bh);
		return ERR_PTR(-EIO);
	}
	unlock_buffer(bh);
	return bh;
}

static int demo_page(struct address_space *mapping, pgoff_t index, struct page **pagep)
{
	struct page *page = grab_cache_page_write_begin(mapping, index);

	if (!page)
		return -ENOMEM;
	if (demo_prepare(page)) {
		unlock_page(page);
		put_page(page);
		return -EIO;
	}
	*pagep = page;
	return 0;
}

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);
	struct inode *inode = file_inode(vmf->vma->vm_file);
	vm_fault_t ret = VM_FAULT_LOCKED;

	sb_start_pagefault(inode->i_sb);
	folio_lock(folio);
	if (folio->mapping != inode->i_mapping) {
		folio_unlock(folio);
		ret = VM_FAULT_NOPAGE;
		goto out;
	}
	folio_wait_stable(folio);
out:
	sb_end_pagefault(inode->i_sb);
	return ret;
}

static int demo_collect(struct folio **folios, int count, struct demo_batch *batch)
{
	struct folio *folio;
	int i, err = 0;

	for (i = 0; i < count; i++) {
		folio = folios[i];
		folio_lock(folio);
		if (folio->mapping != batch->b_mapping) {
			folio_unlock(folio);
			continue;
		}
		err = demo_add(batch, folio->index);
		if (err < 0)
			break;
	}
	return err;
}

static int demo_keep(struct inode *inode, int flags)
{
	bool keep = flags & DEMO_KEEP_LOCKED;
	int err;

	inode_lock(inode);
	err = demo_change(inode);
	if (!keep)
		inode_unlock(inode);
	return err;
}
