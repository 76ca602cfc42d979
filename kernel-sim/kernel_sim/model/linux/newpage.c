// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages that a file gets when it becomes longer, or that are read again. One that it lost is not used twice. */
#include <linux/pagemap.h>
#include <linux/swap.h>
#include "sim_linux.h"

struct page *instead_of___page_cache_alloc(gfp_t gfp)
{
	return sim_new_page();
}

void instead_of_lru_cache_add(struct page *page)
{
}

#ifdef SIM_FOLIOS
static struct folio *new_folio(unsigned int order)
{
	if (order)
		sim_inconclusive("a folio of several pages");
	return (struct folio *)sim_new_page();
}

struct folio *instead_of_filemap_alloc_folio(gfp_t gfp, unsigned int order)
{
	return new_folio(order);
}

/* The same with allocation profiling. */
struct folio *instead_of_filemap_alloc_folio_noprof(gfp_t gfp, unsigned int order)
{
	return new_folio(order);
}

void instead_of_folio_add_lru(struct folio *folio)
{
}
#endif

bool instead_of_shmem_mapping(struct address_space *mapping)
{
	return false;
}

/* A list for the shrinker. */
struct list_lru shadow_nodes;

void instead_of_workingset_update_node(struct xa_node *node)
{
}

/* What readers may still have in hand is never freed. */
void instead_of_call_rcu(struct rcu_head *head, rcu_callback_t function)
{
}
