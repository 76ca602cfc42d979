/* Legs of an if, a switch and a ternary, on which nothing is set. */

static int demo_sync(struct inode *inode)
{
	int err;

	if (ext4_should_journal_data(inode))
		err = demo_log_data(inode);
	else if (!S_ISDIR(inode->i_mode))
		err = demo_write_data(inode);
	return err; /* expect: uninitialised-on-path */
}

static int demo_limit(struct inode *inode, int kind)
{
	unsigned long limit;

	switch (kind) {
	case 1:
		limit = inode->i_blocks;
		break;
	case 2:
		demo_count(inode);
		break;
	default:
		return 0;
	}
	return limit > 8 ? 1 : 0; /* expect: uninitialised-on-path */
}

static void demo_goto(struct super_block *sb, struct buffer_head *bh)
{
	struct inode *inode;

	if (!bh)
		goto out;
	inode = demo_get_inode(sb, bh);
	if (!inode)
		return;
	demo_use(inode);
out:
	iput(inode); /* expect: uninitialised-on-path */
}

static int demo_ternary(struct inode *inode, int wanted)
{
	int found;

	if (wanted)
		demo_find(inode, &found);
	return demo_pick(inode, wanted ? 1 : found); /* expect: uninitialised-on-path */
}

static int demo_guarded(struct inode *inode, int wanted)
{
	int found;

	if (!wanted)
		found = demo_count(inode);
	if (wanted && found > 1) /* expect: uninitialised-on-path */
		return 1;
	return 0;
}
