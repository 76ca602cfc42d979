/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file system's own structures. */
#ifndef _EXT4_H
#define _EXT4_H

#include <linux/buffer_head.h>
#include <linux/fs.h>
#include <linux/jbd2.h>
#include <linux/mm.h>

/* Layout of the device, in blocks: inodes, then the journal, then data. */
#define EXT4_FIRST_INODE_BLOCK	1
#define EXT4_JOURNAL_FIRST	32
#define EXT4_JOURNAL_BLOCKS	256
#define EXT4_FIRST_DATA_BLOCK	(EXT4_JOURNAL_FIRST + EXT4_JOURNAL_BLOCKS)
#define EXT4_NR_INODES		(EXT4_JOURNAL_FIRST - EXT4_FIRST_INODE_BLOCK)
#define EXT4_FILE_BLOCKS	64

/* How file data and journal go together, for a whole mount. */
#define EXT4_MOUNT_JOURNAL_DATA		0x00400
#define EXT4_MOUNT_ORDERED_DATA		0x00800
#define EXT4_MOUNT_WRITEBACK_DATA	0x00C00
#define EXT4_MOUNT_DATA_FLAGS		0x00C00

#define EXT4_JOURNAL_DATA_FL	0x4000	/* this inode journals its data */

enum {
	EXT4_STATE_JDATA,	/* data of this inode went through the journal */
};

/* On disk: one inode per block. */
struct ext4_inode {
	u32 i_size;
	u32 i_mtime;
	u32 i_block[EXT4_FILE_BLOCKS];
};

struct ext4_inode_info {
	u32 i_flags;
	unsigned long i_state_flags;
	u32 i_block[EXT4_FILE_BLOCKS];	/* 0 is a hole */
	struct buffer_head *i_bh;	/* block of the inode itself */
	struct jbd2_inode jinode;
	struct inode vfs_inode;
};

struct ext4_sb_info {
	unsigned int s_mount_opt;
	sector_t s_next_block;		/* first free block */
	unsigned long s_next_ino;
	journal_t *s_journal;
};

static inline struct ext4_sb_info *EXT4_SB(const struct super_block *sb)
{
	return sb->s_fs_info;
}

static inline struct ext4_inode_info *EXT4_I(struct inode *inode)
{
	return container_of(inode, struct ext4_inode_info, vfs_inode);
}

static inline void ext4_set_inode_state(struct inode *inode, unsigned int bit)
{
	set_bit(bit, &EXT4_I(inode)->i_state_flags);
}

/* fs/ext4/inode.c */
extern const struct vm_operations_struct ext4_file_vm_ops;
void ext4_set_aops(struct inode *inode);
int ext4_get_block(struct inode *inode, sector_t iblock, struct buffer_head *bh,
		   int create);
int ext4_mark_inode_dirty(handle_t *handle, struct inode *inode);
void ext4_dirty_inode(struct inode *inode);
vm_fault_t ext4_page_mkwrite(struct vm_fault *vmf);

/* fs/ext4/super.c */
int ext4_fill_super(struct super_block *sb, unsigned int data_mode);
struct inode *ext4_create(struct super_block *sb, u32 flags);

#endif
