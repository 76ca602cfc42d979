// SPDX-License-Identifier: GPL-2.0-or-later
/* A file's flags, changed through the file system's own ioctl. */
#include <linux/mm.h>
#include <sim/kernel.h>
#include "sim_mount.h"

/* Static in the tree. */
int ext4_ioctl_setflags(struct inode *inode, unsigned int flags);

/* Who asks may have all. */
bool instead_of_capable(int capability)
{
	return true;
}

/* Nobody asks for an inode's version. */
bool instead_of_inode_maybe_inc_iversion(struct inode *inode, bool force)
{
	return false;
}

int sim_set_journal(int on)
{
	struct inode *inode = &sim_this_file()->node.vfs_inode;
	unsigned int flags = EXT4_I(inode)->i_flags;
	int ret;

	inode_lock(inode);
	flags = on ? flags | EXT4_JOURNAL_DATA_FL : flags & ~EXT4_JOURNAL_DATA_FL;
	ret = ext4_ioctl_setflags(inode, flags);
	inode_unlock(inode);
	return ret;
}

int sim_journals(void)
{
	return ext4_test_inode_flag(&sim_this_file()->node.vfs_inode, EXT4_INODE_JOURNAL_DATA);
}

void sim_use_dax(void)
{
	struct inode *inode = &sim_this_file()->node.vfs_inode;

	inode->i_flags |= S_DAX;
	if (!IS_DAX(inode))
		sim_inconclusive("the tree is read without DAX");
	ext4_set_aops(inode);
}

/* Nothing of a file is mapped past the page cache, so that truncation waits for nobody. */
static void no_dax(const struct inode *inode)
{
	if (inode->i_flags & S_DAX)
		sim_inconclusive("a file with DAX is cut off, and its pages are not modelled");
}

struct page *instead_of_dax_layout_busy_page(struct address_space *mapping)
{
	no_dax(mapping->host);
	return NULL;
}

/* What newer trees call. */
int instead_of_dax_break_layout(struct inode *inode, loff_t start, loff_t end,
				void (*wait)(struct inode *inode))
{
	no_dax(inode);
	return 0;
}
