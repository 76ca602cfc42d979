// SPDX-License-Identifier: GPL-2.0-or-later
/* File data: placing blocks, write(2), writeback, and stores through a mapping. */
#include <linux/pagemap.h>
#include <linux/writeback.h>
#include "ext4_jbd2.h"

int ext4_mark_inode_dirty(handle_t *handle, struct inode *inode)
{
	struct ext4_inode_info *ei = EXT4_I(inode);
	struct ext4_inode *raw = (void *)ei->i_bh->b_data;
	int err = ext4_journal_get_write_access(handle, ei->i_bh);

	if (err)
		return err;
	raw->i_size = inode->i_size;
	raw->i_mtime = inode->i_mtime;
	memcpy(raw->i_block, ei->i_block, sizeof(raw->i_block));
	return ext4_handle_dirty_metadata(handle, inode, ei->i_bh);
}

void ext4_dirty_inode(struct inode *inode)
{
	handle_t *handle = ext4_journal_start(inode, 1);

	if (IS_ERR(handle))
		return;
	ext4_mark_inode_dirty(handle, inode);
	ext4_journal_stop(handle);
}

/* Find the place of a block of the file; with create, fill a hole. */
int ext4_get_block(struct inode *inode, sector_t iblock, struct buffer_head *bh,
		   int create)
{
	struct ext4_sb_info *sbi = EXT4_SB(inode->i_sb);
	u32 *slot = &EXT4_I(inode)->i_block[iblock];
	handle_t *handle = journal_current_handle();

	if (iblock >= EXT4_FILE_BLOCKS)
		return create ? -ENOSPC : 0;
	if (!*slot && create) {
		BUG_ON(!handle);
		if (sbi->s_next_block >= inode->i_sb->s_bdev->bd_nr_blocks)
			return -ENOSPC;
		*slot = sbi->s_next_block++;
		set_buffer_new(bh);
		ext4_mark_inode_dirty(handle, inode);
		if (ext4_should_order_data(inode))
			ext4_jbd2_inode_add_write(handle, inode,
				(loff_t)iblock * bh->b_size, bh->b_size);
	}
	if (*slot) {
		bh->b_blocknr = *slot;
		set_buffer_mapped(bh);
	}
	return 0;
}

/* Call fn for each buffer that holds a byte of [from, to). */
static int ext4_walk_page_buffers(handle_t *handle, struct page *page,
				  size_t from, size_t to,
				  int (*fn)(handle_t *handle,
					    struct buffer_head *bh))
{
	struct buffer_head *bh = page_buffers(page);
	size_t start = 0;
	int err, ret = 0;

	do {
		if (start < to && start + bh->b_size > from) {
			err = fn(handle, bh);
			if (!ret)
				ret = err;
		}
		start += bh->b_size;
		bh = bh->b_this_page;
	} while (bh != page_buffers(page));
	return ret;
}

static int ext4_bh_unmapped(handle_t *handle, struct buffer_head *bh)
{
	return !buffer_mapped(bh);
}

static int ext4_bh_not_uptodate(handle_t *handle, struct buffer_head *bh)
{
	return !buffer_uptodate(bh);
}

static int do_journal_get_write_access(handle_t *handle, struct buffer_head *bh)
{
	return ext4_journal_get_write_access(handle, bh);
}

/* Make the buffer part of the transaction. */
static int write_end_fn(handle_t *handle, struct buffer_head *bh)
{
	return ext4_handle_dirty_metadata(handle, NULL, bh);
}

/* Bytes of this page that lie inside the file. */
static size_t ext4_page_len(struct inode *inode, struct page *page)
{
	loff_t left = i_size_read(inode) - page_offset(page);

	return left < 0 ? 0 : (size_t)min(left, (loff_t)PAGE_SIZE);
}

static int ext4_write_begin(struct file *file, loff_t pos, unsigned int len,
			    struct page **pagep)
{
	struct inode *inode = file_inode(file);
	handle_t *handle = ext4_journal_start(inode, 2);
	size_t from = pos & ~PAGE_MASK;
	struct page *page;
	int err;

	if (IS_ERR(handle))
		return PTR_ERR(handle);
	page = grab_cache_page_write_begin(inode->i_mapping, pos >> PAGE_SHIFT);
	if (!page) {
		ext4_journal_stop(handle);
		return -ENOSPC;
	}
	wait_for_stable_page(page);
	err = __block_write_begin(page, pos, len, ext4_get_block);
	if (!err && ext4_should_journal_data(inode))
		err = ext4_walk_page_buffers(handle, page, from, from + len,
					     do_journal_get_write_access);
	if (err) {
		unlock_page(page);
		ext4_journal_stop(handle);
		return err;
	}
	*pagep = page;
	return 0;
}

/* Last part of every write: size, page state, and the end of the handle. */
static int ext4_finish_write(handle_t *handle, struct inode *inode,
			     struct page *page, loff_t end, int err)
{
	int err2;

	if (!ext4_walk_page_buffers(handle, page, 0, PAGE_SIZE,
				    ext4_bh_not_uptodate))
		SetPageUptodate(page);
	if (end > inode->i_size) {
		inode->i_size = end;
		ext4_mark_inode_dirty(handle, inode);
	}
	unlock_page(page);
	err2 = ext4_journal_stop(handle);
	return err ? err : err2;
}

static int ext4_write_end(struct file *file, loff_t pos, unsigned int len,
			  struct page *page)
{
	size_t from = pos & ~PAGE_MASK;

	block_commit_write(page, from, from + len);
	return ext4_finish_write(journal_current_handle(), file_inode(file),
				 page, pos + len, 0);
}

static int ext4_journalled_write_end(struct file *file, loff_t pos,
				     unsigned int len, struct page *page)
{
	handle_t *handle = journal_current_handle();
	struct inode *inode = file_inode(file);
	size_t from = pos & ~PAGE_MASK;
	int err = ext4_walk_page_buffers(handle, page, from, from + len,
					 write_end_fn);

	ext4_set_inode_state(inode, EXT4_STATE_JDATA);
	return ext4_finish_write(handle, inode, page, pos + len, err);
}

/*
 * Someone stored to the page through a mapping. Its buffers may not be in the
 * journal; the mark sends writeback down the way that puts them there.
 */
static int ext4_journalled_set_page_dirty(struct page *page)
{
	SetPageChecked(page);
	return __set_page_dirty_nobuffers(page);
}

/* Writeback of a marked page: the data goes to the log, not home. */
static int __ext4_journalled_writepage(struct page *page, size_t len)
{
	struct address_space *mapping = page->mapping;
	struct inode *inode = mapping->host;
	handle_t *handle;
	int err, err2;

	ClearPageChecked(page);
	/* A handle ranks above the page lock. */
	unlock_page(page);
	handle = ext4_journal_start(inode, 1);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	lock_page(page);
	if (page->mapping != mapping) {
		unlock_page(page);
		return ext4_journal_stop(handle);
	}
	err = ext4_walk_page_buffers(handle, page, 0, len,
				     do_journal_get_write_access);
	err2 = ext4_walk_page_buffers(handle, page, 0, len, write_end_fn);
	if (!err)
		err = err2;
	ext4_set_inode_state(inode, EXT4_STATE_JDATA);
	err2 = ext4_journal_stop(handle);
	unlock_page(page);
	return err ? err : err2;
}

static int ext4_writepage(struct page *page, struct writeback_control *wbc)
{
	struct inode *inode = page->mapping->host;

	if (!page_has_buffers(page)) {
		redirty_page_for_writepage(wbc, page);
		unlock_page(page);
		return 0;
	}
	if (PageChecked(page))
		return __ext4_journalled_writepage(page,
						   ext4_page_len(inode, page));
	return block_write_full_page(page, ext4_get_block);
}

static int ext4_writepages(struct address_space *mapping,
			   struct writeback_control *wbc)
{
	return generic_writepages(mapping, wbc);
}

static int ext4_readpage(struct file *file, struct page *page)
{
	return block_read_full_page(page, ext4_get_block);
}

static const struct address_space_operations ext4_aops = {
	.readpage	= ext4_readpage,
	.writepage	= ext4_writepage,
	.writepages	= ext4_writepages,
	.write_begin	= ext4_write_begin,
	.write_end	= ext4_write_end,
};

static const struct address_space_operations ext4_journalled_aops = {
	.readpage	= ext4_readpage,
	.writepage	= ext4_writepage,
	.writepages	= ext4_writepages,
	.set_page_dirty	= ext4_journalled_set_page_dirty,
	.write_begin	= ext4_write_begin,
	.write_end	= ext4_journalled_write_end,
};

void ext4_set_aops(struct inode *inode)
{
	if (ext4_should_journal_data(inode))
		inode->i_mapping->a_ops = &ext4_journalled_aops;
	else
		inode->i_mapping->a_ops = &ext4_aops;
}

static vm_fault_t block_page_mkwrite_return(int err)
{
	if (!err)
		return VM_FAULT_LOCKED;
	if (err == -EFAULT)
		return VM_FAULT_NOPAGE;
	return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
}

/* A read-only page is about to be stored to. On success it is left locked. */
vm_fault_t ext4_page_mkwrite(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct inode *inode = file_inode(vma->vm_file);
	struct page *page = vmf->page;
	handle_t *handle;
	size_t len;
	int err;

	file_update_time(vma->vm_file);
	lock_page(page);
	len = ext4_page_len(inode, page);
	if (page->mapping != inode->i_mapping || !len) {
		unlock_page(page);
		return VM_FAULT_NOPAGE;
	}
	/* If all blocks have a place there is nothing to do. */
	if (page_has_buffers(page) &&
	    !ext4_walk_page_buffers(NULL, page, 0, len, ext4_bh_unmapped)) {
		wait_for_stable_page(page);
		return VM_FAULT_LOCKED;
	}
	unlock_page(page);

	handle = ext4_journal_start(inode, 2);
	if (IS_ERR(handle))
		return VM_FAULT_SIGBUS;
	err = block_page_mkwrite(vma, vmf, ext4_get_block);
	if (!err && ext4_should_journal_data(inode)) {
		err = ext4_walk_page_buffers(handle, page, 0, len,
					     do_journal_get_write_access);
		if (err)
			unlock_page(page);
		ext4_set_inode_state(inode, EXT4_STATE_JDATA);
	}
	ext4_journal_stop(handle);
	return block_page_mkwrite_return(err);
}

const struct vm_operations_struct ext4_file_vm_ops = {
	.fault		= filemap_fault,
	.page_mkwrite	= ext4_page_mkwrite,
};
