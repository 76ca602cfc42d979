// SPDX-License-Identifier: GPL-2.0-or-later
/* Mounting, and making inodes. */
#include "ext4_jbd2.h"

static const struct super_operations ext4_sops = {
	.dirty_inode = ext4_dirty_inode,
};

static int ext4_load_journal(struct super_block *sb)
{
	struct ext4_sb_info *sbi = EXT4_SB(sb);
	journal_t *journal = jbd2_journal_init_dev(sb->s_bdev,
						   EXT4_JOURNAL_FIRST,
						   EXT4_JOURNAL_BLOCKS);
	int err = jbd2_journal_recover(journal);

	if (err) {
		kfree(journal);
		return err;
	}
	journal->j_private = sb;
	sbi->s_journal = journal;
	return 0;
}

/* Mount the device of sb, which the caller has set. */
int ext4_fill_super(struct super_block *sb, unsigned int data_mode)
{
	struct ext4_sb_info *sbi = kzalloc(sizeof(*sbi));
	int err;

	sb->s_fs_info = sbi;
	sb->s_op = &ext4_sops;
	sb->s_blocksize = sb->s_bdev->bd_block_size;
	while (1UL << sb->s_blocksize_bits < sb->s_blocksize)
		sb->s_blocksize_bits++;
	sbi->s_mount_opt = data_mode & EXT4_MOUNT_DATA_FLAGS;
	sbi->s_next_block = EXT4_FIRST_DATA_BLOCK;

	err = ext4_load_journal(sb);
	if (err) {
		sb->s_fs_info = NULL;
		kfree(sbi);
	}
	return err;
}

/* A new, empty file. There are no directories. */
struct inode *ext4_create(struct super_block *sb, u32 flags)
{
	struct ext4_sb_info *sbi = EXT4_SB(sb);
	struct ext4_inode_info *ei;
	unsigned long ino = sbi->s_next_ino;
	handle_t *handle;

	if (ino == EXT4_NR_INODES)
		return ERR_PTR(-ENOSPC);
	sbi->s_next_ino++;
	ei = kzalloc(sizeof(*ei));
	inode_init_once(&ei->vfs_inode, sb, ino);
	jbd2_journal_init_jbd_inode(&ei->jinode, &ei->vfs_inode);
	ei->i_flags = flags;
	ei->i_bh = sb_bread(sb, EXT4_FIRST_INODE_BLOCK + ino);
	ext4_set_aops(&ei->vfs_inode);

	handle = ext4_journal_start(&ei->vfs_inode, 1);
	if (IS_ERR(handle))
		return ERR_PTR(PTR_ERR(handle));
	ext4_mark_inode_dirty(handle, &ei->vfs_inode);
	ext4_journal_stop(handle);
	return &ei->vfs_inode;
}
