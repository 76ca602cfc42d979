// SPDX-License-Identifier: GPL-2.0-or-later
/* Taking pages out of page tables, for truncation and reclaim. A page is mapped where its entry is there. */
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include "sim_mount.h"
#include "sim_page.h"

static void unmap_pages(struct address_space *mapping, unsigned long first, unsigned long count)
{
	struct mapped_file *one = sim_file_mapped(mapping);
	unsigned long index;

	if (!one)
		return;
	i_mmap_lock_read(mapping);
	for (index = first; index < FILE_PAGES && index - first < count; index++)
		sim_unmap(one, index);
	i_mmap_unlock_read(mapping);
}

/* 0 pages are all from the first one on. */
void instead_of_unmap_mapping_pages(struct address_space *mapping, pgoff_t first, pgoff_t count,
				    bool even_cows)
{
	unmap_pages(mapping, first, count ? count : FILE_PAGES);
}

/* The tree's own would ask the tables whether they have the page; who calls it has its lock. */
void sim_unmap_page(struct page *page)
{
	unmap_pages(sim_page_mapping(page), sim_page_index(page), 1);
}

static bool is_mapped(struct page *page)
{
	struct mapped_file *one = sim_file_mapped(sim_page_mapping(page));
	pte_t pte;

	if (!one)
		return false;
	pte = one->ptes[sim_page_index(page)];
	return pte_present(pte) && pte_page(pte) == page;
}

#ifdef SIM_MAPPED_CONST
#define ASKED	const
#else
#define ASKED
#endif

bool instead_of_page_mapped(ASKED struct page *page)
{
	return is_mapped((struct page *)page);
}

#ifdef SIM_FOLIOS
void instead_of_unmap_mapping_folio(struct folio *folio)
{
	sim_unmap_page(&folio->page);
}

bool instead_of_folio_mapped(ASKED struct folio *folio)
{
	return is_mapped((struct page *)&folio->page);
}
#endif
