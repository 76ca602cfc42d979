/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the file system meets the journal. */
#ifndef _EXT4_JBD2_H
#define _EXT4_JBD2_H

#include <linux/jbd2.h>
#include "ext4.h"

#define EXT4_INODE_JOURNAL_DATA_MODE	0x01
#define EXT4_INODE_ORDERED_DATA_MODE	0x02
#define EXT4_INODE_WRITEBACK_DATA_MODE	0x04

handle_t *ext4_journal_start(struct inode *inode, int nblocks);
int ext4_journal_stop(handle_t *handle);
int ext4_journal_get_write_access(handle_t *handle, struct buffer_head *bh);
int ext4_handle_dirty_metadata(handle_t *handle, struct inode *inode,
			       struct buffer_head *bh);
int ext4_inode_journal_mode(struct inode *inode);

static inline int ext4_should_journal_data(struct inode *inode)
{
	return ext4_inode_journal_mode(inode) & EXT4_INODE_JOURNAL_DATA_MODE;
}

static inline int ext4_should_order_data(struct inode *inode)
{
	return ext4_inode_journal_mode(inode) & EXT4_INODE_ORDERED_DATA_MODE;
}

/* Put the inode, with these bytes, on the list of the handle's transaction. */
static inline int ext4_jbd2_inode_add_write(handle_t *handle,
					    struct inode *inode,
					    loff_t start_byte, loff_t length)
{
	return jbd2_journal_inode_ranged_write(handle, &EXT4_I(inode)->jinode,
					       start_byte, length);
}

#endif
