// SPDX-License-Identifier: GPL-2.0-or-later
/* A file whose data stands in its inode: what the mount and the reading of an inode would set up. */
#include <linux/mm.h>
#include <sim/kernel.h>
#include "sim_mount.h"

#define EXTRA	32	/* bytes behind the old inode, as mkfs makes them */

size_t instead_of_strlen(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

size_t instead_of_strnlen(const char *text, size_t most)
{
	size_t length = 0;

	while (length < most && text[length])
		length++;
	return length;
}

void sim_keep_inline(void)
{
	struct inode *inode = &sim_this_file()->node.vfs_inode;
	struct ext4_iloc iloc;

	if (inode->i_size)
		sim_inconclusive("the file has data already");
	sim_sbi.s_inode_size = INODE_SIZE;
	sim_sbi.s_want_extra_isize = EXTRA;
	sim_sbi.s_es->s_feature_incompat |= cpu_to_le32(EXT4_FEATURE_INCOMPAT_INLINE_DATA);
	if (ext4_get_inode_loc(inode, &iloc))
		sim_inconclusive("the inode cannot be read");
	ext4_raw_inode(&iloc)->i_extra_isize = cpu_to_le16(EXTRA);
	brelse(iloc.bh);
	EXT4_I(inode)->i_extra_isize = EXTRA;
	ext4_set_inode_state(inode, EXT4_STATE_MAY_INLINE_DATA);
}

int sim_is_inline(void)
{
	return ext4_has_inline_data(&sim_this_file()->node.vfs_inode);
}
