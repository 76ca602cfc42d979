/* The question, or the installation, is in a helper. */

static bool demo_journals_all(struct super_block *sb)
{
	return test_opt(sb, DATA_FLAGS) == EXT4_MOUNT_JOURNAL_DATA;
}

static void demo_install(journal_t *journal)
{
	journal->j_submit_inode_data_buffers = demo_submit;
}

static int demo_fill_super(struct super_block *sb, struct demo_sb_info *sbi)
{
	if (demo_journals_all(sb))
		sbi->s_journal->j_finish_inode_data_buffers = demo_finish; /* expect: callback-gated-on-mount-mode */
	return 0;
}

static int demo_remount(struct super_block *sb, journal_t *journal)
{
	bool all = demo_journals_all(sb);

	if (all)
		demo_install(journal); /* expect: callback-gated-on-mount-mode */
	return journal->j_submit_inode_data_buffers ? 0 : 1;
}
