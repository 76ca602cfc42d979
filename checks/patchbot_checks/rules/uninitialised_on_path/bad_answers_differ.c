/* Only if one question is answered differently the second time: a note, with its condition. */

static int demo_prepare(struct inode *inode, struct demo_map *map)
{
	get_block_t *get_block;

	if (ext4_should_journal_data(inode))
		goto start;
	demo_wait(inode);
	get_block = map->unwritten ? demo_get_unwritten : demo_get_block;
start:
	demo_begin(inode);
	if (!ext4_should_journal_data(inode)) /* expect-if: unstable-predicate */
		demo_fill(inode, get_block); /* expect-if: uninitialised-on-path */
	return 0;
}

static int demo_size(struct inode *inode, loff_t pos)
{
	loff_t end;
	int ret = 0;

	if (ext4_has_inline_data(inode))
		end = demo_inline_end(inode);
	else
		demo_map(inode, pos);
	if (ext4_has_inline_data(inode)) /* expect-if: unstable-predicate */
		ret = demo_zero(inode, end); /* expect-if: uninitialised-on-path */
	return ret;
}
