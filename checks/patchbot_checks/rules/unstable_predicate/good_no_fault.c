/* Asked twice, and any answers will do. */

static int demo_twice(struct inode *host, struct folio *folio)
{
	handle_t *handle = NULL;
	int err = 0;

	if (folio_test_dirty(folio))
		demo_write(host);
	if (ext4_should_journal_data(host)) {
		handle = ext4_journal_start(host, EXT4_HT_INODE, 1);
		if (IS_ERR(handle))
			return PTR_ERR(handle);
	}
	demo_log(handle, host);
	if (folio_test_dirty(folio))
		err = -EAGAIN;
	if (ext4_should_journal_data(host))
		demo_note(host);
	if (handle)
		ext4_journal_stop(handle);
	return err;
}
