// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device, below submit_bio(). It serves one request after the other, and reads one block after the
 * other from memory: at submission, or with SIM_DEVICE_THREAD in a thread of its own, some time later,
 * in the order of submission. With SIM_DEVICE_STABLE they must be what was submitted. Then the tree's
 * own functions are called back.
 */
#include <linux/backing-dev-defs.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <sim/scenario.h>
#include "sim_linux.h"

struct request_in_line {
	struct request_in_line *next;
	struct bio *bio;
	unsigned int sum;
};

static int settings;
static int has_thread;
static unsigned long seen[SIM_THREADS];	/* a word for each thread, so that none is shared */
static void (*after_write)(void);
static struct request_queue queue;
static struct request_in_line *first, *last;
static unsigned long line_lock, line_length;
static unsigned long busy;	/* a request is being served */
static unsigned long used;	/* blocks of the disk up to the last that was written */

void sim_device(int wanted)
{
	settings = wanted;
}

int sim_wants_stable_pages(void)
{
	return settings & SIM_DEVICE_STABLE;
}

/* What looks at the disk after each block that a thread of the scenario has written. */
void sim_on_write(void (*look)(void))
{
	after_write = look;
}

/* Whether the calling thread has written since it was last asked, or has never been. */
int sim_has_written(void)
{
	return !sim_swap(&seen[sim_self()], 8, 1);
}

void sim_make_disk(struct sim_device *device)
{
	device->disk.queue = &queue;
	device->bdev.bd_disk = &device->disk;
}

static struct sim_device *device_of(struct bio *bio)
{
#ifdef SIM_BIO_BDEV
	return container_of(bio->bi_bdev, struct sim_device, bdev);
#else
	return container_of(bio->bi_disk, struct sim_device, disk);
#endif
}

static unsigned char *memory_of(const struct bio_vec *part)
{
	return (unsigned char *)page_address(part->bv_page) + part->bv_offset;
}

static unsigned int sum_of(struct bio *bio)
{
	unsigned int i, sum = 0;

	for (i = 0; i < bio->bi_vcnt; i++)
		sum = sim_crc32c(sum, memory_of(&bio->bi_io_vec[i]), bio->bi_io_vec[i].bv_len);
	return sum;
}

/* What there is on the disk, for who holds it up or is alone; what was never written is 0. */
void sim_copy_disk(unsigned char *to, unsigned long files)
{
	unsigned long data = DATA_FIRST + files * FILE_BLOCKS;
	unsigned long log = (used > JOURNAL_FIRST ? used - JOURNAL_FIRST : 1) * SIM_BLOCK_BYTES;

	sim_copy(to, sim_disk, data * SIM_BLOCK_BYTES);
	sim_copy(to + JOURNAL_FIRST * SIM_BLOCK_BYTES, sim_disk + JOURNAL_FIRST * SIM_BLOCK_BYTES, log);
}

static unsigned int write_block(unsigned char *disk, unsigned char *memory, unsigned int sum)
{
	unsigned long block = (disk - sim_disk) >> sim_block_bits;

	sim_copy(disk, memory, SIM_BLOCK_BYTES);
	if (block >= used)
		used = block + 1;
	if (settings & SIM_DEVICE_STABLE)
		sum = sim_crc32c(sum, disk, SIM_BLOCK_BYTES);
	seen[sim_self()] = 0;
	if (after_write && sim_self())
		after_write();
	return sum;
}

/* Returns the sum of what was read from memory, where somebody wants it. */
static unsigned int transfer(struct bio *bio)
{
	unsigned long at = bio->bi_iter.bi_sector << SECTOR_SHIFT;
	unsigned int i, done, sum = 0;

	for (i = 0; i < bio->bi_vcnt; i++) {
		struct bio_vec *part = &bio->bi_io_vec[i];

		for (done = 0; done < part->bv_len; done += SIM_BLOCK_BYTES) {
			unsigned char *disk = sim_bytes_of(device_of(bio), at + done);

			if (bio_op(bio) == REQ_OP_WRITE)
				sum = write_block(disk, memory_of(part) + done, sum);
			else
				sim_copy(memory_of(part) + done, disk, SIM_BLOCK_BYTES);
		}
		at += part->bv_len;
	}
	return sum;
}

static void serve(struct bio *bio, unsigned int sum)
{
	unsigned int found;

	sim_acquire(&busy, 1);
	found = transfer(bio);
	sim_swap(&busy, 8, 0);
	if (bio_op(bio) == REQ_OP_WRITE && settings & SIM_DEVICE_STABLE && found != sum)
		sim_fail("unstable page", "a block changed between its submission and its transfer");
	bio->bi_status = BLK_STS_OK;
	bio_endio(bio);
}

static void put_in_line(struct bio *bio, unsigned int sum)
{
	struct request_in_line *one = sim_alloc(sizeof(*one));

	one->bio = bio;
	one->sum = sum;
	sim_acquire(&line_lock, 1);
	if (first)
		last->next = one;
	else
		first = one;
	last = one;
	line_length = 1;
	sim_swap(&line_lock, 8, 0);
}

static struct request_in_line *take_from_line(void)
{
	struct request_in_line *one;

	sim_wait(&line_length, ~0UL, 1);
	sim_acquire(&line_lock, 1);
	one = first;
	first = one->next;
	line_length = first != NULL;
	sim_swap(&line_lock, 8, 0);
	return one;
}

static void device(void *unused)
{
	for (;;) {
		struct request_in_line *one = take_from_line();

		serve(one->bio, one->sum);
		sim_free(one);
	}
}

void sim_start_device(void)
{
	has_thread = settings & SIM_DEVICE_THREAD;
	if (has_thread)
		sim_thread("device", device, NULL, 1);
}

static void submit(struct bio *bio)
{
	unsigned int sum = 0;

	if (bio_op(bio) == REQ_OP_WRITE && settings & SIM_DEVICE_STABLE)
		sum = sum_of(bio);
	if (has_thread && sim_self())
		put_in_line(bio, sum);
	else
		serve(bio, sum);
}

/* Some trees want a number back, which nobody looks at. */
unsigned int instead_of_submit_bio(struct bio *bio)
{
	submit(bio);
	return 0;
}

static struct bio *new_bio(unsigned short vecs)
{
	struct bio *bio = sim_alloc(sizeof(*bio) + vecs * sizeof(struct bio_vec));

	bio->bi_io_vec = (struct bio_vec *)(bio + 1);
	bio->bi_max_vecs = vecs;
	bio->__bi_cnt.counter = 1;
	bio->__bi_remaining.counter = 1;
	return bio;
}

#ifdef SIM_BIO_ALLOC_BDEV
struct bio *instead_of_bio_alloc_bioset(struct block_device *bdev, unsigned short vecs, blk_opf_t opf,
				   gfp_t gfp, struct bio_set *set)
{
	struct bio *bio = new_bio(vecs);

	bio->bi_bdev = bdev;
	bio->bi_opf = opf;
	return bio;
}
#else
struct bio *instead_of_bio_alloc_bioset(gfp_t gfp, unsigned int vecs, struct bio_set *set)
{
	return new_bio(vecs);
}
#endif

void instead_of_bio_free(struct bio *bio)
{
	sim_free(bio);
}

/* Blocks past the end are looked for in transfer(). */
void instead_of_guard_bio_eod(struct bio *bio)
{
}

void instead_of___wb_writeout_add(struct bdi_writeback *wb, long pages)
{
}

/* No task is throttled. */
void instead_of_acct_reclaim_writeback(void *folio)
{
}
