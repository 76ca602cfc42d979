// SPDX-License-Identifier: GPL-2.0-or-later
/* The journal itself: set up, blocks of the log, and recovery. */
#include <linux/jbd2.h>

journal_t *jbd2_journal_init_dev(struct block_device *bdev, sector_t first,
				 sector_t len)
{
	journal_t *journal = kzalloc(sizeof(*journal));

	rwlock_init(&journal->j_state_lock);
	spin_lock_init(&journal->j_list_lock);
	journal->j_dev = bdev;
	journal->j_first = journal->j_head = first;
	journal->j_last = first + len;
	journal->j_transaction_sequence = 1;
	return journal;
}

void jbd2_journal_init_jbd_inode(struct jbd2_inode *jinode, struct inode *inode)
{
	memset(jinode, 0, sizeof(*jinode));
	jinode->i_vfs_inode = inode;
	INIT_LIST_HEAD(&jinode->i_list);
}

/* Journal heads are made once per buffer and never freed. */
struct journal_head *jbd2_journal_add_journal_head(struct buffer_head *bh)
{
	struct journal_head *jh;

	if (buffer_jbd(bh))
		return bh2jh(bh);
	jh = kzalloc(sizeof(*jh));
	jh->b_bh = bh;
	spin_lock_init(&jh->b_state_lock);
	INIT_LIST_HEAD(&jh->b_list);
	bh->b_private = jh;
	set_buffer_jbd(bh);
	return jh;
}

/* A buffer without memory for the next block of the log. */
struct buffer_head *jbd2_journal_next_log_buffer(journal_t *journal)
{
	sector_t block;

	write_lock(&journal->j_state_lock);
	block = journal->j_head++;
	J_ASSERT(block < journal->j_last);
	write_unlock(&journal->j_state_lock);
	return alloc_buffer_head(journal->j_dev, block);
}

/*
 * Choose the bytes that go to the log: the frozen copy if there is one, else
 * the buffer's own memory, which is shared with whoever maps the page. A block
 * that looks like one of ours is copied, and its magic number blanked.
 */
struct buffer_head *jbd2_journal_write_metadata_buffer(transaction_t *transaction,
						       struct journal_head *jh,
						       int *escaped)
{
	struct buffer_head *bh = jh2bh(jh);
	struct buffer_head *new_bh = jbd2_journal_next_log_buffer(
			transaction->t_journal);
	u32 magic = JBD2_MAGIC_NUMBER;

	spin_lock(&jh->b_state_lock);
	new_bh->b_data = jh->b_frozen_data ? jh->b_frozen_data : bh->b_data;
	*escaped = !memcmp(new_bh->b_data, &magic, sizeof(magic));
	if (*escaped) {
		u8 *copy = kzalloc(bh->b_size);

		memcpy(copy, new_bh->b_data, bh->b_size);
		memset(copy, 0, sizeof(magic));
		new_bh->b_data = copy;
	}
	set_buffer_shadow(bh);
	spin_unlock(&jh->b_state_lock);
	jbd2_journal_file_buffer(jh, transaction, BJ_Shadow);
	return new_bh;
}

/* Commit what is running. The caller must not have a handle open. */
int jbd2_journal_force_commit(journal_t *journal)
{
	J_ASSERT(!journal_current_handle());
	if (!journal->j_running_transaction)
		return 0;
	jbd2_journal_commit_transaction(journal);
	return 0;
}

static u8 *log_block(journal_t *journal, sector_t block)
{
	return journal->j_dev->bd_data + block * journal->j_dev->bd_block_size;
}

/* Walk over one descriptor and its blocks; when replaying, check and copy them. */
static int do_one_batch(journal_t *journal, sector_t *at, bool replay)
{
	size_t size = journal->j_dev->bd_block_size;
	journal_header_t *header = (void *)log_block(journal, (*at)++);
	journal_block_tag_t *tag = (void *)(header + 1);
	u32 magic = JBD2_MAGIC_NUMBER;

	for (;; tag++) {
		u8 *data = log_block(journal, (*at)++);
		u8 *home = log_block(journal, tag->t_blocknr);

		if (replay && tag->t_checksum !=
		    jbd2_block_csum(header->h_sequence, data, size)) {
			printk("JBD2: Invalid checksum recovering data block %u in log\n",
			       tag->t_blocknr);
			return -EFSBADCRC;
		}
		if (replay)
			memcpy(home, data, size);
		if (replay && tag->t_flags & JBD2_FLAG_ESCAPE)
			memcpy(home, &magic, sizeof(magic));
		if (tag->t_flags & JBD2_FLAG_LAST_TAG)
			return 0;
	}
}

/* The first pass finds the last commit block, the second stops there. */
static int do_one_pass(journal_t *journal, sector_t *end, bool replay)
{
	sector_t at = journal->j_first, last = replay ? *end : journal->j_last;
	int err = 0;

	while (at < last && !err) {
		journal_header_t *header = (void *)log_block(journal, at);

		if (header->h_magic != JBD2_MAGIC_NUMBER)
			break;
		if (header->h_blocktype == JBD2_DESCRIPTOR_BLOCK)
			err = do_one_batch(journal, &at, replay);
		else if (!replay)
			*end = ++at;
		else
			at++;
	}
	return err;
}

/* Work on the log as a crash left it. A bad checksum stops the mount. */
int jbd2_journal_recover(journal_t *journal)
{
	sector_t end = journal->j_first;
	int err;

	do_one_pass(journal, &end, false);
	err = do_one_pass(journal, &end, true);
	if (err)
		printk("JBD2: recovery failed\n");
	return err;
}
