// SPDX-License-Identifier: GPL-2.0-or-later
/* Thin layer over the journal, and the choice of an inode's data mode. */
#include "ext4_jbd2.h"

handle_t *ext4_journal_start(struct inode *inode, int nblocks)
{
	return jbd2_journal_start(EXT4_SB(inode->i_sb)->s_journal, nblocks);
}

int ext4_journal_stop(handle_t *handle)
{
	return jbd2_journal_stop(handle);
}

int ext4_journal_get_write_access(handle_t *handle, struct buffer_head *bh)
{
	return jbd2_journal_get_write_access(handle, bh);
}

int ext4_handle_dirty_metadata(handle_t *handle, struct inode *inode,
			       struct buffer_head *bh)
{
	set_buffer_uptodate(bh);
	return jbd2_journal_dirty_metadata(handle, bh);
}

/* The inode's own flag wins over the mount. */
int ext4_inode_journal_mode(struct inode *inode)
{
	unsigned int opt = EXT4_SB(inode->i_sb)->s_mount_opt &
			   EXT4_MOUNT_DATA_FLAGS;

	if (EXT4_I(inode)->i_flags & EXT4_JOURNAL_DATA_FL ||
	    opt == EXT4_MOUNT_JOURNAL_DATA)
		return EXT4_INODE_JOURNAL_DATA_MODE;
	if (opt == EXT4_MOUNT_ORDERED_DATA)
		return EXT4_INODE_ORDERED_DATA_MODE;
	return EXT4_INODE_WRITEBACK_DATA_MODE;
}
