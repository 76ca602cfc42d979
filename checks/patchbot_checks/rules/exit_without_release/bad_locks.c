/* A lock kept at one exit: return, goto to the wrong label, ternary, #ifdef arm, switch, loop. */

static int demo_resize(struct inode *inode, loff_t size)
{
	struct demo_inode_info *di = DEMO_I(inode);
	int err;

	down_write(&di->i_size_sem);
	err = demo_check_size(inode, size);
	if (err)
		return err; /* expect: exit-without-release */
	demo_set_size(inode, size);
	up_write(&DEMO_I(inode)->i_size_sem);
	return 0;
}

static int demo_sync_map(struct demo_sb_info *sbi, struct demo_map *map)
{
	int err = 0;

	if (!map->m_valid)
		goto out;
	mutex_lock(&sbi->s_map_mutex);
	if (map->m_clean)
		goto out; /* expect: exit-without-release */
	err = demo_write_map(sbi, map);
	if (err)
		goto out_unlock;
	map->m_clean = true;
out_unlock:
	mutex_unlock(&sbi->s_map_mutex);
out:
	return err;
}

static int demo_lookup(struct demo_tree *tree, u32 key)
{
	struct demo_node *node;
	int found = 0;

	read_lock(&tree->t_lock);
	node = demo_search(tree, key);
#ifdef CONFIG_DEMO_PARANOID
	if (node && node->n_key != key)
		return -EIO; /* expect: exit-without-release */
#endif
	found = node ? 1 : 0;
	read_unlock(&tree->t_lock);
	return found;
}

static int demo_command(struct inode *inode, int what)
{
	int ret = 0;

	inode_lock(inode);
	switch (what) {
	case 0:
		ret = demo_grow(inode);
		break;
	case 1:
		return demo_shrink(inode); /* expect: exit-without-release */
	default:
		ret = -EINVAL;
	}
	inode_unlock(inode);
	return ret;
}

static int demo_scan(struct demo_sb_info *sbi, int count)
{
	int i, err;

	for (i = 0; i < count; i++) {
		spin_lock(&sbi->s_list_lock);
		err = demo_visit(sbi, i);
		if (err < 0)
			return err; /* expect: exit-without-release */
		spin_unlock(&sbi->s_list_lock);
	}
	return 0;
}

static int demo_trylock_size(struct inode *inode)
{
	if (!down_write_trylock(&DEMO_I(inode)->i_size_sem))
		return 0;
	if (demo_busy(inode))
		return 0; /* expect: exit-without-release */
	demo_touch(inode);
	up_write(&DEMO_I(inode)->i_size_sem);
	return demo_busy(inode) ? -EBUSY : 0;
}

static int demo_both(struct inode *inode, struct demo_map *map)
{
	int err;

	down_write(&DEMO_I(inode)->i_size_sem);
	err = demo_check_map(inode, map);
	up_write(&DEMO_I(inode)->i_size_sem);
	if (err)
		goto out;
	demo_use_map(inode, map);
out:
	up_write(&DEMO_I(inode)->i_size_sem); /* expect: exit-without-release */
	return err;
}

static int demo_early(struct inode *inode, int flags)
{
	int err = -EINVAL;

	if (flags < 0)
		goto out; /* expect: exit-without-release */
	inode_lock_shared(inode);
	err = demo_read_flags(inode, flags);
	demo_note(inode);
out:
	inode_unlock_shared(inode);
	return err;
}

static int demo_some_days(struct inode *inode, struct demo_map *map)
{
	int err;

	mutex_lock(&map->m_mutex);
	err = demo_check_map(inode, map);
	if (demo_is_fine(inode)) /* expect: exit-without-release */
		mutex_unlock(&map->m_mutex);
	return err;
}

static int demo_fill_buffer(struct buffer_head *bh, struct demo_map *map)
{
	lock_buffer(bh);
	if (buffer_uptodate(bh)) {
		unlock_buffer(bh);
		unlock_buffer(bh); /* expect: exit-without-release */
		return 0;
	}
	demo_read(bh, map);
	if (buffer_locked(bh))
		unlock_buffer(bh);
	return demo_check(map);
}

static int demo_get_block(struct super_block *sb, sector_t block, struct demo_loc *loc)
{
	struct buffer_head *bh = sb_getblk(sb, block);

	if (!bh)
		return -ENOMEM;
	lock_buffer(bh);
	if (buffer_uptodate(bh))
		goto has_buffer; /* expect: exit-without-release */
	demo_fill_from(sb, block);
	unlock_buffer(bh);
has_buffer:
	loc->bh = bh;
	return 0;
}

int demo_begin_inline(struct inode *inode)
{
	int err;

	down_read(&DEMO_I(inode)->i_name_sem);
	err = demo_may_inline(inode);
	if (err)
		goto out;
	demo_begin(inode);
	return 1; /* expect: exit-without-release */
out:
	up_read(&DEMO_I(inode)->i_name_sem);
	return err < 0 ? err : -EIO;
}

static int demo_inline(struct inode *inode)
{
	int started = demo_begin_inline(inode);

	if (started < 0)
		return started;
	demo_copy_name(inode, started);
	return 0; /* expect: exit-without-release */
}
