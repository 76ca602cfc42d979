/* Inside a handle: writeback, the lock against faults, and the barrier for writepages. */

static int demo_flush(struct inode *host)
{
	if (demo_is_clean(host))
		return 0;
	return filemap_write_and_wait(host->i_mapping);
}

static int demo_set_flag(struct inode *host, int on)
{
	handle_t *handle;
	int err;

	handle = ext4_journal_start(host, EXT4_HT_INODE, 1);
	if (IS_ERR(handle))
		return PTR_ERR(handle);
	err = demo_flush(host); /* expect: lock-order */
	if (!err && on)
		demo_mark(handle, host);
	ext4_journal_stop(handle);
	return err;
}

static void demo_punch(handle_t *handle, struct inode *host)
{
	filemap_invalidate_lock(host->i_mapping); /* expect: lock-order */
	demo_drop_pages(handle, host);
	filemap_invalidate_unlock(host->i_mapping);
}

static int demo_switch(struct inode *host, struct demo_sb *sbi)
{
	handle_t *handle = jbd2_journal_start(sbi->s_journal, 4);

	if (IS_ERR(handle))
		return PTR_ERR(handle);
	switch (demo_mode(host)) {
	case 1:
		down_write(&sbi->i_mmap_sem); /* expect: lock-order */
		up_write(&sbi->i_mmap_sem);
		break;
	case 2:
		percpu_down_write(&sbi->s_journal_flag_rwsem); /* expect: lock-order */
		percpu_up_write(&sbi->s_journal_flag_rwsem);
		break;
	default:
		down_write(&sbi->s_other_sem);
		up_write(&sbi->s_other_sem);
	}
	return jbd2_journal_stop(handle);
}
