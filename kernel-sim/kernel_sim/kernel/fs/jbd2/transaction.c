// SPDX-License-Identifier: GPL-2.0-or-later
/* Handles, and which transaction owns which buffer or inode. */
#include <linux/jbd2.h>

static transaction_t *jbd2_get_transaction(journal_t *journal)
{
	transaction_t *transaction = kzalloc(sizeof(*transaction));

	transaction->t_journal = journal;
	transaction->t_tid = journal->j_transaction_sequence++;
	transaction->t_state = T_RUNNING;
	for (int i = 0; i < BJ_Types; i++)
		INIT_LIST_HEAD(&transaction->t_buffers[i]);
	INIT_LIST_HEAD(&transaction->t_inode_list);
	journal->j_running_transaction = transaction;
	return transaction;
}

/* Sleep while the running transaction takes no new handles. */
static void wait_transaction_locked(journal_t *journal)
{
	write_unlock(&journal->j_state_lock);
	wait_event(journal->j_wait_transaction_locked,
		   !journal->j_running_transaction ||
		   journal->j_running_transaction->t_state == T_RUNNING);
	write_lock(&journal->j_state_lock);
}

static void start_this_handle(journal_t *journal, handle_t *handle)
{
	write_lock(&journal->j_state_lock);
	while (journal->j_running_transaction &&
	       journal->j_running_transaction->t_state != T_RUNNING)
		wait_transaction_locked(journal);
	if (!journal->j_running_transaction)
		jbd2_get_transaction(journal);
	handle->h_transaction = journal->j_running_transaction;
	handle->h_transaction->t_updates++;
	write_unlock(&journal->j_state_lock);
}

/* Open a handle, or nest in the one that the task has open. */
handle_t *jbd2_journal_start(journal_t *journal, int nblocks)
{
	handle_t *handle = journal_current_handle();

	if (handle) {
		handle->h_ref++;
		return handle;
	}
	handle = kzalloc(sizeof(*handle));
	handle->h_ref = 1;
	start_this_handle(journal, handle);
	current->journal_info = handle;
	return handle;
}

int jbd2_journal_stop(handle_t *handle)
{
	journal_t *journal = handle->h_transaction->t_journal;
	int err = handle->h_err;

	J_ASSERT(journal_current_handle() == handle);
	if (--handle->h_ref)
		return err;
	current->journal_info = NULL;
	write_lock(&journal->j_state_lock);
	if (!--handle->h_transaction->t_updates)
		wake_up(&journal->j_wait_updates);
	write_unlock(&journal->j_state_lock);
	kfree(handle);
	return err;
}

/* A dirty bit set behind the journal's back would let writeback go first. */
static void warn_dirty_buffer(struct buffer_head *bh)
{
	printk("JBD2: Spotted dirty metadata buffer (blocknr = %lu).\n",
	       bh->b_blocknr);
}

static void __jbd2_journal_temp_unlink_buffer(struct journal_head *jh)
{
	if (jh->b_jlist == BJ_None)
		return;
	list_del_init(&jh->b_list);
	jh->b_jlist = BJ_None;
	if (test_clear_buffer_jbddirty(jh2bh(jh)))
		mark_buffer_dirty(jh2bh(jh));
}

static void __jbd2_journal_file_buffer(struct journal_head *jh,
				       transaction_t *transaction,
				       enum jbd2_jlist jlist)
{
	bool was_dirty = false;

	J_ASSERT(!jh->b_transaction || jh->b_transaction == transaction);
	if (jlist != BJ_Reserved)
		was_dirty = test_clear_buffer_jbddirty(jh2bh(jh)) |
			    test_clear_buffer_dirty(jh2bh(jh));
	__jbd2_journal_temp_unlink_buffer(jh);
	jh->b_transaction = transaction;
	jh->b_jlist = jlist;
	list_add_tail(&jh->b_list, &transaction->t_buffers[jlist]);
	if (was_dirty)
		set_buffer_jbddirty(jh2bh(jh));
}

void jbd2_journal_file_buffer(struct journal_head *jh, transaction_t *transaction,
			      enum jbd2_jlist jlist)
{
	spin_lock(&jh->b_state_lock);
	spin_lock(&transaction->t_journal->j_list_lock);
	__jbd2_journal_file_buffer(jh, transaction, jlist);
	spin_unlock(&transaction->t_journal->j_list_lock);
	spin_unlock(&jh->b_state_lock);
}

/* The commit is done with this buffer: hand it on, or let writeback have it. */
static void __jbd2_journal_refile_buffer(struct journal_head *jh)
{
	transaction_t *next = jh->b_next_transaction;
	bool was_dirty;

	if (!next) {
		__jbd2_journal_temp_unlink_buffer(jh);
		jh->b_transaction = NULL;
		return;
	}
	was_dirty = test_clear_buffer_jbddirty(jh2bh(jh));
	__jbd2_journal_temp_unlink_buffer(jh);
	jh->b_transaction = NULL;
	jh->b_next_transaction = NULL;
	__jbd2_journal_file_buffer(jh, next,
				   jh->b_modified ? BJ_Metadata : BJ_Reserved);
	if (was_dirty)
		set_buffer_jbddirty(jh2bh(jh));
}

void jbd2_journal_refile_buffer(journal_t *journal, struct journal_head *jh)
{
	spin_lock(&jh->b_state_lock);
	spin_lock(&journal->j_list_lock);
	kfree(jh->b_frozen_data);
	jh->b_frozen_data = NULL;
	__jbd2_journal_refile_buffer(jh);
	spin_unlock(&journal->j_list_lock);
	spin_unlock(&jh->b_state_lock);
}

/* Keep the bytes as they are for the commit, so that the caller may change them. */
static void jbd2_freeze_jh_data(struct journal_head *jh)
{
	struct buffer_head *bh = jh2bh(jh);

	jh->b_frozen_data = kzalloc(bh->b_size);
	memcpy(jh->b_frozen_data, bh->b_data, bh->b_size);
}

/* Called with b_state_lock held. False: it was dropped to wait; try again. */
static bool get_access_in_commit(struct journal_head *jh,
				 transaction_t *transaction)
{
	struct buffer_head *bh = jh2bh(jh);

	if (buffer_shadow(bh)) {
		spin_unlock(&jh->b_state_lock);
		wait_on_bit(&bh->b_state, BH_Shadow);
		spin_lock(&jh->b_state_lock);
		return false;
	}
	if (jh->b_jlist == BJ_Metadata && !jh->b_frozen_data)
		jbd2_freeze_jh_data(jh);
	jh->b_next_transaction = transaction;
	return true;
}

static void do_get_write_access(handle_t *handle, struct journal_head *jh)
{
	transaction_t *transaction = handle->h_transaction;
	struct buffer_head *bh = jh2bh(jh);
	bool done = false;

	lock_buffer(bh);
	spin_lock(&jh->b_state_lock);
	if (buffer_dirty(bh)) {
		if (jh->b_transaction)
			warn_dirty_buffer(bh);
		clear_buffer_dirty(bh);
		set_buffer_jbddirty(bh);
	}
	unlock_buffer(bh);
	while (!done) {
		if (jh->b_transaction == transaction ||
		    jh->b_next_transaction == transaction)
			break;
		jh->b_modified = false;
		if (jh->b_transaction) {
			done = get_access_in_commit(jh, transaction);
			continue;
		}
		spin_lock(&transaction->t_journal->j_list_lock);
		__jbd2_journal_file_buffer(jh, transaction, BJ_Reserved);
		spin_unlock(&transaction->t_journal->j_list_lock);
		done = true;
	}
	spin_unlock(&jh->b_state_lock);
}

int jbd2_journal_get_write_access(handle_t *handle, struct buffer_head *bh)
{
	if (handle->h_err)
		return -EROFS;
	do_get_write_access(handle, jbd2_journal_add_journal_head(bh));
	return 0;
}

int jbd2_journal_dirty_metadata(handle_t *handle, struct buffer_head *bh)
{
	transaction_t *transaction = handle->h_transaction;
	struct journal_head *jh = bh2jh(bh);

	if (!buffer_jbd(bh) || WARN_ON(!jh->b_transaction))
		return -EINVAL;
	spin_lock(&jh->b_state_lock);
	jh->b_modified = true;
	set_buffer_jbddirty(bh);
	if (jh->b_transaction != transaction) {
		/* Still in the commit; refiling will move it to us. */
		J_ASSERT(jh->b_next_transaction == transaction);
	} else if (jh->b_jlist != BJ_Metadata) {
		spin_lock(&transaction->t_journal->j_list_lock);
		__jbd2_journal_file_buffer(jh, transaction, BJ_Metadata);
		spin_unlock(&transaction->t_journal->j_list_lock);
	}
	spin_unlock(&jh->b_state_lock);
	return 0;
}

/* Widen the range of bytes for which the commit has to care about the inode. */
static void merge_dirty_range(struct jbd2_inode *jinode, loff_t start, loff_t end)
{
	if (!jinode->i_dirty_end) {
		jinode->i_dirty_start = start;
		jinode->i_dirty_end = end;
		return;
	}
	jinode->i_dirty_start = min(jinode->i_dirty_start, start);
	jinode->i_dirty_end = max(jinode->i_dirty_end, end);
}

static int jbd2_journal_file_inode(handle_t *handle, struct jbd2_inode *jinode,
				   unsigned long flags, loff_t start, loff_t end)
{
	transaction_t *transaction = handle->h_transaction;
	journal_t *journal = transaction->t_journal;

	if (handle->h_err)
		return -EROFS;
	spin_lock(&journal->j_list_lock);
	jinode->i_flags |= flags;
	merge_dirty_range(jinode, start, end);
	if (jinode->i_transaction != transaction &&
	    jinode->i_next_transaction != transaction) {
		if (jinode->i_transaction) {
			J_ASSERT(!jinode->i_next_transaction);
			jinode->i_next_transaction = transaction;
		} else {
			jinode->i_transaction = transaction;
			list_add_tail(&jinode->i_list, &transaction->t_inode_list);
		}
	}
	spin_unlock(&journal->j_list_lock);
	return 0;
}

/* The commit must write this range out before its commit block. */
int jbd2_journal_inode_ranged_write(handle_t *handle, struct jbd2_inode *jinode,
				    loff_t start_byte, loff_t length)
{
	return jbd2_journal_file_inode(handle, jinode,
				       JI_WRITE_DATA | JI_WAIT_DATA, start_byte,
				       start_byte + length - 1);
}

/* The commit need not start this I/O, only wait for it. */
int jbd2_journal_inode_ranged_wait(handle_t *handle, struct jbd2_inode *jinode,
				   loff_t start_byte, loff_t length)
{
	return jbd2_journal_file_inode(handle, jinode, JI_WAIT_DATA, start_byte,
				       start_byte + length - 1);
}
