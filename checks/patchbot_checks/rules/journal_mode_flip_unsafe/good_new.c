/* Nobody has the inode yet, or it has no pages. */

static void demo_init_flags(struct inode *inode, bool init)
{
	unsigned int flags = inode->i_flags & S_DAX;

	if (init && demo_wants_dax(inode))
		flags |= S_DAX;
	inode_set_flags(inode, flags, S_SYNC | S_DAX);
}

struct inode *demo_new(struct inode *dir, umode_t mode)
{
	struct inode *inode = new_inode(dir->i_sb);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode_init_owner(&nop_mnt_idmap, inode, dir, mode);
	if (DEMO_I(dir)->i_flags & EXT4_JOURNAL_DATA_FL)
		ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
	demo_init_flags(inode, true);
	return inode;
}

int demo_create(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct inode *inode = demo_new(dir, mode);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	inode->i_flags |= S_DAX;
	d_instantiate_new(dentry, inode);
	return 0;
}

struct inode *demo_iget(struct super_block *sb, unsigned long ino)
{
	struct inode *inode = iget_locked(sb, ino);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	if (!(inode->i_state & I_NEW))
		return inode;
	if (demo_is_journalled(inode))
		DEMO_I(inode)->i_flags |= EXT4_JOURNAL_DATA_FL;
	demo_init_flags(inode, true);
	unlock_new_inode(inode);
	return inode;
}

static void demo_fill(struct demo_inode *di)
{
	set_bit(EXT4_INODE_JOURNAL_DATA, &di->i_flags);
}

void demo_read(struct demo_inode *di)
{
	di->vfs_inode.i_state = I_NEW;
	demo_fill(di);
}

int demo_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry, struct fileattr *fa)
{
	struct inode *inode = d_inode(dentry);

	demo_init_flags(inode, false);
	if (S_ISDIR(inode->i_mode) && fa->flags & FS_JOURNAL_DATA_FL)
		ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
	return 0;
}
