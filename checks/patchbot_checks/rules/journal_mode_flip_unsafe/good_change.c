/* All is done, in helpers and callers too, or need not be. */

static void demo_aops(struct inode *inode)
{
	inode->i_mapping->a_ops = demo_choose_aops(inode);
}

int demo_change(struct inode *inode, int on)
{
	journal_t *journal = EXT4_JOURNAL(inode);
	handle_t *handle;
	int ctx, err;

	if (!journal)
		return 0;
	inode_dio_wait(inode);
	if (on) {
		filemap_invalidate_lock(inode->i_mapping);
		err = filemap_write_and_wait(inode->i_mapping);
		if (err < 0) {
			filemap_invalidate_unlock(inode->i_mapping);
			return err;
		}
	}
	ctx = ext4_writepages_down_write(inode->i_sb);
	jbd2_journal_lock_updates(journal);
	if (on) {
		ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
	} else {
		err = jbd2_journal_flush(journal, 0);
		if (err < 0)
			goto unlock;
		ext4_clear_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
	}
	demo_aops(inode);
	err = 0;
unlock:
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
	if (on)
		filemap_invalidate_unlock(inode->i_mapping);
	if (err)
		return err;
	handle = ext4_journal_start(inode, EXT4_HT_INODE, 1);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	ext4_mark_inode_dirty(handle, inode);
	ext4_journal_stop(handle);
	return 0;
}

/* The caller holds what is missing here. */
static int demo_set_locked(struct inode *inode, struct demo_sb *sbi)
{
	percpu_down_write(&sbi->s_writepages_rwsem);
	if (sbi->journal)
		jbd2_journal_lock_updates(sbi->journal);
	DEMO_I(inode)->i_flags = DEMO_I(inode)->i_flags | EXT4_JOURNAL_DATA_FL;
	demo_aops(inode);
	if (sbi->journal)
		jbd2_journal_unlock_updates(sbi->journal);
	percpu_up_write(&sbi->s_writepages_rwsem);
	return 0;
}

int demo_set(struct file *file, struct demo_sb *sbi)
{
	struct inode *inode = file_inode(file);
	struct demo_inode *di = DEMO_I(inode);
	int err;

	inode_dio_wait(inode);
	down_write(&di->i_mmap_sem);
	err = filemap_fdatawrite(file->f_mapping);
	if (!err)
		err = filemap_fdatawait(file->f_mapping);
	if (err)
		goto out;
	err = demo_set_locked(inode, sbi);
out:
	up_write(&di->i_mmap_sem);
	return err;
}

/* The inode and its mapping are handed in both. */
int demo_set_both(struct inode *inode, struct address_space *mapping, journal_t *journal)
{
	int ctx, err;

	inode_dio_wait(inode);
	filemap_invalidate_lock(mapping);
	err = filemap_write_and_wait(mapping);
	if (err)
		goto out;
	ctx = ext4_writepages_down_write(inode->i_sb);
	jbd2_journal_lock_updates(journal);
	ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
	mapping->a_ops = &demo_journalled_aops;
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
out:
	filemap_invalidate_unlock(mapping);
	return err;
}

/* Set, and taken back before anybody could see it. */
int demo_try(struct inode *inode, journal_t *journal)
{
	int ctx, err;

	inode_dio_wait(inode);
	filemap_invalidate_lock(inode->i_mapping);
	err = filemap_write_and_wait(inode->i_mapping);
	if (err)
		goto out;
	ctx = ext4_writepages_down_write(inode->i_sb);
	jbd2_journal_lock_updates(journal);
	ext4_set_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
	if (demo_prepare(inode))
		ext4_clear_inode_flag(inode, EXT4_INODE_JOURNAL_DATA);
	else
		demo_aops(inode);
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
out:
	filemap_invalidate_unlock(inode->i_mapping);
	return err;
}

void demo_other_flags(struct inode *inode, struct demo_raw *raw)
{
	unsigned int flags = DEMO_I(inode)->i_flags;

	ext4_set_inode_flag(inode, EXT4_INODE_NODUMP);
	if (flags & EXT4_JOURNAL_DATA_FL)
		DEMO_I(inode)->i_flags |= EXT4_SYNC_FL;
	raw->i_flags = cpu_to_le32(flags | EXT4_JOURNAL_DATA_FL);
}

/* Other functions of these names: nothing is known of them. */
void demo_odd_calls(struct inode *inode)
{
	inode_set_flags(inode, S_DAX);
	ext4_set_inode_flag(EXT4_INODE_JOURNAL_DATA);
	set_bit(EXT4_INODE_JOURNAL_DATA);
	WRITE_ONCE();
}
