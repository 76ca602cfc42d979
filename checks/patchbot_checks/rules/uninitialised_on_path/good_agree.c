/* Never unset: conditions that agree, answers that a lock keeps, kept answers. */

static int demo_flagged(struct inode *inode, int count)
{
	bool taken = false;
	int block;

	if (count > 2) {
		block = demo_reserve(inode);
		taken = true;
	}
	if (demo_work(inode) < 0)
		goto out;
	if (count > 2)
		demo_mark(inode, block);
out:
	if (taken)
		demo_release(inode, block);
	return 0;
}

static int demo_error(struct inode *inode)
{
	struct buffer_head *bh;
	int err = 0;

	if (inode->i_nlink)
		bh = demo_read(inode);
	else
		err = -ENOENT;
	if (err)
		return err;
	brelse(bh);
	return 0;
}

static int demo_locked(struct inode *inode)
{
	int cost;

	inode_lock(inode);
	if (ext4_should_journal_data(inode))
		cost = 2;
	demo_wait(inode);
	if (ext4_should_journal_data(inode))
		demo_pay(inode, cost);
	inode_unlock(inode);
	return 0;
}

static int demo_in_handle(handle_t *handle, struct inode *inode)
{
	int cost;

	if (ext4_should_journal_data(inode))
		cost = 2;
	demo_wait(inode);
	return ext4_should_journal_data(inode) ? demo_pay(inode, cost) : 0;
}

static int demo_asked_once(struct inode *inode)
{
	bool journalled = ext4_should_journal_data(inode);
	int cost;

	if (journalled)
		cost = 2;
	demo_wait(inode);
	return journalled ? demo_pay(inode, cost) : 0;
}
