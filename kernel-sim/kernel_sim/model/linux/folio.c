// SPDX-License-Identifier: GPL-2.0-or-later
/* The same as elsewhere here, where a tree speaks of folios. One page is one folio. */
#include <linux/pagemap.h>
#include <linux/pagevec.h>
#include <linux/rmap.h>
#include <linux/backing-dev.h>
#include "sim_linux.h"

#ifdef SIM_FOLIOS

void instead_of_folio_lock(struct folio *folio)
{
	sim_lock_page(&folio->page);
}

void instead_of___folio_lock(struct folio *folio)
{
	sim_lock_page(&folio->page);
}

bool instead_of_folio_trylock(struct folio *folio)
{
	return sim_try_page(&folio->page);
}

void instead_of_folio_unlock(struct folio *folio)
{
	sim_unlock_page(&folio->page);
}

/* The end of reading: the tree does both with one store, to wake sleepers sooner. */
void instead_of_folio_end_read(struct folio *folio, bool success)
{
	if (success)
		folio_mark_uptodate(folio);
	sim_unlock_page(&folio->page);
}

struct address_space *instead_of_folio_mapping(struct folio *folio)
{
	return folio->mapping;
}

int instead_of_folio_mkclean(struct folio *folio)
{
	return sim_write_protect(&folio->page);
}

void instead_of_folio_wait_bit(struct folio *folio, int bit)
{
	sim_wait_for_page(&folio->page, bit);
}

void instead_of_folio_wake_bit(struct folio *folio, int bit)
{
	sim_wake_all();
}

void instead_of_folio_put(struct folio *folio)
{
}

void instead_of_folio_put_refs(struct folio *folio, int count)
{
}

void instead_of_folio_get(struct folio *folio)
{
}

void instead_of_folio_mark_accessed(struct folio *folio)
{
}

void instead_of_folio_account_dirtied(struct folio *folio, struct address_space *mapping)
{
}

void instead_of___folio_batch_release(struct folio_batch *batch)
{
	batch->nr = 0;
}

struct pglist_data *instead_of_folio_pgdat(const struct folio *folio)
{
	return NULL;
}

struct zone *instead_of_folio_zone(const struct folio *folio)
{
	return NULL;
}

struct lruvec *instead_of_folio_lruvec(struct folio *folio)
{
	return NULL;
}
#endif
