/* It goes on where a part failed, or leaves one out on some way. */

int demo_writeback_unchecked(struct inode *inode, journal_t *journal)
{
	int ctx;

	inode_dio_wait(inode);
	filemap_invalidate_lock(inode->i_mapping);
	filemap_write_and_wait(inode->i_mapping);
	ctx = ext4_writepages_down_write(inode->i_sb);
	jbd2_journal_lock_updates(journal);
	ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
	ext4_set_aops(inode);
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
	filemap_invalidate_unlock(inode->i_mapping);
	return 0;
}

int demo_only_started(struct inode *inode, journal_t *journal, struct demo_sb *sbi)
{
	int err;

	inode_dio_wait(inode);
	if (down_write_killable(&DEMO_I(inode)->i_mmap_sem))
		return -EINTR;
	err = filemap_fdatawrite(inode->i_mapping);
	if (err)
		goto out;
	percpu_down_write(&sbi->s_writepages_rwsem);
	jbd2_journal_lock_updates(journal);
	ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
	ext4_set_aops(inode);
	jbd2_journal_unlock_updates(journal);
	percpu_up_write(&sbi->s_writepages_rwsem);
out:
	up_write(&DEMO_I(inode)->i_mmap_sem);
	return err;
}

int demo_flush_sometimes(struct inode *inode, journal_t *journal, bool lazy)
{
	unsigned int flags = DEMO_I(inode)->i_flags;
	int ctx, err;

	inode_dio_wait(inode);
	ctx = ext4_writepages_down_write(inode->i_sb);
	jbd2_journal_lock_updates(journal);
	err = lazy ? 0 : jbd2_journal_flush(journal, 0);
	if (err < 0)
		goto out;
	flags &= ~EXT4_JOURNAL_DATA_FL;
	DEMO_I(inode)->i_flags = flags; /* expect: journal-mode-flip-unsafe */
	ext4_set_aops(inode);
out:
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
	return err;
}

int demo_user_flags(struct inode *inode, struct fileattr *fa)
{
	unsigned int old = DEMO_I(inode)->i_flags, new = fa->flags;

	if ((old ^ new) & EXT4_JOURNAL_DATA_FL) {
		if (!capable(CAP_SYS_RESOURCE))
			return -EPERM;
	}
	DEMO_I(inode)->i_flags = new; /* expect: journal-mode-flip-unsafe */
	return 0;
}

int demo_user_flags_kept(struct inode *inode, struct fileattr *fa)
{
	unsigned int changed = DEMO_I(inode)->i_flags ^ fa->flags;

	if (changed & EXT4_JOURNAL_DATA_FL)
		WRITE_ONCE(DEMO_I(inode)->i_flags, fa->flags); /* expect: journal-mode-flip-unsafe */
	else
		DEMO_I(inode)->i_flags = fa->flags;
	return 0;
}

int demo_switched(struct inode *inode, journal_t *journal, int mode)
{
	int ctx, err;

	inode_dio_wait(inode);
	filemap_invalidate_lock(inode->i_mapping);
	err = filemap_write_and_wait(inode->i_mapping);
	if (err)
		goto out;
	ctx = ext4_writepages_down_write(inode->i_sb);
	jbd2_journal_lock_updates(journal);
	switch (mode) {
	case DEMO_JOURNALLED:
		ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
		break;
	case DEMO_ORDERED:
		ext4_clear_inode_flag(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
		break;
	}
	ext4_set_aops(inode);
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
out:
	filemap_invalidate_unlock(inode->i_mapping);
	return err;
}
