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

/* A constant question, and one that a call answers by a variable's address. */
static void demo_copy_size(struct inode *to, struct inode *from)
{
	if (sizeof(from->i_size) > sizeof(long))
		spin_lock(&from->i_lock);
	to->i_size = from->i_size;
	if (sizeof(from->i_size) > sizeof(long))
		spin_unlock(&from->i_lock);
}

static int demo_pin_pages(struct mm_struct *mm, int count)
{
	int locked = 1;

	mmap_read_lock(mm);
	count = demo_pin_some(mm, count, &locked);
	if (locked)
		mmap_read_unlock(mm);
	return count;
}

/* Told by the value: the object's lock is held where it is returned. */
static struct buffer_head *demo_find_cached(struct super_block *sb, int count)
{
	struct buffer_head *bh;
	int i;

	for (i = 0; i < count; i++) {
		bh = sb_bread(sb, i);
		if (!bh)
			continue;
		lock_buffer(bh);
		if (demo_is_cached(sb, i))
			return bh;
		unlock_buffer(bh);
		brelse(bh);
	}
	return NULL;
}

static struct demo_node *demo_pick_node(struct demo_node *node)
{
	if (!node)
		return NULL;
	down_read(&node->n_lock->l_sem);
	if (demo_is_dead(node)) {
		up_read(&node->n_lock->l_sem);
		return NULL;
	}
	return node;
}

static int demo_use_node(struct demo_node *node)
{
	node = demo_pick_node(node);
	if (!node)
		return -ENOENT;
	demo_touch_node(node);
	demo_node_end_read(node);
	return 0;
}

/* Its name says that it locks, whoever gives it back. */
struct demo_tree *demo_tree_lock_read(struct demo_tree *tree)
{
	struct demo_tree *root = tree->t_root;

	if (down_read_trylock(&root->t_sem)) {
		if (!demo_is_root(root)) {
			up_read(&root->t_sem);
			root = NULL;
		}
	}
	return root;
}

/* The lock has another name where it is given back. */
static int demo_by_mapping(struct file *file)
{
	struct inode *inode = file_inode(file);
	int err;

	filemap_invalidate_lock(inode->i_mapping);
	err = demo_change(inode);
	filemap_invalidate_unlock(file->f_mapping);
	return err;
}
