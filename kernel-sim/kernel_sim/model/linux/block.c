// SPDX-License-Identifier: GPL-2.0-or-later
/* Buffers of a device. One that is read after a crash has no cache. */
#include <linux/buffer_head.h>
#include <linux/blkdev.h>
#include "sim_linux.h"
#include "sim_page.h"

static struct buffer_head *buffers[SIM_BLOCKS_MOST];
static unsigned long buffers_lock;
unsigned char *sim_disk;

static struct sim_device *device_of(struct block_device *bdev)
{
	return container_of(bdev, struct sim_device, bdev);
}

static unsigned long number_of(struct sim_device *device, sector_t block)
{
	if (device->first == JOURNAL_FIRST && block >= JOURNAL_BLOCKS)
		sim_inconclusive("the model's journal is too short for this");
	if (device->first + block >= SIM_BLOCKS)
		sim_fail("assertion", "a block past the end of the device");
	return device->first + block;
}

/* Where a device's bytes stand, from an offset on: a block of them. */
unsigned char *sim_bytes_of(struct sim_device *device, unsigned long offset)
{
	return *device->bytes + number_of(device, offset >> sim_block_bits) * SIM_BLOCK_BYTES;
}

static struct buffer_head **cached(struct sim_device *device, sector_t block)
{
	return &buffers[number_of(device, block)];
}

static struct address_space *mapping_of(struct block_device *bdev)
{
#ifdef SIM_BD_MAPPING
	return bdev->bd_mapping;
#else
	return bdev->bd_inode->i_mapping;
#endif
}

static struct buffer_head *new_buffer(struct block_device *bdev, sector_t block, unsigned int size)
{
	struct buffer_head *bh = sim_alloc(sizeof(*bh));

	bh->b_size = size;
	bh->b_blocknr = block;
	bh->b_bdev = bdev;
	bh->b_state = 1UL << BH_Mapped;
	INIT_LIST_HEAD(&bh->b_assoc_buffers);
	return bh;
}

struct buffer_head *sim_buffer(struct block_device *bdev, sector_t block, unsigned int size)
{
	struct sim_device *device = device_of(bdev);
	struct buffer_head **slot = cached(device, block);
	struct buffer_head *bh;

	if (device->bytes != &sim_disk) {
		bh = new_buffer(bdev, block, size);
		bh->b_data = (char *)sim_bytes_of(device, block * size);
		/* Dirty already: nobody has to remember that it is. */
		bh->b_state |= 1UL << BH_Uptodate | 1UL << BH_Dirty;
	} else {
		sim_acquire(&buffers_lock, 1);
		bh = *slot;
		if (!bh) {
			bh = new_buffer(bdev, block, size);
			bh->b_page = sim_new_page();
			sim_put_into_file(bh->b_page, mapping_of(bdev), block);
			bh->b_data = page_address(bh->b_page);
			*slot = bh;
		}
		sim_swap(&buffers_lock, 8, 0);
	}
	get_bh(bh);
	return bh;
}

struct buffer_head *instead_of___getblk_gfp(struct block_device *bdev, sector_t block, unsigned int size,
				       gfp_t gfp)
{
	return sim_buffer(bdev, block, size);
}

struct buffer_head *sim_find_buffer(struct block_device *bdev, sector_t block, unsigned int size)
{
	struct sim_device *device = device_of(bdev);
	struct buffer_head *bh = *cached(device, block);

	if (device->bytes != &sim_disk)
		return NULL;
	if (bh)
		get_bh(bh);
	return bh;
}

struct buffer_head *instead_of___find_get_block(struct block_device *bdev, sector_t block, unsigned int size)
{
	return sim_find_buffer(bdev, block, size);
}

struct buffer_head *instead_of_alloc_buffer_head(gfp_t gfp)
{
	struct buffer_head *bh = sim_alloc(sizeof(*bh));

	INIT_LIST_HEAD(&bh->b_assoc_buffers);
	return bh;
}

void instead_of_free_buffer_head(struct buffer_head *bh)
{
	sim_free(bh);
}

void instead_of_blk_start_plug(struct blk_plug *plug)
{
}

void instead_of_blk_finish_plug(struct blk_plug *plug)
{
}

int instead_of_sync_blockdev(struct block_device *bdev)
{
	return 0;
}
