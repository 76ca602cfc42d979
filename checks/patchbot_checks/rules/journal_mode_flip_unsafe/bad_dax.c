/* DAX is changed while the inode is live. */

void demo_set_dax(struct inode *inode, bool on)
{
	if (on)
		inode->i_flags |= S_DAX; /* expect: journal-mode-flip-unsafe */
	else
		inode->i_flags &= ~S_DAX; /* expect: journal-mode-flip-unsafe */
}

int demo_flip_mapped(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	int err;

	filemap_invalidate_lock(mapping);
	err = filemap_write_and_wait(mapping);
	if (!err)
		err = invalidate_inode_pages2(mapping);
	if (!err) {
		inode->i_flags ^= S_DAX; /* expect: journal-mode-flip-unsafe */
		mapping->a_ops = demo_choose_aops(inode);
	}
	filemap_invalidate_unlock(mapping);
	return err;
}

int demo_flip_cached(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	int err = -EBUSY;

	down_write(&DEMO_I(inode)->i_mmap_sem);
	if (mapping_mapped(mapping))
		goto out;
	err = filemap_write_and_wait(mapping);
	if (err)
		goto out;
	inode->i_flags |= S_DAX; /* expect: journal-mode-flip-unsafe */
	mapping->a_ops = &demo_dax_aops;
out:
	up_write(&DEMO_I(inode)->i_mmap_sem);
	return err;
}

static void demo_update_flags(struct inode *inode)
{
	unsigned int flags = 0;

	if (DEMO_I(inode)->i_flags & EXT4_SYNC_FL)
		flags |= S_SYNC;
	inode_set_flags(inode, flags, S_SYNC | S_DAX); /* expect: journal-mode-flip-unsafe */
}

int demo_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry, struct fileattr *fa)
{
	struct inode *inode = d_inode(dentry);
	unsigned int mask, i;

	for (i = 0, mask = 1; i < 32; i++, mask <<= 1) {
		if (mask == EXT4_JOURNAL_DATA_FL)
			continue;
		if (mask & fa->flags)
			ext4_set_inode_flag(inode, i); /* expect: journal-mode-flip-unsafe */
	}
	if (fa->flags & EXT4_DAX_FL)
		d_mark_dontcache(inode);
	demo_update_flags(inode);
	return 0;
}

void demo_dax_on_disk(struct inode *inode)
{
	DEMO_I(inode)->i_flags |= EXT4_DAX_FL; /* expect: journal-mode-flip-unsafe */
	mark_inode_dirty(inode);
}
