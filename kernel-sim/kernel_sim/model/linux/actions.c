// SPDX-License-Identifier: GPL-2.0-or-later
/* What scenarios do with a file, and what they ask. */
#include <linux/pagemap.h>
#include <linux/writeback.h>
#include "sim_fault.h"
#include "sim_mount.h"
#include "sim_page.h"

#ifdef SIM_LOAD_SUPERBLOCK	/* static in the tree */
int load_superblock(journal_t *journal);
#define read_superblock(journal)	load_superblock(journal)
#else	/* jbd2_journal_init_dev() has read it */
#define read_superblock(journal)	0
#endif

/* What a thread finds after a crash: each has its own, so that looking is no race. */
static struct crashed {
	struct sim_device home, journal;
	unsigned char *disk;
} crashes[SIM_THREADS];
static unsigned long commit_lock;

/* What write_begin() and write_end() are told: who writes, and with flags or not; what they lock. */
#ifdef SIM_WRITE_FOLIO
#define WRITE_UNIT	struct folio
#define UNIT_PAGE(unit)	(&(unit)->page)
#else
#define WRITE_UNIT	struct page
#define UNIT_PAGE(unit)	(unit)
#endif
#ifdef SIM_WRITE_FLAGS
#define WRITE_FLAGS	0,
#else
#define WRITE_FLAGS
#endif
#ifdef SIM_WRITE_KIOCB
#define WRITER(file)	(&(struct kiocb){ .ki_filp = (file) })
#else
#define WRITER(file)	(file)
#endif

int sim_write(long offset, unsigned char value)
{
	struct file *file = &sim_this_file()->file;
	struct address_space *mapping = file->f_mapping;
	WRITE_UNIT *unit;
	void *data = NULL;
	int ret;

	down_write(&file->f_inode->i_rwsem);
	file_update_time(file);
	sim_might_fault();
	ret = mapping->a_ops->write_begin(WRITER(file), mapping, offset, 1, WRITE_FLAGS &unit, &data);
	if (!ret) {
		((unsigned char *)page_address(UNIT_PAGE(unit)))[offset & ~PAGE_MASK] = value;
		ret = mapping->a_ops->write_end(WRITER(file), mapping, offset, 1, 1, unit, data);
	}
	up_write(&file->f_inode->i_rwsem);
	return ret < 0 ? ret : 0;
}

static void commit(journal_t *journal)
{
	sim_lock_taken(SIM_LOCK(&commit_lock), "the commit", 0);
	jbd2_journal_commit_transaction(journal);
	sim_lock_dropped(SIM_LOCK(&commit_lock));
}

/*
 * jbd2 has no thread of its own here. A commit that somebody asked for is made by whoever sleeps
 * next, unless one is being made, or the sleeper has a handle that every commit would wait for.
 */
void sim_serve_commit(void)
{
	journal_t *journal = sim_sbi.s_journal;

	if (!journal || journal_current_handle() || sim_or(&commit_lock, 8, 1) & 1)
		return;
	if (READ_ONCE(journal->j_commit_request) != READ_ONCE(journal->j_commit_sequence) &&
	    READ_ONCE(journal->j_running_transaction))
		commit(journal);
	sim_swap(&commit_lock, 8, 0);
}

/* As jbd2's thread does it when the time of a transaction is over: it asks for the commit first. */
void sim_commit(void)
{
	journal_t *journal = sim_sbi.s_journal;
	transaction_t *running;

	sim_acquire(&commit_lock, 1);
	sim_lock_taken(SIM_LOCK(&commit_lock), "the commit", 0);
	write_lock(&journal->j_state_lock);
	running = journal->j_running_transaction;
	if (running)
		journal->j_commit_request = running->t_tid;
	write_unlock(&journal->j_state_lock);
	if (running)
		jbd2_journal_commit_transaction(journal);
	sim_lock_dropped(SIM_LOCK(&commit_lock));
	sim_swap(&commit_lock, 8, 0);
}

void sim_writeback(void)
{
	struct writeback_control wbc = {
		.sync_mode = WB_SYNC_NONE,
		.nr_to_write = LONG_MAX,
		.range_end = LLONG_MAX,
	};

	if (do_writepages(sim_this_file()->file.f_mapping, &wbc))
		sim_fail("I/O error", "writeback failed");
}

void sim_make_crashes(void)
{
	struct crashed *one;

	for (one = crashes; one < crashes + SIM_THREADS; one++) {
		sim_make_device(&one->home, &one->disk, 0);
		sim_make_device(&one->journal, &one->disk, JOURNAL_FIRST);
	}
}

static void recover(struct crashed *one)
{
	journal_t *journal;

	if (!one->disk)
		one->disk = sim_alloc(SIM_BLOCKS * SIM_BLOCK_BYTES);
	sim_copy_disk(one->disk, sim_files());
	journal = jbd2_journal_init_dev(&one->journal.bdev, &one->home.bdev, 0, JOURNAL_LENGTH,
					SIM_BLOCK_BYTES);
	if (IS_ERR_OR_NULL(journal) || read_superblock(journal))
		sim_fail("recovery", "after a crash here the journal's superblock is bad");
	if (jbd2_journal_recover(journal))
		sim_fail("recovery", "after a crash here the journal cannot be recovered");
}

/* What this thread found last stands as long as it has written nothing since. */
unsigned char sim_power_cut(long offset)
{
	const struct inode *inode = &sim_this_file()->node.vfs_inode;
	struct crashed *one = &crashes[sim_self()];
	struct ext4_inode *raw;

	if (sim_has_written())
		recover(one);
	raw = sim_raw_inode(one->disk + INODE_BLOCK * SIM_BLOCK_BYTES, inode);
	if (offset >= ext4_isize(&sim_sb, raw))
		return 0;
	if (raw->i_flags & cpu_to_le32(EXT4_INLINE_DATA_FL))
		return ((unsigned char *)raw->i_block)[offset];
	if (le32_to_cpu(raw->i_obso_faddr) >> (offset >> sim_block_bits) & 1)
		return 0;
	return one->disk[sim_home(inode, 0) * SIM_BLOCK_BYTES + offset];
}

/* A page that is not in memory would be read from the disk. */
unsigned char sim_cached(long offset)
{
	struct inode *inode = &sim_this_file()->node.vfs_inode;
	struct page *page = sim_page_of(sim_this_file(), offset >> PAGE_SHIFT);

	if (offset >= i_size_read(inode))
		return 0;
	if (!page && sim_holes(inode) >> (offset >> sim_block_bits) & 1)
		return 0;
	if (!page)
		return sim_disk[sim_home(inode, 0) * SIM_BLOCK_BYTES + offset];
	return ((unsigned char *)page_address(page))[offset & ~PAGE_MASK];
}

/* Whether a page's block is at home, or in a transaction that is still to be committed. */
static int is_kept(const struct inode *inode, struct page *page, struct buffer_head *bh, long at)
{
	unsigned long first = (sim_page_index(page) << PAGE_SHIFT) + at;

	if (bh && buffer_jbddirty(bh))
		return 1;
	return !sim_compare(sim_disk + sim_home(inode, 0) * SIM_BLOCK_BYTES + first,
			    (unsigned char *)page_address(page) + at, SIM_BLOCK_BYTES);
}

int sim_will_be_written(long offset)
{
	struct mapped_file *one = sim_this_file();
	struct page *page = sim_page_of(one, offset >> PAGE_SHIFT);
	struct buffer_head *bh;
	long at;

	if (!page)	/* what there is, is at home */
		return 1;
	bh = sim_page_buffers(page);
	if (sim_page_dirty(page) &&
	    xa_get_mark(&one->file.f_mapping->i_pages, offset >> PAGE_SHIFT, PAGECACHE_TAG_DIRTY))
		return 1;
	for (at = 0; at < PAGE_SIZE; at += SIM_BLOCK_BYTES) {
		if (!is_kept(&one->node.vfs_inode, page, bh, at))
			return 0;
		if (bh)
			bh = bh->b_this_page;
	}
	return 1;
}
