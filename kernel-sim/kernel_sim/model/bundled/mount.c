// SPDX-License-Identifier: GPL-2.0-or-later
/* What scenarios do, on the bundled tree. */
#include <linux/pagemap.h>
#include <linux/writeback.h>
#include "kit.h"

static struct block_device disk = {
	.bd_block_size = PAGE_SIZE,
	.bd_nr_blocks = DISK_BLOCKS,
};
static struct super_block sb = { .s_bdev = &disk };
static struct {
	struct file file;
	struct vm_area_struct vma;
} files[FILES];
static int file_count;
static int settings;
static unsigned long commit_mutex;	/* one thread commits, in life */
static u8 fill[PAGE_SIZE];

/* A word for each thread, so that none of them is looked at by two. */
static unsigned long in_use[THREADS];

static struct file *the_file(void)
{
	return &files[in_use[sim_self()]].file;
}

static journal_t *the_journal(void)
{
	return EXT4_SB(&sb)->s_journal;
}

void sim_block_size(int bytes)
{
	if (bytes != PAGE_SIZE)
		sim_inconclusive("this tree has blocks of a page only");
}

void sim_device(int wanted)
{
	settings = wanted;
}

int sim_use(int file)
{
	int before = in_use[sim_self()];

	in_use[sim_self()] = file;
	return before;
}

int sim_file(int journal_flag, int pages)
{
	struct file *file = &files[file_count].file;
	struct vm_area_struct *vma = &files[file_count].vma;
	int i;

	if (file_count == FILES)
		sim_inconclusive("too many files");
	file->f_inode = ext4_create(&sb, journal_flag ? EXT4_JOURNAL_DATA_FL : 0);
	file->f_mapping = file->f_inode->i_mapping;
	lock_named(&file->f_inode->i_rwsem, CLASS_INODE);
	lock_named(&file->f_mapping->i_lock, CLASS_MAPPING);
	vma->vm_ops = &ext4_file_vm_ops;
	vma_link(vma, file);
	sim_fill(fill, 'a', sizeof(fill));
	for (i = 0; i < pages; i++)
		if (generic_perform_write(file, fill, sizeof(fill), i * PAGE_SIZE) != sizeof(fill))
			sim_fail("write", "write(2) failed during setup");
	sim_commit();
	return file_count++;
}

void sim_mount(enum sim_data_mode mode, int journal_flag, int pages)
{
	static const unsigned int options[] = {
		[SIM_JOURNAL] = EXT4_MOUNT_JOURNAL_DATA,
		[SIM_ORDERED] = EXT4_MOUNT_ORDERED_DATA,
		[SIM_WRITEBACK] = EXT4_MOUNT_WRITEBACK_DATA,
	};

	disk_attach(&disk, settings);
	if (ext4_fill_super(&sb, options[mode]))
		sim_inconclusive("the mount failed");
	lock_named(&the_journal()->j_state_lock, CLASS_JOURNAL_STATE);
	lock_named(&the_journal()->j_list_lock, CLASS_JOURNAL_LIST);
	sim_file(journal_flag, pages);
}

int sim_store(long offset, unsigned char value)
{
	return user_store(&files[in_use[sim_self()]].vma, offset, value);
}

int sim_write(long offset, unsigned char value)
{
	return generic_perform_write(the_file(), &value, 1, offset) == 1 ? 0 : -EIO;
}

void sim_commit(void)
{
	sim_acquire(&commit_mutex, ALL);
	lock_taken(CLASS_COMMIT);
	if (the_journal()->j_running_transaction)
		jbd2_journal_commit_transaction(the_journal());
	lock_dropped(CLASS_COMMIT);
	sim_swap(&commit_mutex, sizeof(commit_mutex), 0);
}

void sim_writeback(void)
{
	struct writeback_control wbc = {
		.sync_mode = WB_SYNC_NONE,
		.nr_to_write = LONG_MAX,
		.range_end = LLONG_MAX,
	};

	if (do_writepages(the_file()->f_mapping, &wbc))
		sim_fail("I/O error", "writeback failed");
}

unsigned char sim_power_cut(long offset)
{
	struct block_device copy = disk;
	struct ext4_inode *raw;
	journal_t *journal;

	if (disk_snapshot(&copy, EXT4_SB(&sb)->s_next_block - EXT4_FIRST_DATA_BLOCK)) {
		journal = jbd2_journal_init_dev(&copy, EXT4_JOURNAL_FIRST, EXT4_JOURNAL_BLOCKS);
		if (jbd2_journal_recover(journal))
			sim_fail("recovery", "after a crash here the journal cannot be recovered");
		kfree(journal);
	}
	raw = (void *)(copy.bd_data +
		       (EXT4_FIRST_INODE_BLOCK + the_file()->f_inode->i_ino) * PAGE_SIZE);
	if (offset >= raw->i_size)
		return 0;
	return copy.bd_data[raw->i_block[offset >> PAGE_SHIFT] * PAGE_SIZE + (offset & ~PAGE_MASK)];
}

unsigned char sim_cached(long offset)
{
	struct page *page = find_get_page(the_file()->f_mapping, offset >> PAGE_SHIFT);

	return page->virtual[offset & ~PAGE_MASK];
}

int sim_will_be_written(long offset)
{
	struct address_space *mapping = the_file()->f_mapping;
	struct page *page = find_get_page(mapping, offset >> PAGE_SHIFT);
	struct buffer_head *bh = page_buffers(page);

	if (mapping->i_tags[page->index] & PAGECACHE_TAG_DIRTY && PageDirty(page))
		return 1;
	return buffer_jbddirty(bh) || disk_home_is(bh->b_blocknr, page->virtual);
}

void sim_thread_ends(void)
{
	const char *lock = lock_held();

	if (lock) {
		sim_note("a thread ended with this lock held", 0);
		sim_fail("unbalanced lock", lock);
	}
	if (journal_current_handle())
		sim_fail("unbalanced handle", "a thread ended with a handle open");
}

void sim_end(void)
{
	compare_lock_orders();
}
