/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A page of a file, whether the tree keeps what it says of it in the page or in its folio. */
#ifndef _SIM_PAGE_H
#define _SIM_PAGE_H

#include <linux/pagemap.h>
#include <linux/buffer_head.h>

#ifdef SIM_FOLIOS
#define SIM_PAGE_STATE(page)	((struct folio *)(page))
#else
#define SIM_PAGE_STATE(page)	(page)
#endif

/* The flags are a word, whatever the tree wraps it in. */
static inline unsigned long *sim_page_flags(struct page *page)
{
	return (unsigned long *)&page->flags;
}

static inline struct address_space *sim_page_mapping(struct page *page)
{
	return SIM_PAGE_STATE(page)->mapping;
}

static inline unsigned long sim_page_index(struct page *page)
{
	return SIM_PAGE_STATE(page)->index;
}

static inline void sim_put_into_file(struct page *page, struct address_space *mapping, unsigned long index)
{
	SIM_PAGE_STATE(page)->mapping = mapping;
	SIM_PAGE_STATE(page)->index = index;
	*sim_page_flags(page) = 1UL << PG_uptodate;
}

static inline int sim_page_dirty(struct page *page)
{
	return test_bit(PG_dirty, sim_page_flags(page));
}

/* The first of its buffers, or NULL. */
static inline struct buffer_head *sim_page_buffers(struct page *page)
{
#ifdef SIM_FOLIOS
	return folio_buffers(SIM_PAGE_STATE(page));
#else
	return page_has_buffers(page) ? page_buffers(page) : NULL;
#endif
}

#endif
