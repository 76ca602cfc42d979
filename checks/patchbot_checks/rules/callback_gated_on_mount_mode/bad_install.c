/* Installed only under the mount's mode: an if, an early return, a switch, a choice. */

static void demo_if(struct super_block *sb, journal_t *journal)
{
	if (test_opt(sb, DATA_FLAGS) == EXT4_MOUNT_JOURNAL_DATA) {
		journal->j_submit_inode_data_buffers = demo_submit; /* expect: callback-gated-on-mount-mode */
		journal->j_finish_inode_data_buffers = demo_finish; /* expect: callback-gated-on-mount-mode */
	}
}

static int demo_early(struct super_block *sb, journal_t *journal)
{
	unsigned long mode = test_opt(sb, DATA_FLAGS);

	if (!journal)
		return -EINVAL;
	if (mode != EXT4_MOUNT_JOURNAL_DATA)
		return 0;
	journal->j_submit_inode_data_buffers = demo_submit; /* expect: callback-gated-on-mount-mode */
	return 0;
}

static int demo_switch(struct super_block *sb, struct demo_sb_info *sbi)
{
	switch (test_opt(sb, DATA_FLAGS)) {
	case EXT4_MOUNT_JOURNAL_DATA:
		sbi->s_journal->j_submit_inode_data_buffers = demo_submit; /* expect: callback-gated-on-mount-mode */
		break;
	default:
		break;
	}
	return 0;
}

static void demo_choice(struct super_block *sb, journal_t *journal)
{
	journal->j_submit_inode_data_buffers = /* expect: callback-gated-on-mount-mode */
		test_opt(sb, JOURNAL_DATA) ? demo_submit : jbd2_journal_submit_inode_data_buffers;
}

static void demo_remembered(struct super_block *sb, journal_t *journal)
{
	bool journalled = test_opt(sb, DATA_FLAGS) == EXT4_MOUNT_JOURNAL_DATA;

	demo_start(journal);
	if (journalled)
		journal->j_submit_inode_data_buffers = demo_submit; /* expect: callback-gated-on-mount-mode */
}
