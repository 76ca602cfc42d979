/* Things that are taken less often: each has its own calls. */

static int demo_switch(struct inode *inode, journal_t *journal)
{
	int err;

	jbd2_journal_lock_updates(journal);
	err = jbd2_journal_flush(journal);
	if (err < 0)
		return err; /* expect: exit-without-release */
	demo_note(inode);
	jbd2_journal_unlock_updates(journal);
	return 0;
}

static int demo_count(struct demo_sb_info *sbi, int count)
{
	write_seqlock(&sbi->s_count_lock);
	if (sbi->s_count + count < 0)
		return -ERANGE; /* expect: exit-without-release */
	sbi->s_count += count;
	write_sequnlock(&sbi->s_count_lock);
	return 0;
}

static int demo_unmap_all(struct address_space *mapping)
{
	i_mmap_lock_read(mapping);
	if (demo_is_small(mapping->host))
		return 0; /* expect: exit-without-release */
	demo_note(mapping->host);
	i_mmap_unlock_read(mapping);
	return 1;
}

static long demo_sum(struct demo_sb_info *sbi)
{
	long sum = 0;

	preempt_disable();
	if (!sbi->s_sums)
		return -ENODATA; /* expect: exit-without-release */
	sum = sbi->s_sums->sum;
	preempt_enable();
	return sum;
}

static int demo_compare(unsigned int fd, struct inode *inode)
{
	struct file *file = fget(fd);

	if (!file)
		return -EBADF;
	if (file_inode(file) != inode)
		return -EINVAL; /* expect: exit-without-release */
	fput(file);
	return 0;
}

static int demo_parent_size(struct dentry *dentry)
{
	struct dentry *parent = dget_parent(dentry);
	int size = 0;

	if (!d_inode(parent))
		return -ENOENT; /* expect: exit-without-release */
	size = d_inode(parent)->i_blkbits;
	dput(parent);
	return size;
}

static int demo_leaf(struct inode *inode, int block)
{
	struct ext4_ext_path *path;
	int depth;

	path = ext4_find_extent(inode, block, NULL, 0);
	if (IS_ERR(path))
		return PTR_ERR(path);
	depth = path->p_depth;
	if (depth > 5)
		return -EFSCORRUPTED; /* expect: exit-without-release */
	ext4_free_ext_path(path);
	return depth;
}

static int demo_read_all(struct buffer_head *bh)
{
	lock_buffer(bh);
	if (buffer_uptodate(bh))
		return 0; /* expect: exit-without-release */
	return ext4_read_bh(bh, 0, NULL);
}
