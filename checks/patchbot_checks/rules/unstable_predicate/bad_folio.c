/* A folio's state asked twice without its lock; and a handle under the answer. */

static void demo_folio(struct inode *host, struct folio *folio)
{
	if (folio_test_checked(folio))
		spin_lock(&host->i_lock);
	demo_count(host);
	if (folio_test_checked(folio)) /* expect-if: unstable-predicate */ /* expect-if: unstable-predicate */
		spin_unlock(&host->i_lock);
}

static int demo_start(struct inode *host)
{
	handle_t *handle = NULL;

	switch (demo_mode(host)) {
	case 1:
		demo_wait(host);
		break;
	default:
		break;
	}
	if (!ext4_nonda_switch(host->i_sb)) {
		handle = ext4_journal_start(host, EXT4_HT_INODE, 1);
		if (IS_ERR(handle))
			return PTR_ERR(handle);
	}
	demo_log(handle, host);
	if (!ext4_nonda_switch(host->i_sb)) /* expect-if: unstable-predicate */ /* expect-if: unstable-predicate */
		ext4_journal_stop(handle);
	return 0;
}
