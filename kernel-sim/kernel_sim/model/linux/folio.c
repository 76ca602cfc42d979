// SPDX-License-Identifier: GPL-2.0-or-later
/* The same as elsewhere here, where a tree speaks of folios. One page is one folio. */
#include <linux/version.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/backing-dev.h>
#include "sim_linux.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 16, 0)

void model_folio_lock(struct folio *folio)
{
	sim_lock_page(&folio->page);
}

void model_folio_unlock(struct folio *folio)
{
	sim_unlock_page(&folio->page);
}

struct address_space *model_folio_mapping(struct folio *folio)
{
	return folio->mapping;
}

int model_folio_mkclean(struct folio *folio)
{
	return sim_write_protect(&folio->page);
}

void model_folio_wait_bit(struct folio *folio, int bit)
{
	sim_wait_for_bit(&folio->flags, bit);
}

void model_folio_wake_bit(struct folio *folio, int bit)
{
	sim_wake_all();
}

void model_folio_put(struct folio *folio)
{
}

void model_folio_get(struct folio *folio)
{
}

void model_folio_mark_accessed(struct folio *folio)
{
}

void model_folio_account_dirtied(struct folio *folio, struct address_space *mapping)
{
}

void model___folio_batch_release(struct folio_batch *batch)
{
	folio_batch_reinit(batch);
}

struct backing_dev_info *model_inode_to_bdi(struct inode *inode)
{
	return inode->i_sb->s_bdi;
}

struct pglist_data *model_folio_pgdat(const struct folio *folio)
{
	return NULL;
}

struct zone *model_folio_zone(const struct folio *folio)
{
	return NULL;
}

struct lruvec *model_folio_lruvec(struct folio *folio)
{
	return NULL;
}
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 19, 0)
void *model_kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru, gfp_t gfp)
{
	return sim_alloc((unsigned long)cache);
}
#endif
