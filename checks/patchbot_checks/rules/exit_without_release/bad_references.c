/* References kept or given back twice: buffers, pages, inodes, memory; through helpers too. */

static int demo_read_super(struct super_block *sb)
{
	struct buffer_head *bh;
	int err;

	bh = sb_bread(sb, 1);
	if (!bh)
		return -EIO;
	lock_buffer(bh);
	err = demo_parse(bh->b_data);
	if (err) {
		unlock_buffer(bh);
		return err; /* expect: exit-without-release */
	}
	unlock_buffer(bh);
	brelse(bh);
	return 0;
}

static void demo_drop(struct buffer_head *bh)
{
	demo_account(bh);
	brelse(bh);
}

static int demo_copy_block(struct inode *inode, sector_t from, sector_t to)
{
	struct buffer_head *old, *new;
	int err = 0;

	old = sb_bread(inode->i_sb, from);
	if (!old)
		return -EIO;
	new = sb_getblk(inode->i_sb, to);
	if (!new) {
		err = -ENOMEM;
		goto out; /* the old one is released there */
	}
	if (buffer_write_io_error(new)) {
		err = -EIO;
		goto out; /* expect: exit-without-release */
	}
	memcpy(new->b_data, old->b_data, old->b_size);
	demo_drop(new);
out:
	demo_drop(old);
	return err;
}

static int demo_twice(struct super_block *sb, sector_t block)
{
	struct buffer_head *bh = sb_bread(sb, block);
	int err = bh ? demo_parse(bh->b_data) : -EIO;

	if (err && bh) {
		demo_drop(bh);
		goto out; /* expect: exit-without-release */
	}
	demo_note(sb);
out:
	brelse(bh);
	return err;
}

static int demo_fill(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_get_folio(mapping, index);
	char *copy;

	if (IS_ERR_OR_NULL(folio))
		return -ENOMEM;
	copy = kmalloc(512, GFP_NOFS);
	if (!copy)
		return -ENOMEM; /* expect: exit-without-release */
	if (copy_from_user(copy, demo_buffer(mapping), 512)) {
		kfree(copy);
		folio_put(folio);
		return -EIO;
	}
	memcpy_to_folio(folio, 0, copy, 512);
	folio_put(folio);
	return 0; /* expect: exit-without-release */
}

static int demo_count(struct super_block *sb, unsigned long ino)
{
	struct inode *inode = ilookup(sb, ino);
	int count;

	if (!inode)
		return 0;
	while (!is_bad_inode(inode)) {
		count = inode->i_nlink;
		if (count > 8)
			return count; /* expect: exit-without-release */
		drop_nlink(inode);
	}
	iput(inode);
	return 0;
}

static void demo_lock_two(struct demo_pair *pair)
{
	mutex_lock(&pair->p_first);
	mutex_lock_nested(&pair->p_second, SINGLE_DEPTH_NESTING);
}

static void demo_unlock_two(struct demo_pair *pair)
{
	mutex_unlock(&pair->p_second);
	mutex_unlock(&pair->p_first);
}

static int demo_swap(struct demo_pair *pair)
{
	int err;

	demo_lock_two(pair);
	err = demo_exchange(pair);
	if (err)
		return err; /* expect: exit-without-release */ /* expect: exit-without-release */
	demo_unlock_two(pair);
	return 0;
}

static int demo_look(struct super_block *sb, struct inode *inode)
{
	struct buffer_head *bh = ext4_bread(NULL, inode, 0, 0);
	int err;

	if (IS_ERR(bh))
		return PTR_ERR(bh);
	err = demo_compare(sb);
	if (signal_pending(current)) /* expect: exit-without-release */
		brelse(bh);
	return err;
}

static void *demo_read_name(struct inode *inode, int size)
{
	char *name = kmalloc(size, GFP_NOFS);
	char *end = name + size;
	int err;

	if (!name)
		return ERR_PTR(-ENOMEM);
	*--end = 0;
	err = demo_copy_name(inode, size);
	if (err < 0)
		name = ERR_PTR(err); /* expect: exit-without-release */
	return name;
}

static int demo_write_acl(struct inode *inode, int size)
{
	char *acl = kmalloc(size, GFP_NOFS);
	char *entry;

	if (!acl)
		return -ENOMEM;
	for (entry = acl + 4; entry < acl + size; entry += 8)
		if (demo_fill(inode, size))
			return -EINVAL; /* expect: exit-without-release */
	kfree(acl);
	return 0;
}
