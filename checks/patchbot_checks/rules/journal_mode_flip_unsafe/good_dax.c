/* DAX takes effect when the inode is read anew, or is changed where nothing can go on. */

static void demo_dontcache(struct inode *inode, unsigned int flags)
{
	if ((DEMO_I(inode)->i_flags ^ flags) & EXT4_DAX_FL)
		d_mark_dontcache(inode);
}

int demo_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry, struct fileattr *fa)
{
	struct inode *inode = d_inode(dentry);
	unsigned int mask, i;

	demo_dontcache(inode, fa->flags);
	for (i = 0, mask = 1; i < 32; i++, mask <<= 1) {
		if (mask == EXT4_JOURNAL_DATA_FL || mask == EXT4_EXTENTS_FL)
			continue;
		if (mask & fa->flags)
			ext4_set_inode_flag(inode, i);
		else
			ext4_clear_inode_flag(inode, i);
	}
	return 0;
}

void demo_mark(struct inode *inode)
{
	inode->i_state |= I_DONTCACHE;
	DEMO_I(inode)->i_flags ^= EXT4_DAX_FL;
}

int demo_change(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	bool mapped;
	int err;

	filemap_invalidate_lock(mapping);
	mapped = mapping_mapped(mapping);
	err = mapped ? -EBUSY : filemap_write_and_wait(mapping);
	if (!err)
		err = invalidate_inode_pages2(mapping);
	if (err) {
		filemap_invalidate_unlock(mapping);
		return err;
	}
	if (mapped)
		WARN_ON(1);
	else
		inode->i_flags ^= S_DAX;
	mapping->a_ops = demo_choose_aops(inode);
	filemap_invalidate_unlock(mapping);
	return 0;
}
