"""As much of ext4 as the lab looks at, written for tests, in the page and in the folio spelling."""

_INODE = """\
// SPDX-License-Identifier: GPL-2.0
#include <linux/fs.h>
#include "ext4.h"

/* Journals what a write left. */
static int ext4_journal_one(handle_t *handle, struct inode *inode, struct KIND *KIND, size_t len)
{
	return ext4_jbd2_inode_add_write(handle, inode, OFFSET(KIND), len);
}

static int ext4_order_range(handle_t *handle, struct inode *inode, loff_t from, loff_t length)
{
	return ext4_jbd2_inode_add_write(handle, inode, from, length);
}

vm_fault_t ext4_page_mkwrite(struct vm_fault *vmf)
{
	struct KIND *KIND = vmf_KIND(vmf);
	struct inode *inode = file_inode(vmf->vma->vm_file);
	handle_t *handle;
	vm_fault_t ret = VM_FAULT_LOCKED;
	size_t len = 4096;

	sb_start_pagefault(inode->i_sb);

	/* There is more to do for these. */
	if (ext4_should_journal_data(inode))
		goto retry_alloc;

	/* Blocks come later. */
	if (test_opt(inode->i_sb, DELALLOC) &&
		!ext4_nonda_switch(inode->i_sb))
		goto out;

	/* Not for journalled data. */
	if (KIND_buffers(KIND)) {
		if (!ext4_walk_page_buffers(NULL, inode, KIND_buffers(KIND), 0, len, NULL,
				ext4_bh_unmapped))
			goto out;
	}
retry_alloc:
	handle = ext4_journal_start(inode, EXT4_HT_WRITE_PAGE, 1);
	if (ext4_journal_one(handle, inode, KIND, len))
		ret = VM_FAULT_SIGBUS;
	ext4_journal_stop(handle);
out:
	sb_end_pagefault(inode->i_sb);
	return ret;
}
"""
_FILE = """\
static const struct vm_operations_struct ext4_dax_vm_ops = {
	.page_mkwrite	= ext4_dax_fault,
};

static const struct vm_operations_struct ext4_file_vm_ops = {
	.fault		= filemap_fault,
	.page_mkwrite	= ext4_page_mkwrite,
};
"""
_SUPER = """\
#include "ext4.h"

static int ext4_used_elsewhere(struct KIND *KIND)
{
	return KIND_is_odd(KIND);
}

/* One of the inode's pages. */
static int ext4_protect_one(struct KIND *KIND, struct writeback_control *wbc, void *data)
{
	if (ext4_used_elsewhere(KIND))
		KIND_redirty_for_writepage(wbc, KIND);
	return AOP_WRITEPAGE_ACTIVATE;
}

static int ext4_protect_all(struct jbd2_inode *jinode)
{
	struct writeback_control wbc = { .range_start = jinode->i_dirty_start };

	return write_cache_pages(jinode->i_vfs_inode->i_mapping, &wbc, ext4_protect_one, NULL);
}

static int ext4_submit_data(struct jbd2_inode *jinode)
{
	int ret;

	if (ext4_should_journal_data(jinode->i_vfs_inode))
		ret = ext4_protect_all(jinode);
	else
		ret = jbd2_journal_submit_inode_data_buffers(jinode);
	return ret;
}

static int ext4_finish_data(struct jbd2_inode *jinode)
{
	return jbd2_journal_finish_inode_data_buffers(jinode);
}

static int ext4_load(struct super_block *sb, struct KIND *first)
{
	struct ext4_sb_info *sbi = EXT4_SB(sb);

	sbi->s_journal->j_submit_inode_data_buffers = ext4_submit_data;
	sbi->s_journal->j_finish_inode_data_buffers = ext4_finish_data;
	return ext4_used_elsewhere(first);
}
"""


def small_ext4(kind: str) -> dict[str, bytes]:
    """The files by path; `kind` is "page" or "folio"."""
    offset = {"page": "page_offset", "folio": "folio_pos"}[kind]
    return {
        f"fs/ext4/{name}.c": text.replace("KIND", kind).replace("OFFSET", offset).encode()
        for name, text in {"inode": _INODE, "file": _FILE, "super": _SUPER}.items()
    }
