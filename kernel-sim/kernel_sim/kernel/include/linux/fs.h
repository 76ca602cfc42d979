/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Super blocks, inodes, files, and the cache of a file's pages. */
#ifndef _LINUX_FS_H
#define _LINUX_FS_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/spinlock.h>

#define MAPPING_PAGES		64
#define AOP_WRITEPAGE_ACTIVATE	0x80000

/* Bits of i_tags. A dirty tag is not the same thing as a dirty flag. */
#define PAGECACHE_TAG_DIRTY	0x1
#define PAGECACHE_TAG_WRITEBACK	0x2
#define PAGECACHE_TAG_TOWRITE	0x4

struct inode;
struct super_block;
struct writeback_control;

struct address_space_operations {
	int (*readpage)(struct file *file, struct page *page);
	int (*writepage)(struct page *page, struct writeback_control *wbc);
	int (*writepages)(struct address_space *mapping,
			  struct writeback_control *wbc);
	int (*set_page_dirty)(struct page *page);
	int (*write_begin)(struct file *file, loff_t pos, unsigned int len,
			   struct page **pagep);
	int (*write_end)(struct file *file, loff_t pos, unsigned int len,
			 struct page *page);
};

struct address_space {
	struct inode *host;
	const struct address_space_operations *a_ops;
	spinlock_t i_lock;
	struct list_head i_mmap;	/* mappings that show these pages */
	struct page *i_pages[MAPPING_PAGES];
	u8 i_tags[MAPPING_PAGES];
	unsigned long nr_dirtied;	/* pages dirtied so far, only grows */
};

struct inode {
	unsigned long i_ino;
	loff_t i_size;
	unsigned long i_mtime;
	struct super_block *i_sb;
	struct rw_semaphore i_rwsem;
	struct address_space *i_mapping;
	struct address_space i_data;
};

struct file {
	struct inode *f_inode;
	struct address_space *f_mapping;
};

struct block_device {
	u8 *bd_data;
	unsigned long bd_block_size;
	sector_t bd_nr_blocks;
	bool bd_stable_writes;	/* pages must not change during I/O */
};

struct super_operations {
	void (*dirty_inode)(struct inode *inode);
};

struct super_block {
	struct block_device *s_bdev;
	const struct super_operations *s_op;
	unsigned long s_blocksize;
	unsigned int s_blocksize_bits;
	void *s_fs_info;
};

static inline loff_t i_size_read(const struct inode *inode)
{
	return inode->i_size;
}

void inode_init_once(struct inode *inode, struct super_block *sb,
		     unsigned long ino);
void file_update_time(struct file *file);
ssize_t generic_perform_write(struct file *file, const void *from, size_t len,
			      loff_t pos);

#endif
