// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Truncation, in the tree's own code down to the tree of extents. Blocks that are freed stay where they
 * are: a hole in the file, which gets its block back, as a new one, when somebody writes there again.
 * Which blocks are holes goes to the disk with the inode. There is no list of orphans: that a truncation
 * is gone on with at the next mount changes nothing, as the length is in its first transaction.
 */
#include <linux/fs.h>
#include <linux/dcache.h>
#include <linux/pagemap.h>
#include "sim_mount.h"

static unsigned long holes[FILES];	/* a bit for each block */

static unsigned long *holes_of(const struct inode *inode)
{
	return &holes[inode->i_ino - FIRST_INODE];
}

unsigned int sim_holes(const struct inode *inode)
{
	return *holes_of(inode);
}

/* Whether there is a block: with a handle a hole gets one, and the inode goes into the transaction. */
int sim_find_block(handle_t *handle, struct inode *inode, unsigned long block, int create)
{
	unsigned long bit = 1UL << block;

	if (!(*holes_of(inode) & bit))
		return EXT4_MAP_MAPPED;
	if (!create)
		return 0;
	sim_and(holes_of(inode), 8, ~bit);
	ext4_mark_inode_dirty(handle, inode);
	return EXT4_MAP_MAPPED | EXT4_MAP_NEW;
}

/* As the tree frees blocks: those with journalled data are forgotten, or revoked. */
static int forget_block(handle_t *handle, struct inode *inode, unsigned long block)
{
	unsigned long home = sim_home(inode, block);

	if (!ext4_should_journal_data(inode))
		return 0;
	return ext4_forget(handle, 0, inode, sb_find_get_block(inode->i_sb, home), home);
}

static int free_blocks(handle_t *handle, struct inode *inode)
{
	unsigned long block = (inode->i_size + SIM_BLOCK_BYTES - 1) >> sim_block_bits;
	int err;

	EXT4_I(inode)->i_disksize = inode->i_size;
	for (; block < FILE_BLOCKS; block++) {
		if (sim_or(holes_of(inode), 8, 1UL << block) & 1UL << block)
			continue;
		err = forget_block(handle, inode, block);
		if (err)
			return err;
	}
	return ext4_mark_inode_dirty(handle, inode);
}

int instead_of_ext4_ext_truncate(handle_t *handle, struct inode *inode)
{
	return free_blocks(handle, inode);
}

void instead_of_ext4_ind_truncate(handle_t *handle, struct inode *inode)
{
	free_blocks(handle, inode);
}

int instead_of_ext4_orphan_add(handle_t *handle, struct inode *inode)
{
	return 0;
}

int instead_of_ext4_orphan_del(handle_t *handle, struct inode *inode)
{
	return 0;
}

void instead_of_ext4_discard_preallocations(struct inode *inode)
{
}

/* Who may do it, and whose it is, is no matter here. */
int instead_of_setattr_prepare(void)
{
	return 0;
}

void instead_of_setattr_copy(void)
{
}

void instead_of_inode_inc_iversion(struct inode *inode)
{
}

int instead_of_dquot_initialize(struct inode *inode)
{
	return 0;
}

#ifdef SIM_SETATTR_PLAIN
#define change_size(dentry, attr)	ext4_setattr(dentry, attr)
#else	/* who asks goes first */
#define change_size(dentry, attr)	ext4_setattr(NULL, dentry, attr)
#endif

int sim_truncate(long size)
{
	struct inode *inode = &sim_this_file()->node.vfs_inode;
	struct dentry dentry = { .d_inode = inode };
	struct iattr attr = { .ia_valid = ATTR_SIZE, .ia_size = size };
	int ret;

	down_write(&inode->i_rwsem);
	ret = change_size(&dentry, &attr);
	up_write(&inode->i_rwsem);
	return ret;
}
