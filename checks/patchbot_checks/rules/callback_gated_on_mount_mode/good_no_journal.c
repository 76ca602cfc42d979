/* Whether there is a journal at all is another question. */

static int demo_setup(struct super_block *sb, struct demo_sb_info *sbi)
{
	if (!demo_has_journal(sb))
		goto no_journal;
	if (test_opt(sb, DATA_FLAGS) == EXT4_MOUNT_JOURNAL_DATA)
		demo_warn(sb);
	sbi->s_journal->j_submit_inode_data_buffers = demo_submit;
no_journal:
	return 0;
}
