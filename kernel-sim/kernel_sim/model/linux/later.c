// SPDX-License-Identifier: GPL-2.0-or-later
/* Names that some trees have for what others call otherwise: memory, buffers of a device. */
#include <linux/buffer_head.h>
#include <linux/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include "sim_linux.h"

/* Allocation with profiling: what its macros come to. */
void *instead_of___kmalloc_noprof(size_t size, gfp_t flags)
{
	return sim_alloc(size);
}

void *instead_of_kmalloc_noprof(size_t size, gfp_t flags)
{
	return sim_alloc(size);
}

/* What else it is told, by some trees more and by some less, makes no difference here. */
void *instead_of___kvmalloc_node_noprof(size_t size)
{
	return sim_alloc(size);
}

void *instead_of_kvmalloc_node_noprof(size_t size)
{
	return sim_alloc(size);
}

void *instead_of_kmem_cache_alloc_noprof(struct kmem_cache *cache, gfp_t flags)
{
	return sim_from_cache(cache);
}

void *instead_of_kmem_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru, gfp_t flags)
{
	return sim_from_cache(cache);
}

void *instead_of_kmem_cache_alloc_lru_noprof(struct kmem_cache *cache, struct list_lru *lru, gfp_t flags)
{
	return sim_from_cache(cache);
}

#ifdef SIM_CACHE_ARGS
struct kmem_cache *instead_of___kmem_cache_create_args(const char *name, unsigned int size,
						       struct kmem_cache_args *args, slab_flags_t flags)
{
	return sim_cache_aligned(size, args->align);
}
#endif

unsigned long instead_of_get_free_pages_noprof(gfp_t flags, unsigned int order)
{
	if (order)
		sim_inconclusive("several pages in a row");
	return (unsigned long)page_address(sim_new_page());
}

struct buffer_head *instead_of_bdev_getblk(struct block_device *bdev, sector_t block, unsigned int size,
					   gfp_t flags)
{
	return sim_buffer(bdev, block, size);
}

struct buffer_head *instead_of___find_get_block_nonatomic(struct block_device *bdev, sector_t block,
							  unsigned int size)
{
	return sim_find_buffer(bdev, block, size);
}

u32 instead_of_crc32c(u32 crc, const void *data, size_t size)
{
	return sim_crc32c(crc, data, size);
}

/* Memory is never short: nobody has to be asked to give some back. */
struct shrinker *instead_of_shrinker_alloc(unsigned int flags, const char *format, ...)
{
	return sim_alloc(sizeof(struct shrinker));
}

void instead_of_shrinker_register(struct shrinker *shrinker)
{
}

void instead_of_ktime_get_coarse_real_ts64_mg(struct timespec64 *now)
{

}

/* Nanoseconds are less than a second's. */
void instead_of_set_normalized_timespec64(struct timespec64 *time, time64_t seconds, s64 nanoseconds)
{
	while (nanoseconds >= NSEC_PER_SEC) {
		nanoseconds -= NSEC_PER_SEC;
		seconds++;
	}
	while (nanoseconds < 0) {
		nanoseconds += NSEC_PER_SEC;
		seconds--;
	}
	time->tv_sec = seconds;
	time->tv_nsec = nanoseconds;
}
