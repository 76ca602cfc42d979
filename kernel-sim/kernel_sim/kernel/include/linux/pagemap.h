/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking up and locking cached pages. */
#ifndef _LINUX_PAGEMAP_H
#define _LINUX_PAGEMAP_H

#include <linux/fs.h>
#include <linux/mm.h>

static inline loff_t page_offset(const struct page *page)
{
	return (loff_t)page->index << PAGE_SHIFT;
}

void lock_page(struct page *page);
void unlock_page(struct page *page);

/* mm/filemap.c */
struct page *find_get_page(struct address_space *mapping, pgoff_t index);
struct page *grab_cache_page_write_begin(struct address_space *mapping,
					 pgoff_t index);
struct page *find_get_page_tag(struct address_space *mapping, pgoff_t *index,
			       pgoff_t end, u8 tag);
void mapping_set_tag(struct page *page, u8 tag);
void mapping_clear_tag(struct page *page, u8 tag);

#endif
