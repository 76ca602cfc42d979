// SPDX-License-Identifier: GPL-2.0-or-later
/* Buffers of a device, and the device. It reads memory when a request reaches it. */
#include <linux/buffer_head.h>
#include <linux/blkdev.h>
#include <linux/jbd2.h>
#include "sim_linux.h"

static struct buffer_head *buffers[SIM_BLOCKS];
static unsigned long buffers_lock;
unsigned char *sim_disk;
static struct block_device *crashed;
static unsigned char *crashed_disk;

/* Blocks of this device stand in a copy of the disk; nobody else sees it. */
void sim_set_crashed(struct block_device *bdev, unsigned char *disk)
{
	crashed = bdev;
	crashed_disk = disk;
}

static struct buffer_head *crashed_block(sector_t block, unsigned int size)
{
	struct buffer_head *bh = sim_alloc(sizeof(*bh));

	bh->b_data = (char *)crashed_disk + block * size;
	bh->b_size = size;
	bh->b_blocknr = block;
	bh->b_bdev = crashed;
	bh->b_state = 1UL << BH_Mapped | 1UL << BH_Uptodate;
	bh->b_count.counter = 1;
	return bh;
}

struct buffer_head *model___getblk_gfp(struct block_device *bdev, sector_t block, unsigned int size,
				       gfp_t gfp)
{
	struct buffer_head *bh;

	if (block >= SIM_BLOCKS)
		sim_fail("assertion", "a block past the end of the device");
	if (bdev == crashed)
		return crashed_block(block, size);
	sim_acquire(&buffers_lock, 1);
	bh = buffers[block];
	if (!bh) {
		bh = sim_alloc(sizeof(*bh));
		bh->b_page = sim_new_page();
		bh->b_data = page_address(bh->b_page);
		bh->b_size = size;
		bh->b_blocknr = block;
		bh->b_bdev = bdev;
		bh->b_state = 1UL << BH_Mapped;
		INIT_LIST_HEAD(&bh->b_assoc_buffers);
		buffers[block] = bh;
	}
	sim_swap(&buffers_lock, 8, 0);
	get_bh(bh);
	return bh;
}

struct buffer_head *model___find_get_block(struct block_device *bdev, sector_t block, unsigned size)
{
	struct buffer_head *bh = block < SIM_BLOCKS ? buffers[block] : NULL;

	if (bdev == crashed)
		return crashed_block(block, size);
	if (bh)
		get_bh(bh);
	return bh;
}

struct buffer_head *model_alloc_buffer_head(gfp_t gfp)
{
	struct buffer_head *bh = sim_alloc(sizeof(*bh));

	INIT_LIST_HEAD(&bh->b_assoc_buffers);
	return bh;
}

void model_free_buffer_head(struct buffer_head *bh)
{
	sim_free(bh);
}

void model_blk_start_plug(struct blk_plug *plug)
{
}

void model_blk_finish_plug(struct blk_plug *plug)
{
}

int model_submit_bh(int op, int op_flags, struct buffer_head *bh)
{
	unsigned char *block = sim_disk + bh->b_blocknr * bh->b_size;

	if (bh->b_blocknr >= SIM_BLOCKS)
		sim_fail("assertion", "a transfer past the end of the device");
	if (op == REQ_OP_WRITE)
		sim_copy(block, bh->b_data, bh->b_size);
	else
		sim_copy(bh->b_data, block, bh->b_size);
	bh->b_end_io(bh, 1);
	return 0;
}
