// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reclaim of one page, step by step as the kernel does it: unmap, leave dirty pages to the flusher, ask
 * the file system for the buffers, take the page out of the file. Whose references count are pinners'
 * alone: those that a thread has for a moment are not, and whoever has one looks at the page again
 * under its lock.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include "sim_mount.h"
#include "sim_page.h"

#ifdef SIM_FOLIOS
#define release_buffers(page)	filemap_release_folio(SIM_PAGE_STATE(page), GFP_KERNEL)
#define remove_page(page)	__filemap_remove_folio(SIM_PAGE_STATE(page), NULL)
#else
#define release_buffers(page)	try_to_release_page(page, GFP_KERNEL)
#define remove_page(page)	__delete_from_page_cache(page, NULL)
#endif

static bool take_out(struct address_space *mapping, struct page *page)
{
	bool gone;

	xa_lock_irq(&mapping->i_pages);
	gone = !sim_is_pinned(page) && !sim_page_dirty(page);
	if (gone)
		remove_page(page);
	xa_unlock_irq(&mapping->i_pages);
	return gone;
}

/* Some trees hand over a page, others a folio: the same place, as a folio is a page here. */
long instead_of_remove_mapping(struct address_space *mapping, void *page)
{
	return take_out(mapping, page);
}

static bool is_busy(struct page *page)
{
	return sim_page_dirty(page) || test_bit(PG_writeback, sim_page_flags(page));
}

/* Returns whether the page is gone. Who has it locked is not waited for. */
int sim_reclaim(long offset)
{
	struct mapped_file *one = sim_this_file();
	struct page *page = sim_page_of(one, offset >> PAGE_SHIFT);
	bool gone = false;

	if (!page || !sim_try_page(page))
		return 0;
	if (sim_page_mapping(page) == one->file.f_mapping && !test_bit(PG_writeback, sim_page_flags(page))) {
		sim_unmap_page(page);
		if (!is_busy(page) && (!sim_page_buffers(page) || release_buffers(page)))
			gone = take_out(one->file.f_mapping, page);
	}
	sim_unlock_page(page);
	return gone;
}
