/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A buffer head ties a piece of memory to a block of the device. */
#ifndef _LINUX_BUFFER_HEAD_H
#define _LINUX_BUFFER_HEAD_H

#include <linux/fs.h>
#include <linux/page-flags.h>
#include <linux/wait.h>

enum bh_state_bits {
	BH_Uptodate,
	BH_Dirty,
	BH_Lock,
	BH_Mapped,
	BH_New,
	BH_JBD,			/* has a journal head */
	BH_JBDDirty,		/* dirty, but only the journal may write it */
	BH_Shadow,		/* its bytes are on the way to the log */
};

struct buffer_head;
typedef void (bh_end_io_t)(struct buffer_head *bh, int uptodate);
typedef int (get_block_t)(struct inode *inode, sector_t iblock,
			  struct buffer_head *bh, int create);

struct buffer_head {
	unsigned long b_state;
	struct buffer_head *b_this_page;	/* ring of the page's buffers */
	struct page *b_page;
	sector_t b_blocknr;
	size_t b_size;
	u8 *b_data;
	struct block_device *b_bdev;
	bh_end_io_t *b_end_io;
	void *b_private;			/* journal head */
};

#define BUFFER_FNS(bit, name) \
static inline void set_buffer_##name(struct buffer_head *bh) \
{ set_bit(BH_##bit, &bh->b_state); } \
static inline void clear_buffer_##name(struct buffer_head *bh) \
{ clear_bit(BH_##bit, &bh->b_state); } \
static inline bool buffer_##name(const struct buffer_head *bh) \
{ return test_bit(BH_##bit, &bh->b_state); } \
static inline bool test_set_buffer_##name(struct buffer_head *bh) \
{ return test_and_set_bit(BH_##bit, &bh->b_state); } \
static inline bool test_clear_buffer_##name(struct buffer_head *bh) \
{ return test_and_clear_bit(BH_##bit, &bh->b_state); }

BUFFER_FNS(Uptodate, uptodate)
BUFFER_FNS(Dirty, dirty)
BUFFER_FNS(Lock, locked)
BUFFER_FNS(Mapped, mapped)
BUFFER_FNS(New, new)
BUFFER_FNS(JBD, jbd)
BUFFER_FNS(JBDDirty, jbddirty)
BUFFER_FNS(Shadow, shadow)

#define page_has_buffers(page)	PagePrivate(page)
#define page_buffers(page)	((struct buffer_head *)(page)->private)

#define REQ_OP_READ	0
#define REQ_OP_WRITE	1

/* primitives */
void lock_buffer(struct buffer_head *bh);
void unlock_buffer(struct buffer_head *bh);
void submit_bh(int op, struct buffer_head *bh);
extern void (*model_io_hook)(int op, struct buffer_head *bh);

/* fs/buffer.c */
struct buffer_head *alloc_buffer_head(struct block_device *bdev, sector_t block);
struct buffer_head *sb_bread(struct super_block *sb, sector_t block);
void create_empty_buffers(struct page *page, struct super_block *sb);
void mark_buffer_dirty(struct buffer_head *bh);
int __block_write_begin(struct page *page, loff_t pos, unsigned int len,
			get_block_t *get_block);
void block_commit_write(struct page *page, unsigned int from, unsigned int to);
int block_page_mkwrite(struct vm_area_struct *vma, struct vm_fault *vmf,
		       get_block_t *get_block);
int block_read_full_page(struct page *page, get_block_t *get_block);
int block_write_full_page(struct page *page, get_block_t *get_block);

#endif
