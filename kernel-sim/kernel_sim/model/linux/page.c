// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages and the processor's view of them. */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/writeback.h>
#include "sim_linux.h"

static struct page pages[SIM_PAGES];
static unsigned char memory[SIM_PAGES * PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned int used;
struct page *mem_map;

struct page *sim_new_page(void)
{
	struct page *page;
	unsigned int number = used++;

	if (number >= SIM_PAGES)
		sim_inconclusive("no page is left");
	if (!mem_map)
		mem_map = pages - ((unsigned long)memory >> PAGE_SHIFT);
	page = &pages[number];
	page->_refcount.counter = 1;
	return page;
}

void model_put_page(struct page *page)
{
}

void model_get_page(struct page *page)
{
}

void model_mark_page_accessed(struct page *page)
{
}

void model_balance_dirty_pages_ratelimited(struct address_space *mapping)
{
}
