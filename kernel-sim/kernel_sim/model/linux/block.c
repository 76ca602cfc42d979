// SPDX-License-Identifier: GPL-2.0-or-later
/* Buffers of a device, and the device. It reads memory when a request reaches it. */
#include <linux/buffer_head.h>
#include <linux/blkdev.h>
#include <linux/jbd2.h>
#include <sim/scenario.h>
#include "sim_linux.h"
#include "sim_page.h"

/* A device: where its blocks stand. One that is read after a crash has no cache. */
static struct {
	struct block_device *bdev;
	unsigned char **disk;
	unsigned long first;	/* block of the disk that is its block 0 */
} devices[4];

static void (*after_write)(void);

/* What looks at the disk after each block that a thread of the scenario has written. */
void sim_on_write(void (*look)(void))
{
	after_write = look;
}

static struct buffer_head *buffers[SIM_BLOCKS];
static unsigned long buffers_lock;
unsigned char *sim_disk;

void sim_add_device(struct block_device *bdev, unsigned char **disk, unsigned long first)
{
	int i;

	for (i = 0; devices[i].bdev && devices[i].bdev != bdev; i++)
		;
	devices[i].bdev = bdev;
	devices[i].disk = disk;
	devices[i].first = first;
}

static int device_of(struct block_device *bdev, sector_t block)
{
	int i;

	for (i = 0; devices[i].bdev != bdev; i++)
		;
	if (devices[i].first + block >= SIM_BLOCKS)
		sim_fail("assertion", "a block past the end of the device");
	return i;
}

static unsigned char *bytes_of(struct block_device *bdev, sector_t block, unsigned int size)
{
	int i = device_of(bdev, block);

	return *devices[i].disk + (devices[i].first + block) * size;
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
	int i = device_of(bdev, block);
	struct buffer_head **slot = &buffers[devices[i].first + block];
	struct buffer_head *bh;

	if (devices[i].disk != &sim_disk) {
		bh = new_buffer(bdev, block, size);
		bh->b_data = (char *)bytes_of(bdev, block, size);
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
	int i = device_of(bdev, block);
	struct buffer_head *bh = buffers[devices[i].first + block];

	if (devices[i].disk != &sim_disk)
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

static void transfer(int op, struct buffer_head *bh)
{
	unsigned char *block = bytes_of(bh->b_bdev, bh->b_blocknr, bh->b_size);

	if (op == REQ_OP_WRITE) {
		sim_copy(block, bh->b_data, bh->b_size);
		if (after_write && sim_self())
			after_write();
	} else {
		sim_copy(bh->b_data, block, bh->b_size);
	}
	bh->b_end_io(bh, 1);
}

#ifdef SIM_BLK_OPF
void instead_of_submit_bh(blk_opf_t opf, struct buffer_head *bh)
{
	transfer(opf & REQ_OP_MASK, bh);
}
#else
int instead_of_submit_bh(int op, int op_flags, struct buffer_head *bh)
{
	transfer(op, bh);
	return 0;
}
#endif

int instead_of_sync_blockdev(struct block_device *bdev)
{
	return 0;
}
