/* A helper changes the flag; one of its callers does not do its part. */

static int demo_lock_out(struct inode *inode)
{
	int err;

	filemap_invalidate_lock(inode->i_mapping);
	err = filemap_write_and_wait(inode->i_mapping);
	if (err)
		filemap_invalidate_unlock(inode->i_mapping);
	return err;
}

static void demo_set_journalled(struct inode *victim, journal_t *journal)
{
	int ctx = ext4_writepages_down_write(victim->i_sb);

	jbd2_journal_lock_updates(journal);
	ext4_set_inode_flag(victim, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
	ext4_set_aops(victim);
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(victim->i_sb, ctx);
}

int demo_ioctl_journal(struct file *file)
{
	struct inode *inode = file_inode(file);
	int err;

	inode_dio_wait(inode);
	err = demo_lock_out(inode);
	if (err)
		return err;
	demo_set_journalled(inode, EXT4_JOURNAL(inode));
	filemap_invalidate_unlock(file->f_mapping);
	return 0;
}

int demo_ioctl_convert(struct file *file)
{
	struct inode *inode = file_inode(file);
	int err = filemap_write_and_wait(inode->i_mapping);

	if (err)
		return err;
	inode_dio_wait(inode);
	demo_set_journalled(inode, EXT4_JOURNAL(inode));
	return 0;
}

static inline void demo_turn_bit(struct inode *inode, int bit)
{
	change_bit(bit, &DEMO_I(inode)->i_flags);
}

void demo_turn(struct inode *inode)
{
	demo_turn_bit(inode, EXT4_INODE_NODUMP);
	demo_turn_bit(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
}

int demo_refuse_dax(struct inode *inode, journal_t *journal)
{
	if (IS_DAX(inode))
		return -EBUSY;
	inode_dio_wait(inode);
	return demo_clear_journalled(inode, journal);
}

int demo_forget_dax(struct inode *inode, journal_t *journal)
{
	inode_dio_wait(inode);
	return demo_clear_journalled(inode, journal);
}

int demo_clear_journalled(struct inode *inode, journal_t *journal)
{
	int ctx = ext4_writepages_down_write(inode->i_sb);
	int err;

	jbd2_journal_lock_updates(journal);
	err = jbd2_journal_flush(journal, 0);
	if (!err) {
		ext4_clear_inode_flag(inode, EXT4_INODE_JOURNAL_DATA); /* expect: journal-mode-flip-unsafe */
		ext4_set_aops(inode);
	}
	jbd2_journal_unlock_updates(journal);
	ext4_writepages_up_write(inode->i_sb, ctx);
	return err;
}

/* They call each other, and nobody else calls them. */
static void demo_forth(struct inode *inode, int depth)
{
	EXT4_I(inode)->i_flags ^= EXT4_JOURNAL_DATA_FL; /* expect: journal-mode-flip-unsafe */
	if (depth)
		demo_back(inode, depth - 1);
}

static void demo_back(struct inode *inode, int depth)
{
	demo_forth(inode, depth);
}
