// SPDX-License-Identifier: GPL-2.0-or-later
/* Buffers of a page, and the generic read, write and fault paths over them. */
#include <linux/buffer_head.h>
#include <linux/pagemap.h>
#include <linux/writeback.h>

struct buffer_head *alloc_buffer_head(struct block_device *bdev, sector_t block)
{
	struct buffer_head *bh = kzalloc(sizeof(*bh));

	bh->b_bdev = bdev;
	bh->b_blocknr = block;
	bh->b_size = bdev->bd_block_size;
	bh->b_this_page = bh;
	return bh;
}

static void end_buffer_sync(struct buffer_head *bh, int uptodate)
{
	if (uptodate)
		set_buffer_uptodate(bh);
	unlock_buffer(bh);
}

static void read_buffer(struct buffer_head *bh)
{
	lock_buffer(bh);
	bh->b_end_io = end_buffer_sync;
	submit_bh(REQ_OP_READ, bh);
}

/* A block outside any file's page cache: metadata. */
struct buffer_head *sb_bread(struct super_block *sb, sector_t block)
{
	struct buffer_head *bh = alloc_buffer_head(sb->s_bdev, block);

	bh->b_data = kzalloc(bh->b_size);
	set_buffer_mapped(bh);
	read_buffer(bh);
	return bh;
}

void create_empty_buffers(struct page *page, struct super_block *sb)
{
	struct buffer_head *first = NULL, *last = NULL;

	for (size_t at = 0; at < PAGE_SIZE; at += sb->s_blocksize) {
		struct buffer_head *bh = alloc_buffer_head(sb->s_bdev, 0);

		bh->b_page = page;
		bh->b_data = page->virtual + at;
		if (last)
			last->b_this_page = bh;
		else
			first = bh;
		last = bh;
	}
	last->b_this_page = first;
	page->private = first;
	SetPagePrivate(page);
}

void mark_buffer_dirty(struct buffer_head *bh)
{
	if (!test_set_buffer_dirty(bh) && bh->b_page && bh->b_page->mapping)
		__set_page_dirty_nobuffers(bh->b_page);
}

/* A store through a mapping does not say which buffer it hit: all are dirty. */
int __set_page_dirty_buffers(struct page *page)
{
	struct buffer_head *bh;

	if (page_has_buffers(page)) {
		bh = page_buffers(page);
		do {
			set_buffer_dirty(bh);
			bh = bh->b_this_page;
		} while (bh != page_buffers(page));
	}
	return __set_page_dirty_nobuffers(page);
}

/* Give every block in the range a place, and read what is not overwritten. */
int __block_write_begin(struct page *page, loff_t pos, unsigned int len,
			get_block_t *get_block)
{
	struct inode *inode = page->mapping->host;
	size_t from = pos & ~PAGE_MASK, to = from + len, start = 0;
	struct buffer_head *bh;

	BUG_ON(!PageLocked(page));
	if (!page_has_buffers(page))
		create_empty_buffers(page, inode->i_sb);
	bh = page_buffers(page);
	do {
		size_t end = start + bh->b_size;
		int err;

		if (end > from && start < to && !buffer_mapped(bh)) {
			err = get_block(inode, (page_offset(page) + start) >>
					inode->i_sb->s_blocksize_bits, bh, 1);
			if (err)
				return err;
			if (test_clear_buffer_new(bh) && !PageUptodate(page)) {
				memset(bh->b_data, 0, bh->b_size);
				set_buffer_uptodate(bh);
			}
		}
		if (PageUptodate(page))
			set_buffer_uptodate(bh);
		else if (end > from && start < to && !buffer_uptodate(bh) &&
			 (start < from || end > to))
			read_buffer(bh);
		start = end;
		bh = bh->b_this_page;
	} while (bh != page_buffers(page));
	return 0;
}

void block_commit_write(struct page *page, unsigned int from, unsigned int to)
{
	struct buffer_head *bh = page_buffers(page);
	size_t start = 0;

	do {
		if (start < to && start + bh->b_size > from) {
			set_buffer_uptodate(bh);
			mark_buffer_dirty(bh);
		}
		start += bh->b_size;
		bh = bh->b_this_page;
	} while (bh != page_buffers(page));
}

/* Make a page ready for stores through a mapping. Returns with it locked. */
int block_page_mkwrite(struct vm_area_struct *vma, struct vm_fault *vmf,
		       get_block_t *get_block)
{
	struct page *page = vmf->page;
	struct inode *inode = file_inode(vma->vm_file);
	loff_t left;
	int err;

	lock_page(page);
	left = i_size_read(inode) - page_offset(page);
	if (page->mapping != inode->i_mapping || left <= 0) {
		unlock_page(page);
		return -EFAULT;
	}
	left = min(left, (loff_t)PAGE_SIZE);
	err = __block_write_begin(page, page_offset(page), left, get_block);
	if (err) {
		unlock_page(page);
		return err;
	}
	block_commit_write(page, 0, left);
	set_page_dirty(page);
	wait_for_stable_page(page);
	return 0;
}

int block_read_full_page(struct page *page, get_block_t *get_block)
{
	struct inode *inode = page->mapping->host;
	sector_t block = page_offset(page) >> inode->i_sb->s_blocksize_bits;
	struct buffer_head *bh;

	if (!page_has_buffers(page))
		create_empty_buffers(page, inode->i_sb);
	bh = page_buffers(page);
	do {
		if (!buffer_mapped(bh))
			get_block(inode, block, bh, 0);
		if (buffer_mapped(bh) && !buffer_uptodate(bh))
			read_buffer(bh);
		block++;
		bh = bh->b_this_page;
	} while (bh != page_buffers(page));
	SetPageUptodate(page);
	return 0;
}

/* Write the dirty buffers of a locked, cleaned page. Returns with it unlocked. */
int block_write_full_page(struct page *page, get_block_t *get_block)
{
	struct buffer_head *bh = page_buffers(page);

	set_page_writeback(page);
	unlock_page(page);
	do {
		lock_buffer(bh);
		if (buffer_mapped(bh) && test_clear_buffer_dirty(bh)) {
			bh->b_end_io = end_buffer_sync;
			submit_bh(REQ_OP_WRITE, bh);
		} else {
			unlock_buffer(bh);
		}
		bh = bh->b_this_page;
	} while (bh != page_buffers(page));
	end_page_writeback(page);
	return 0;
}
