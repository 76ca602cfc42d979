// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing a transaction to the log. */
#include <linux/jbd2.h>
#include <linux/writeback.h>

u32 jbd2_block_csum(tid_t sequence, const void *data, size_t size)
{
	return crc32c(crc32c(~0U, &sequence, sizeof(sequence)), data, size);
}

/* From here to the end of the I/O the block must not change. */
static void jbd2_block_tag_csum_set(journal_block_tag_t *tag,
				    struct buffer_head *bh, tid_t sequence)
{
	tag->t_checksum = jbd2_block_csum(sequence, bh->b_data, bh->b_size);
}

static void journal_end_buffer_io_sync(struct buffer_head *bh, int uptodate)
{
	WARN_ON(!uptodate);
	unlock_buffer(bh);
}

static void journal_write_buffer(struct buffer_head *bh)
{
	lock_buffer(bh);
	bh->b_end_io = journal_end_buffer_io_sync;
	submit_bh(REQ_OP_WRITE, bh);
}

/* Ordered data: it has to be on disk before the metadata that points to it. */
static int journal_submit_inode_data_buffers(struct address_space *mapping,
					     loff_t dirty_start,
					     loff_t dirty_end)
{
	struct writeback_control wbc = {
		.sync_mode = WB_SYNC_ALL,
		.nr_to_write = MAPPING_PAGES,
		.range_start = dirty_start,
		.range_end = dirty_end,
	};

	return generic_writepages(mapping, &wbc);
}

static int journal_submit_data_buffers(journal_t *journal,
				       transaction_t *commit_transaction)
{
	struct jbd2_inode *jinode;
	int err, ret = 0;

	spin_lock(&journal->j_list_lock);
	list_for_each_entry(jinode, &commit_transaction->t_inode_list, i_list) {
		loff_t dirty_start = jinode->i_dirty_start;
		loff_t dirty_end = jinode->i_dirty_end;

		if (!(jinode->i_flags & JI_WRITE_DATA))
			continue;
		jinode->i_flags |= JI_COMMIT_RUNNING;
		spin_unlock(&journal->j_list_lock);
		err = journal_submit_inode_data_buffers(
				jinode->i_vfs_inode->i_mapping,
				dirty_start, dirty_end);
		if (!ret)
			ret = err;
		spin_lock(&journal->j_list_lock);
		jinode->i_flags &= ~JI_COMMIT_RUNNING;
	}
	spin_unlock(&journal->j_list_lock);
	return ret;
}

/* Wait for the data, then drop the inodes or hand them to the next transaction. */
static int journal_finish_inode_data_buffers(journal_t *journal,
					     transaction_t *commit_transaction)
{
	struct jbd2_inode *jinode, *next;
	int err, ret = 0;

	spin_lock(&journal->j_list_lock);
	list_for_each_entry(jinode, &commit_transaction->t_inode_list, i_list) {
		if (!(jinode->i_flags & JI_WAIT_DATA))
			continue;
		jinode->i_flags |= JI_COMMIT_RUNNING;
		spin_unlock(&journal->j_list_lock);
		err = filemap_fdatawait_range(jinode->i_vfs_inode->i_mapping,
					      jinode->i_dirty_start,
					      jinode->i_dirty_end);
		if (!ret)
			ret = err;
		spin_lock(&journal->j_list_lock);
		jinode->i_flags &= ~JI_COMMIT_RUNNING;
	}
	list_for_each_entry_safe(jinode, next,
				 &commit_transaction->t_inode_list, i_list) {
		list_del_init(&jinode->i_list);
		jinode->i_transaction = jinode->i_next_transaction;
		jinode->i_next_transaction = NULL;
		if (jinode->i_transaction) {
			list_add_tail(&jinode->i_list,
				      &jinode->i_transaction->t_inode_list);
		} else {
			jinode->i_dirty_start = 0;
			jinode->i_dirty_end = 0;
		}
	}
	spin_unlock(&journal->j_list_lock);
	return ret;
}

/* Let the open handles finish, then make room for the next transaction. */
static transaction_t *lock_running_transaction(journal_t *journal)
{
	transaction_t *transaction;

	write_lock(&journal->j_state_lock);
	transaction = journal->j_running_transaction;
	J_ASSERT(!journal->j_committing_transaction);
	transaction->t_state = T_LOCKED;
	write_unlock(&journal->j_state_lock);
	wait_event(journal->j_wait_updates, !transaction->t_updates);

	while (!list_empty(&transaction->t_buffers[BJ_Reserved]))
		jbd2_journal_refile_buffer(journal,
			list_first_entry(&transaction->t_buffers[BJ_Reserved],
					 struct journal_head, b_list));

	write_lock(&journal->j_state_lock);
	transaction->t_state = T_FLUSH;
	journal->j_committing_transaction = transaction;
	journal->j_running_transaction = NULL;
	wake_up(&journal->j_wait_transaction_locked);
	write_unlock(&journal->j_state_lock);
	return transaction;
}

static struct buffer_head *journal_new_header(journal_t *journal, u32 blocktype,
					      tid_t sequence)
{
	struct buffer_head *bh = jbd2_journal_next_log_buffer(journal);
	journal_header_t *header = kzalloc(bh->b_size);

	header->h_magic = JBD2_MAGIC_NUMBER;
	header->h_blocktype = blocktype;
	header->h_sequence = sequence;
	bh->b_data = (u8 *)header;
	return bh;
}

static void free_log_buffer(struct buffer_head *bh, bool own_data)
{
	if (own_data)
		kfree(bh->b_data);
	kfree(bh);
}

/* One descriptor block and the blocks that it describes. */
static void journal_write_batch(journal_t *journal, transaction_t *transaction)
{
	struct buffer_head *descriptor = journal_new_header(journal,
			JBD2_DESCRIPTOR_BLOCK, transaction->t_tid);
	journal_block_tag_t *tags = (void *)(descriptor->b_data +
					     sizeof(journal_header_t));
	struct buffer_head *wbuf[JBD2_MAX_TAGS];
	int escaped[JBD2_MAX_TAGS];
	int bufs = 0;

	while (bufs < JBD2_MAX_TAGS &&
	       !list_empty(&transaction->t_buffers[BJ_Metadata])) {
		struct journal_head *jh = list_first_entry(
				&transaction->t_buffers[BJ_Metadata],
				struct journal_head, b_list);

		wbuf[bufs] = jbd2_journal_write_metadata_buffer(transaction, jh,
								&escaped[bufs]);
		tags[bufs].t_blocknr = jh2bh(jh)->b_blocknr;
		tags[bufs].t_flags = escaped[bufs] ? JBD2_FLAG_ESCAPE : 0;
		jbd2_block_tag_csum_set(&tags[bufs], wbuf[bufs],
					transaction->t_tid);
		bufs++;
	}
	tags[bufs - 1].t_flags |= JBD2_FLAG_LAST_TAG;

	journal_write_buffer(descriptor);
	free_log_buffer(descriptor, true);
	for (int i = 0; i < bufs; i++) {
		journal_write_buffer(wbuf[i]);
		free_log_buffer(wbuf[i], escaped[i]);
	}
}

static void journal_wait_for_io(transaction_t *transaction)
{
	struct list_head *shadow = &transaction->t_buffers[BJ_Shadow];

	while (!list_empty(shadow)) {
		struct journal_head *jh = list_first_entry(shadow,
				struct journal_head, b_list);
		struct buffer_head *bh = jh2bh(jh);

		jbd2_journal_file_buffer(jh, transaction, BJ_Forget);
		clear_buffer_shadow(bh);
		wake_up_bit(&bh->b_state, BH_Shadow);
	}
}

static void journal_submit_commit_record(journal_t *journal,
					 transaction_t *transaction)
{
	struct buffer_head *bh = journal_new_header(journal, JBD2_COMMIT_BLOCK,
						    transaction->t_tid);

	journal_write_buffer(bh);
	free_log_buffer(bh, true);
}

void jbd2_journal_commit_transaction(journal_t *journal)
{
	transaction_t *commit_transaction = lock_running_transaction(journal);
	struct list_head *forget = &commit_transaction->t_buffers[BJ_Forget];

	if (journal_submit_data_buffers(journal, commit_transaction))
		printk("JBD2: cannot write the data of an inode\n");

	write_lock(&journal->j_state_lock);
	commit_transaction->t_state = T_COMMIT;
	write_unlock(&journal->j_state_lock);
	while (!list_empty(&commit_transaction->t_buffers[BJ_Metadata]))
		journal_write_batch(journal, commit_transaction);

	if (journal_finish_inode_data_buffers(journal, commit_transaction))
		printk("JBD2: error in the data of an inode\n");
	journal_wait_for_io(commit_transaction);
	journal_submit_commit_record(journal, commit_transaction);
	while (!list_empty(forget))
		jbd2_journal_refile_buffer(journal,
			list_first_entry(forget, struct journal_head, b_list));

	write_lock(&journal->j_state_lock);
	commit_transaction->t_state = T_FINISHED;
	journal->j_committing_transaction = NULL;
	journal->j_commit_sequence = commit_transaction->t_tid;
	write_unlock(&journal->j_state_lock);
	wake_up(&journal->j_wait_done_commit);
	kfree(commit_transaction);
}
