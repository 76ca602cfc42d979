/* Something that must be kept out is not, while the flag is changed. */

int demo_journal_on_no_faults(struct inode *inode)
{
	journal_t *journal = EXT4_JOURNAL(inode);
	int ctx, err;

	inode_dio_wait(inode);
	err = filemap_write_and_wait(inode->i_mapping);
	if (err)
		return err;
	ctx = ext4_writepages_down_write(inode->i_sb);
	jbd2_journal_lock_updates(journal);
	ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
	inode->i_mapping->a_ops = &demo_journalled_aops;
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
	return 0;
}

int demo_journal_on_shared(struct inode *inode, struct demo_sb *sbi)
{
	struct address_space *mapping = inode->i_mapping;
	int err;

	inode_dio_wait(inode);
	filemap_invalidate_lock_shared(mapping);
	err = filemap_write_and_wait(mapping);
	if (err < 0)
		goto out;
	percpu_down_write(&sbi->s_writepages_rwsem);
	jbd2_journal_lock_updates(sbi->journal);
	DEMO_I(inode)->i_flags |= EXT4_JOURNAL_DATA_FL; /* expect: journal-mode-flip-unsafe */
	mapping->a_ops = &demo_journalled_aops;
	jbd2_journal_unlock_updates(sbi->journal);
	percpu_up_write(&sbi->s_writepages_rwsem);
out:
	filemap_invalidate_unlock_shared(mapping);
	return err;
}

int demo_journal_off(struct inode *inode, struct demo_sb *sbi)
{
	int err = 0;

	inode_dio_wait(inode);
	jbd2_journal_lock_updates(sbi->journal);
	err = jbd2_journal_flush(sbi->journal);
	if (!err) {
		clear_bit(EXT4_INODE_JOURNAL_DATA, &DEMO_I(inode)->i_flags); /* expect: journal-mode-flip-unsafe */
		inode->i_mapping->a_ops = &demo_aops;
	}
	jbd2_journal_unlock_updates(sbi->journal);
	return err;
}

int demo_journal_other_inode(struct inode *inode, struct inode *other, struct demo_sb *sbi)
{
	int err;

	inode_dio_wait(inode);
	down_write(&DEMO_I(other)->i_mmap_sem);
	err = filemap_write_and_wait(inode->i_mapping);
	if (err)
		goto out;
	percpu_down_write(&sbi->s_writepages_rwsem);
	jbd2_journal_lock_updates(sbi->journal);
	ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
	inode->i_mapping->a_ops = &demo_journalled_aops;
	jbd2_journal_unlock_updates(sbi->journal);
	percpu_up_write(&sbi->s_writepages_rwsem);
out:
	up_write(&DEMO_I(other)->i_mmap_sem);
	return err;
}
