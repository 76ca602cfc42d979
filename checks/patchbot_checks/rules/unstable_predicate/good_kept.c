/* A lock keeps the answer, the answer is kept, or what was done is tested. */

static int demo_locked(struct inode *host)
{
	inode_lock(host);
	if (ext4_should_journal_data(host))
		down_read(&host->i_rwsem);
	demo_wait(host);
	if (ext4_should_journal_data(host))
		up_read(&host->i_rwsem);
	inode_unlock(host);
	return 0;
}

static int demo_asked_once(struct inode *host)
{
	bool journalled = ext4_should_journal_data(host);

	if (journalled)
		down_read(&host->i_rwsem);
	demo_wait(host);
	if (journalled)
		up_read(&host->i_rwsem);
	return 0;
}

static int demo_in_handle(handle_t *handle, struct inode *host)
{
	if (ext4_should_journal_data(host))
		spin_lock(&host->i_lock);
	demo_log(handle, host);
	if (ext4_should_journal_data(host))
		spin_unlock(&host->i_lock);
	return 0;
}

static int demo_other_limits(struct inode *host, loff_t from)
{
	int err;

	if (i_size_read(host) > PAGE_SIZE)
		demo_wait(host);
	mutex_lock(&DEMO_I(host)->i_map_mutex);
	err = demo_write(host);
	if (i_size_read(host) < from)
		err = -EFBIG;
	mutex_unlock(&DEMO_I(host)->i_map_mutex);
	return err;
}
