/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of this model have in common. */
#ifndef _SIM_LINUX_H
#define _SIM_LINUX_H

#include <linux/types.h>
#include <linux/fs.h>
#include <linux/buffer_head.h>
#include <linux/blkdev.h>
#include <linux/jbd2.h>

#define SIM_THREADS	16

struct kmem_cache *sim_cache(size_t size);
struct kmem_cache *sim_cache_aligned(size_t size, size_t align);
void *sim_from_cache(struct kmem_cache *cache);
void sim_message(const char *format);
int sim_holds(const char *text, const char *part);
struct page *sim_new_page(void);
void sim_start(void);
void sim_lock_page(struct page *page);
bool sim_try_page(struct page *page);
void sim_unlock_page(struct page *page);
int sim_write_protect(struct page *page);
void sim_wake_all(void);
void sim_unmap_page(struct page *page);
bool sim_is_pinned(struct page *page);
void sim_serve_commit(void);
void sim_name_lock(const volatile void *lock, const char *name);
void sim_wait_for_page(struct page *page, int bit);
void sim_wait_for_bit(unsigned long *word, int bit);
struct buffer_head *sim_buffer(struct block_device *bdev, sector_t block, unsigned int size);
struct buffer_head *sim_find_buffer(struct block_device *bdev, sector_t block, unsigned int size);

/* The disk: its blocks in memory, as they would be found after the power was cut. */
extern unsigned char *sim_disk;
extern unsigned int sim_block_bits;
#define SIM_BLOCK_BYTES	(1UL << sim_block_bits)

/* Where things stand on it, in blocks. */
#define FILES		2
#define FILE_PAGES	4
#define FILE_BLOCKS	(FILE_PAGES << (PAGE_SHIFT - sim_block_bits))
#define INODE_BLOCK	1
#define DATA_FIRST	2
#define JOURNAL_FIRST	(DATA_FIRST + FILES * FILE_BLOCKS)
#define JOURNAL_BLOCKS	32	/* that exist, of a journal that is said to be longer */
#define SIM_BLOCKS	(JOURNAL_FIRST + JOURNAL_BLOCKS)
#define SIM_BLOCKS_MOST	(DATA_FIRST + FILES * FILE_PAGES * 4 + JOURNAL_BLOCKS)

/* A part of it, or of what a crash left of it. */
struct sim_device {
	struct block_device bdev;
	struct gendisk disk;
	unsigned char **bytes;
	unsigned long first;	/* block of the disk that is its block 0 */
};

unsigned char *sim_bytes_of(struct sim_device *device, unsigned long offset);
void sim_copy_disk(unsigned char *to, unsigned long files);
void sim_make_disk(struct sim_device *device);
void sim_start_device(void);
int sim_wants_stable_pages(void);
int sim_has_written(void);

#endif
