/* References that somebody else gives back: stored, handed over, retried, aliased, I/O. */

static int demo_load(struct demo_sb_info *sbi, struct super_block *sb)
{
	struct buffer_head *bh = sb_bread(sb, 0);
	struct demo_super *ds;

	if (!bh)
		return -EIO;
	ds = kzalloc(sizeof(*ds), GFP_KERNEL);
	if (!ds)
		goto out;
	INIT_LIST_HEAD(&ds->d_list);
	list_add(&ds->d_list, &sbi->s_supers);
	sbi->s_sbh = bh;
	return 0;
out:
	brelse(bh);
	return -ENOMEM;
}

static int demo_read_async(struct super_block *sb, sector_t block)
{
	struct buffer_head *bh = sb_getblk(sb, block);

	if (!bh)
		return -ENOMEM;
	if (bh_uptodate_or_lock(bh)) {
		brelse(bh);
		return 0;
	}
	bh->b_end_io = end_buffer_read_sync;
	submit_bh(REQ_OP_READ, bh);
	return 0;
}

static int demo_retry(struct inode *inode)
{
	handle_t *handle;
	int err, tries = 0;

retry:
	handle = ext4_journal_start(inode, EXT4_HT_TRUNCATE, 4);
	if (IS_ERR(handle)) {
		err = PTR_ERR(handle);
		handle = NULL;
		goto out;
	}
	err = demo_truncate(handle, inode);
	ext4_journal_stop(handle);
	if (err == -ENOSPC && tries++ < 3)
		goto retry;
out:
	return err;
}

static int demo_walk(struct inode *inode, int count)
{
	struct buffer_head *bh = NULL, *last = NULL;
	char inline_buf[32], *buf = inline_buf;
	int i, err = 0;

	if (count > 32) {
		buf = kmalloc(count, GFP_NOFS);
		if (!buf)
			return -ENOMEM;
	}
	for (i = 0; i < count; i++) {
		bh = sb_bread(inode->i_sb, i);
		if (!bh) {
			err = -EIO;
			break;
		}
		buf[i] = bh->b_data[0];
		brelse(bh);
		bh = NULL;
	}
	brelse(bh);
	brelse(last);
	if (buf != inline_buf)
		kfree(buf);
	return err;
}

static int demo_conditional(struct inode *inode, bool journalled)
{
	handle_t *handle = NULL;
	int err;

	if (journalled) {
		handle = ext4_journal_start(inode, EXT4_HT_MISC, 1);
		if (IS_ERR(handle))
			return PTR_ERR(handle);
	}
	err = demo_work(handle, inode);
	if (handle)
		ext4_journal_stop(handle);
	return err;
}

static void demo_drop_and_retake(struct demo_sb_info *sbi)
{
	while (demo_full(sbi)) {
		spin_unlock(&sbi->s_lock);
		demo_wait(sbi);
		spin_lock(&sbi->s_lock);
		if (sbi->s_dead)
			break;
	}
}
