// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device. Blocks that were never written are not kept; the others stand in slots in the order
 * of their first write. One request is served at a
 * time, as the tree frees what it wrote when submit_bh() returns.
 *
 * With SIM_DEVICE_THREAD a thread of its own reads memory, at a time of its choice, while whoever
 * submitted the request waits; with SIM_DEVICE_STABLE the bytes must be those of the submission.
 */
#include <linux/pagemap.h>
#include "kit.h"

#define SLOTS	64

enum { IDLE, SUBMITTED, DONE };

static struct {
	unsigned long busy;	/* a request is being served */
	unsigned long state;
	struct buffer_head *bh;
	int op;
	unsigned int sum;
	int settings;
	bool has_thread;
	void (*look)(void);
	unsigned long writes;
	int slots;
	u8 slot[DISK_BLOCKS];	/* 0: never written, else its slot from 1 */
	sector_t block[SLOTS];
	unsigned int version[SLOTS];
	u8 *bytes;
} disk;

/* Where a thread has its own copy of the disk, laid out as the tree wants it. */
static struct {
	u8 *flat;
	unsigned long writes;		/* to the disk, when the copy was made */
	unsigned int version[SLOTS];	/* 0: not copied yet */
} copies[THREADS];

static void write_block(struct buffer_head *bh)
{
	u8 slot = disk.slot[bh->b_blocknr];

	if (!slot) {
		if (disk.slots == SLOTS)
			sim_inconclusive("the simulated disk is full");
		disk.block[disk.slots] = bh->b_blocknr;
		slot = disk.slot[bh->b_blocknr] = ++disk.slots;
	}
	sim_copy(disk.bytes + (slot - 1) * PAGE_SIZE, bh->b_data, PAGE_SIZE);
	disk.version[slot - 1]++;
	disk.writes++;
}

static void read_block(struct buffer_head *bh)
{
	u8 slot = disk.slot[bh->b_blocknr];

	if (slot)
		sim_copy(bh->b_data, disk.bytes + (slot - 1) * PAGE_SIZE, PAGE_SIZE);
	else
		sim_fill(bh->b_data, 0, PAGE_SIZE);
}

static void transfer(struct buffer_head *bh, int op, unsigned int sum)
{
	u8 slot;

	if (op == REQ_OP_READ) {
		read_block(bh);
		return;
	}
	write_block(bh);
	slot = disk.slot[bh->b_blocknr];
	if (disk.settings & SIM_DEVICE_STABLE &&
	    sim_crc32c(0, disk.bytes + (slot - 1) * PAGE_SIZE, PAGE_SIZE) != sum)
		sim_fail("unstable page", "a block changed between its submission and its transfer");
	if (disk.look && sim_self())
		disk.look();
}

static void device(void *unused)
{
	for (;;) {
		sim_wait(&disk.state, ALL, SUBMITTED);
		transfer(disk.bh, disk.op, disk.sum);
		disk.bh->b_end_io(disk.bh, 1);
		sim_swap(&disk.state, sizeof(disk.state), DONE);
	}
}

void submit_bh(int op, struct buffer_head *bh)
{
	unsigned int sum = 0;

	if (bh->b_blocknr >= bh->b_bdev->bd_nr_blocks)
		sim_fail("assertion", "a transfer past the end of the device");
	if (!buffer_locked(bh))
		sim_fail("assertion", "a transfer of a buffer that is not locked");
	sim_acquire(&disk.busy, ALL);
	if (op == REQ_OP_WRITE && disk.settings & SIM_DEVICE_STABLE)
		sum = sim_crc32c(0, bh->b_data, PAGE_SIZE);
	if (disk.has_thread && sim_self()) {
		disk.bh = bh;
		disk.op = op;
		disk.sum = sum;
		sim_swap(&disk.state, sizeof(disk.state), SUBMITTED);
		sim_wait(&disk.state, ALL, DONE);
		sim_swap(&disk.state, sizeof(disk.state), IDLE);
	} else {
		transfer(bh, op, sum);
		bh->b_end_io(bh, 1);
	}
	sim_swap(&disk.busy, sizeof(disk.busy), 0);
}

void sim_on_write(void (*look)(void))
{
	disk.look = look;
}

/* The tree looks for a journal when it mounts, so there is a disk of zeros to look at. */
void disk_attach(struct block_device *bdev, int settings)
{
	if (bdev->bd_block_size != PAGE_SIZE)
		sim_inconclusive("the simulated disk has blocks of a page only");
	disk.bytes = sim_alloc(SLOTS * PAGE_SIZE);
	disk.settings = settings;
	copies[0].flat = sim_alloc(DISK_BLOCKS * PAGE_SIZE);
	bdev->bd_data = copies[0].flat;
	bdev->bd_stable_writes = settings & SIM_DEVICE_STABLE;
	if (settings & SIM_DEVICE_THREAD) {
		disk.has_thread = true;
		sim_thread("device", device, NULL, 1);
	}
}

/* Recovery writes to these, so what an earlier one has left there must go. */
static bool is_home(sector_t block)
{
	return block < EXT4_JOURNAL_FIRST || block >= EXT4_FIRST_DATA_BLOCK;
}

static void forget(u8 *flat, sector_t first, sector_t count)
{
	for (sector_t block = first; block < first + count; block++)
		if (!disk.slot[block])
			sim_fill(flat + block * PAGE_SIZE, 0, PAGE_SIZE);
}

/*
 * The caller is in transfer(), or no other thread runs. The copy is the thread's until the next.
 * False: nothing was written since the last one, and the copy is what recovery made of it.
 * `data_blocks` is how many files use.
 */
bool disk_snapshot(struct block_device *copy, sector_t data_blocks)
{
	unsigned int version[SLOTS];
	int me = sim_self(), i;

	if (!copies[me].flat)
		copies[me].flat = sim_alloc(DISK_BLOCKS * PAGE_SIZE);
	copy->bd_data = copies[me].flat;
	if (copies[me].writes == disk.writes)
		return false;
	copies[me].writes = disk.writes;
	sim_copy(version, disk.version, sizeof(version));
	forget(copies[me].flat, EXT4_FIRST_INODE_BLOCK, FILES);
	forget(copies[me].flat, EXT4_FIRST_DATA_BLOCK, data_blocks);
	for (i = 0; i < disk.slots; i++) {
		if (version[i] != copies[me].version[i] || is_home(disk.block[i]))
			sim_copy(copies[me].flat + disk.block[i] * PAGE_SIZE,
				 disk.bytes + i * PAGE_SIZE, PAGE_SIZE);
		copies[me].version[i] = version[i];
	}
	return true;
}

/* Whether a block of the disk has these bytes, whatever the log says. */
int disk_home_is(sector_t block, const u8 *bytes)
{
	u8 slot = disk.slot[block];

	return slot && !sim_compare(disk.bytes + (slot - 1) * PAGE_SIZE, bytes, PAGE_SIZE);
}
