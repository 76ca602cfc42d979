/* Installed always; the callback asks the inode. Other things go by the mount's mode. */

static int demo_submit(struct jbd2_inode *jinode)
{
	if (ext4_should_journal_data(jinode->i_vfs_inode))
		return demo_protect(jinode);
	return jbd2_journal_submit_inode_data_buffers(jinode);
}

static int demo_fill_super(struct super_block *sb, struct demo_sb_info *sbi)
{
	int err;

	if (test_opt(sb, DATA_FLAGS) == EXT4_MOUNT_JOURNAL_DATA && sb->s_blocksize < 1024)
		return -EINVAL;
	err = demo_load_journal(sb);
	if (err)
		goto failed;
	switch (test_opt(sb, DATA_FLAGS)) {
	case 0:
		set_opt(sb, ORDERED_DATA);
		break;
	default:
		break;
	}
	sbi->s_journal->j_submit_inode_data_buffers = demo_submit;
	sbi->s_journal->j_finish_inode_data_buffers = jbd2_journal_finish_inode_data_buffers;
	return 0;
failed:
	return err;
}
