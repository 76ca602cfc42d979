/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State bits of a page, and the functions that read and change them. */
#ifndef _LINUX_PAGE_FLAGS_H
#define _LINUX_PAGE_FLAGS_H

#include <linux/bitops.h>
#include <linux/mm_types.h>

enum pageflags {
	PG_locked,
	PG_uptodate,
	PG_dirty,
	PG_writeback,
	PG_checked,		/* dirtied through a mapping, not yet journalled */
	PG_private,
};

#define PAGEFLAG(Name, bit) \
static inline bool Page##Name(const struct page *page) \
{ return test_bit(bit, &page->flags); } \
static inline void SetPage##Name(struct page *page) \
{ set_bit(bit, &page->flags); } \
static inline void ClearPage##Name(struct page *page) \
{ clear_bit(bit, &page->flags); } \
static inline bool TestSetPage##Name(struct page *page) \
{ return test_and_set_bit(bit, &page->flags); } \
static inline bool TestClearPage##Name(struct page *page) \
{ return test_and_clear_bit(bit, &page->flags); }

PAGEFLAG(Locked, PG_locked)
PAGEFLAG(Uptodate, PG_uptodate)
PAGEFLAG(Dirty, PG_dirty)
PAGEFLAG(Writeback, PG_writeback)
PAGEFLAG(Checked, PG_checked)
PAGEFLAG(Private, PG_private)

#endif
