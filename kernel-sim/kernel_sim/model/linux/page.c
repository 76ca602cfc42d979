// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages and the processor's view of them. */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/writeback.h>
#include "sim_linux.h"
#include "sim_page.h"

#define SETUP_PAGES	96
#define THREAD_PAGES	32
#define PAGES		(SETUP_PAGES + (SIM_THREADS - 1) * THREAD_PAGES)

/* Each thread takes of its own, so that what one gets depends on its own past alone. */
static struct page pages[PAGES];
static unsigned char memory[PAGES * PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned long used[SIM_THREADS];
struct page *mem_map;

struct page *sim_new_page(void)
{
	unsigned int me = sim_self();
	unsigned int first = me ? SETUP_PAGES + (me - 1) * THREAD_PAGES : 0;
	unsigned long number = used[me]++;
	struct page *page = &pages[first + number];

	if (number >= (me ? THREAD_PAGES : SETUP_PAGES))
		sim_inconclusive("no page is left");
	if (!mem_map)
		mem_map = pages - ((unsigned long)memory >> PAGE_SHIFT);
	page->_refcount.counter = 1;
	return page;
}

void instead_of_put_page(struct page *page)
{
}

void instead_of_get_page(struct page *page)
{
}

void instead_of_mark_page_accessed(struct page *page)
{
}

void instead_of_balance_dirty_pages_ratelimited(struct address_space *mapping)
{
}

struct address_space *instead_of_page_mapping(struct page *page)
{
	return sim_page_mapping(page);
}

void *instead_of_page_rmapping(struct page *page)
{
	return sim_page_mapping(page);
}

/* Of what is dirty nobody keeps lists here; a change to the inode itself goes to the file system. */
void instead_of___mark_inode_dirty(struct inode *inode, int flags)
{
	if (flags & (I_DIRTY_SYNC | I_DIRTY_DATASYNC) && inode->i_sb->s_op->dirty_inode)
		inode->i_sb->s_op->dirty_inode(inode, flags);
}

struct super_block *blockdev_superblock;

struct backing_dev_info *instead_of_inode_to_bdi(struct inode *inode)
{
	return inode->i_sb->s_bdi;
}

/* Pages are never given back. */
void instead_of_release_pages(struct page **released, int count)
{
}

void instead_of_lru_add_drain(void)
{
}

unsigned long instead_of___get_free_pages(gfp_t gfp, unsigned int order)
{
	if (order)
		sim_inconclusive("several pages in a row");
	return (unsigned long)page_address(sim_new_page());
}

void instead_of_free_pages(unsigned long address, unsigned int order)
{
}
