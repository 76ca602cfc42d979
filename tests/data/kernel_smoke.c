// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Run the model kernel once, in one of four ways.
 *
 *   smoke                  store, commit, check the log                 exit 0
 *   smoke store <page>     another task stores again after the checksum
 *                          of that page, before its I/O; 3 if the log is bad
 *   smoke checkpoint       a page between two stored ones still waits for its
 *                          checkpoint; 4 if nobody would ever write it
 *
 *   smoke ordered          the same as the first, with data=ordered: the store
 *                          goes home by writeback; 6 if it does not
 *
 * With -DEXPECT_BAD_LOG the check of the log is inverted (to test the test).
 */
#include <linux/jbd2.h>
#include <linux/pagemap.h>
#include <linux/writeback.h>
#include "fs/ext4/ext4.h"

#define PAGES	4

int setjmp(void *env);
void longjmp(void *env, int value) __attribute__((noreturn));
int strcmp(const char *a, const char *b);
int atoi(const char *text);

static struct block_device disk = {
	.bd_block_size = PAGE_SIZE,
	.bd_nr_blocks = 512,
};
static struct super_block sb = { .s_bdev = &disk };
static struct vm_area_struct vma = { .vm_ops = &ext4_file_vm_ops };
static struct file file;
static struct task_struct writer = { .comm = "writer" };
static void *blocked[64];	/* at least a jmp_buf */
static int target, stored;

static void writer_blocks(const char *what)
{
	longjmp(blocked, 1);
}

/* When the target page is on its way to the log, let the writer store to it. */
static void store_before_io(int op, struct buffer_head *bh)
{
	struct task_struct *self = current;
	struct page *page = find_get_page(file.f_mapping, target);

	if (stored || op != REQ_OP_WRITE || bh->b_data != page->virtual)
		return;
	stored = 1;
	current = &writer;
	model_block_hook = writer_blocks;
	if (setjmp(blocked))
		printk("the store waits\n");
	else if (!user_store(&vma, target * PAGE_SIZE, 'X'))
		printk("the store went through\n");
	model_block_hook = NULL;
	current = self;
}

/* After a crash now: would the log replay? */
static int check_log(void)
{
	int good = !jbd2_journal_recover(EXT4_SB(&sb)->s_journal);

#ifdef EXPECT_BAD_LOG
	good = !good;
#endif
	return good ? 0 : 3;
}

static void setup(unsigned int data_mode)
{
	static u8 text[PAGES * PAGE_SIZE];

	disk.bd_data = kzalloc(disk.bd_nr_blocks * disk.bd_block_size);
	BUG_ON(ext4_fill_super(&sb, data_mode));
	file.f_inode = ext4_create(&sb, 0);
	file.f_mapping = file.f_inode->i_mapping;
	vma_link(&vma, &file);
	memset(text, 'a', sizeof(text));
	BUG_ON(generic_perform_write(&file, text, sizeof(text), 0) != sizeof(text));
}

static void commit(void)
{
	BUG_ON(jbd2_journal_force_commit(EXT4_SB(&sb)->s_journal));
}

static int run_store(int page)
{
	target = page;
	BUG_ON(user_store(&vma, target * PAGE_SIZE, 'b'));
	model_io_hook = store_before_io;
	commit();
	BUG_ON(!stored);
	return check_log();
}

static int run_checkpoint(void)
{
	struct page *between;

	commit();
	BUG_ON(user_store(&vma, 0, 'b'));
	BUG_ON(user_store(&vma, 2 * PAGE_SIZE, 'b'));
	commit();
	between = find_get_page(file.f_mapping, 1);
	return buffer_dirty(page_buffers(between)) && !PageDirty(between) ? 4 : 0;
}

static int run_quiet(void)
{
	journal_t *journal = EXT4_SB(&sb)->s_journal;
	u8 *home;

	BUG_ON(user_store(&vma, 0, 'b'));
	BUG_ON(!PageDirty(find_get_page(file.f_mapping, 0)));
	commit();
	BUG_ON(journal->j_running_transaction || journal->j_commit_sequence != 1);
	if (check_log())
		return 3;
	/* Replay put the page home, with the byte that the fault stored. */
	home = disk.bd_data + EXT4_FIRST_DATA_BLOCK * PAGE_SIZE;
	return home[0] == 'b' && home[1] == 'a' ? 0 : 5;
}

static int run_ordered(void)
{
	struct writeback_control wbc = {
		.sync_mode = WB_SYNC_ALL,
		.nr_to_write = PAGES,
		.range_end = LLONG_MAX,
	};
	u8 *home = disk.bd_data + EXT4_FIRST_DATA_BLOCK * PAGE_SIZE;

	commit();
	BUG_ON(home[0] != 'a');
	BUG_ON(user_store(&vma, 0, 'b'));
	BUG_ON(do_writepages(file.f_mapping, &wbc));
	return home[0] == 'b' && home[1] == 'a' ? 0 : 6;
}

int main(int argc, char **argv)
{
	bool ordered = argc > 1 && !strcmp(argv[1], "ordered");

	setup(ordered ? EXT4_MOUNT_ORDERED_DATA : EXT4_MOUNT_JOURNAL_DATA);
	if (ordered)
		return run_ordered();
	if (argc > 2 && !strcmp(argv[1], "store"))
		return run_store(atoi(argv[2]));
	if (argc > 1 && !strcmp(argv[1], "checkpoint"))
		return run_checkpoint();
	return run_quiet();
}
