// SPDX-License-Identifier: GPL-2.0-or-later
/* What scenarios do, on the bundled tree. */
#include <linux/jbd2.h>
#include <linux/pagemap.h>
#include <linux/writeback.h>
#include <sim/scenario.h>
#include "fs/ext4/ext4.h"

#define DISK_BLOCKS	(EXT4_FIRST_DATA_BLOCK + EXT4_FILE_BLOCKS)

int sim_locks_held(void);

static struct block_device disk = {
	.bd_block_size = PAGE_SIZE,
	.bd_nr_blocks = DISK_BLOCKS,
};
static struct super_block sb = { .s_bdev = &disk };
static struct vm_area_struct vma = { .vm_ops = &ext4_file_vm_ops };
static struct file file;
static spinlock_t commit_mutex;	/* one thread commits, in life */
static u8 fill[PAGE_SIZE];

static journal_t *the_journal(void)
{
	return EXT4_SB(&sb)->s_journal;
}

void sim_mount(enum sim_data_mode mode, int journal_flag, int pages)
{
	static const unsigned int options[] = {
		[SIM_JOURNAL] = EXT4_MOUNT_JOURNAL_DATA,
		[SIM_ORDERED] = EXT4_MOUNT_ORDERED_DATA,
		[SIM_WRITEBACK] = EXT4_MOUNT_WRITEBACK_DATA,
	};
	int i;

	disk.bd_data = sim_alloc(DISK_BLOCKS * PAGE_SIZE);
	if (ext4_fill_super(&sb, options[mode]))
		sim_inconclusive("the mount failed");
	file.f_inode = ext4_create(&sb, journal_flag ? EXT4_JOURNAL_DATA_FL : 0);
	file.f_mapping = file.f_inode->i_mapping;
	vma_link(&vma, &file);
	sim_fill(fill, 'a', sizeof(fill));
	for (i = 0; i < pages; i++)
		if (generic_perform_write(&file, fill, sizeof(fill), i * PAGE_SIZE) != sizeof(fill))
			sim_inconclusive("a write during setup failed");
	sim_commit();
}

int sim_store(long offset, unsigned char value)
{
	return user_store(&vma, offset, value);
}

int sim_write(long offset, unsigned char value)
{
	return generic_perform_write(&file, &value, 1, offset) == 1 ? 0 : -EIO;
}

void sim_commit(void)
{
	spin_lock(&commit_mutex);
	if (the_journal()->j_running_transaction)
		jbd2_journal_commit_transaction(the_journal());
	spin_unlock(&commit_mutex);
}

void sim_writeback(void)
{
	struct writeback_control wbc = {
		.sync_mode = WB_SYNC_NONE,
		.nr_to_write = LONG_MAX,
		.range_end = LLONG_MAX,
	};

	if (do_writepages(file.f_mapping, &wbc))
		sim_fail("I/O error", "writeback failed");
}

unsigned char sim_power_cut(long offset)
{
	struct block_device copy = disk;
	struct ext4_inode *raw;
	journal_t *journal;

	copy.bd_data = sim_alloc(DISK_BLOCKS * PAGE_SIZE);
	sim_copy(copy.bd_data, disk.bd_data, DISK_BLOCKS * PAGE_SIZE);
	journal = jbd2_journal_init_dev(&copy, EXT4_JOURNAL_FIRST, EXT4_JOURNAL_BLOCKS);
	if (jbd2_journal_recover(journal))
		sim_fail("recovery", "after a crash here the journal cannot be recovered");
	raw = (void *)(copy.bd_data + (EXT4_FIRST_INODE_BLOCK + file.f_inode->i_ino) * PAGE_SIZE);
	return copy.bd_data[raw->i_block[offset >> PAGE_SHIFT] * PAGE_SIZE + (offset & ~PAGE_MASK)];
}

unsigned char sim_cached(long offset)
{
	return find_get_page(file.f_mapping, offset >> PAGE_SHIFT)->virtual[offset & ~PAGE_MASK];
}

int sim_will_be_written(long offset)
{
	struct page *page = find_get_page(file.f_mapping, offset >> PAGE_SHIFT);
	struct buffer_head *bh = page_buffers(page);

	if (file.f_mapping->i_tags[page->index] & PAGECACHE_TAG_DIRTY && PageDirty(page))
		return 1;
	return buffer_jbddirty(bh);
}

void sim_thread_ends(void)
{
	if (sim_locks_held())
		sim_fail("unbalanced lock", "a thread ended with a lock held");
	if (journal_current_handle())
		sim_fail("unbalanced handle", "a thread ended with a handle open");
}
