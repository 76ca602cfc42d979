/* All parts are there, but not in an order that helps. */

int demo_written_too_early(struct inode *inode, journal_t *journal)
{
	int ctx, err;

	inode_dio_wait(inode);
	err = filemap_write_and_wait(inode->i_mapping);
	if (err < 0)
		return err;
	filemap_invalidate_lock(inode->i_mapping);
	ctx = ext4_writepages_down_write(inode->i_sb);
	jbd2_journal_lock_updates(journal);
	ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
	inode->i_mapping->a_ops = &demo_journalled_aops;
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
	filemap_invalidate_unlock(inode->i_mapping);
	return 0;
}

int demo_faults_let_in(struct inode *inode, journal_t *journal, struct demo_sb *sbi, int on)
{
	int err;

	inode_dio_wait(inode);
	if (on) {
		down_write(&DEMO_I(inode)->i_mmap_sem);
		err = filemap_write_and_wait(inode->i_mapping);
		up_write(&DEMO_I(inode)->i_mmap_sem);
		if (err)
			return err;
	}
	percpu_down_write(&sbi->s_writepages_rwsem);
	jbd2_journal_lock_updates(journal);
	if (on) {
		ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
	} else {
		err = jbd2_journal_flush(journal);
		if (err < 0)
			goto unlock;
		ext4_clear_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
	}
	demo_set_operations(inode);
unlock:
	jbd2_journal_unlock_updates(journal);
	percpu_up_write(&sbi->s_writepages_rwsem);
	return 0;
}

static void demo_set_operations(struct inode *inode)
{
	inode->i_mapping->a_ops = demo_choose_aops(inode);
}

int demo_flushed_too_early(struct inode *inode, journal_t *journal)
{
	int ctx, err;

	inode_dio_wait(inode);
	ctx = ext4_writepages_down_write(inode->i_sb);
	err = jbd2_journal_flush(journal, 0);
	if (err) {
		ext4_writepages_up_write(inode->i_sb, ctx);
		return err;
	}
	jbd2_journal_lock_updates(journal);
	ext4_clear_inode_flag(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
	demo_set_operations(inode);
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
	return 0;
}

int demo_operations_too_late(struct inode *inode, journal_t *journal)
{
	int ctx, err;

	inode_dio_wait(inode);
	ctx = ext4_writepages_down_write(inode->i_sb);
	jbd2_journal_lock_updates(journal);
	err = jbd2_journal_flush(journal, 0);
	if (err)
		goto out;
	DEMO_I(inode)->i_flags &= ~EXT4_JOURNAL_DATA_FL; /* expect: journal-mode-flip-unsafe */
out:
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
	if (!err)
		demo_set_operations(inode);
	return err;
}

int demo_operations_before(struct inode *inode, journal_t *journal)
{
	int ctx, err;

	inode_dio_wait(inode);
	ctx = ext4_writepages_down_write(inode->i_sb);
	jbd2_journal_lock_updates(journal);
	err = jbd2_journal_flush(journal, 0);
	if (err == 0) {
		inode->i_mapping->a_ops = &demo_aops;
		ext4_clear_inode_flag(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
	}
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
	return err;
}
