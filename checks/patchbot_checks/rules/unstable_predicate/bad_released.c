/* Taken under the one answer, released under the other. */

static int demo_handle(struct inode *host)
{
	handle_t *handle = NULL;
	int err;

	if (ext4_should_journal_data(host)) {
		handle = ext4_journal_start(host, EXT4_HT_WRITE_PAGE, 8);
		if (IS_ERR(handle))
			return PTR_ERR(handle);
		ext4_journal_stop(handle);
	} else {
		demo_wait(host);
	}
	if (mapping_mapped(host->i_mapping))
		down_write(&host->i_rwsem);
	err = demo_write(host);
	if (mapping_mapped(host->i_mapping)) /* expect-if: unstable-predicate */ /* expect-if: unstable-predicate */
		up_write(&host->i_rwsem);
	return err;
}

static int demo_compared(struct inode *host, struct demo_entry *entry)
{
	int err;

	if (i_size_read(host) > PAGE_SIZE)
		mutex_lock(&DEMO_I(host)->i_map_mutex);
	entry->host = NULL;
	err = demo_write(host);
	if (i_size_read(host) > PAGE_SIZE) /* expect-if: unstable-predicate */ /* expect-if: unstable-predicate */
		mutex_unlock(&DEMO_I(host)->i_map_mutex);
	return err;
}
