// SPDX-License-Identifier: GPL-2.0-or-later
/* What all inodes share. */
#include <linux/fs.h>

void inode_init_once(struct inode *inode, struct super_block *sb,
		     unsigned long ino)
{
	inode->i_ino = ino;
	inode->i_sb = sb;
	inode->i_mapping = &inode->i_data;
	inode->i_data.host = inode;
	init_rwsem(&inode->i_rwsem);
	spin_lock_init(&inode->i_data.i_lock);
	INIT_LIST_HEAD(&inode->i_data.i_mmap);
}

/* Each write and each first store changes the time, and so the inode. */
void file_update_time(struct file *file)
{
	struct inode *inode = file->f_inode;

	inode->i_mtime++;
	if (inode->i_sb->s_op->dirty_inode)
		inode->i_sb->s_op->dirty_inode(inode);
}
