/* Always installed, but the callback itself asks for the mount's mode. */

static int demo_submit(struct jbd2_inode *jinode)
{
	struct inode *inode = jinode->i_vfs_inode;

	if (test_opt(inode->i_sb, DATA_FLAGS) == EXT4_MOUNT_JOURNAL_DATA) /* expect: callback-gated-on-mount-mode */
		return demo_protect(jinode);
	return jbd2_journal_submit_inode_data_buffers(jinode);
}

static void demo_install(journal_t *journal)
{
	journal->j_submit_inode_data_buffers = demo_submit;
}
