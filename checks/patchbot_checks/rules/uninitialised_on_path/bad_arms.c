/* Unset only in one arm of an #ifdef, in a folio's retry, or through a pointer that is unset. */

static int demo_quota(struct inode *inode)
{
	int ret;

#ifdef CONFIG_QUOTA
	ret = demo_charge(inode);
#endif
	return ret; /* expect: uninitialised-on-path */
}

static int demo_folio(struct address_space *mapping, pgoff_t index, bool again)
{
	struct folio *folio;
	size_t len;

	if (!again) {
		folio = demo_get_folio(mapping, index);
		len = folio_size(folio);
	}
	if (folio->index != index) /* expect: uninitialised-on-path */
		return -EAGAIN;
	return demo_copy(mapping, index);
}

static unsigned int demo_flags(struct inode *inode, int mode)
{
	unsigned int flags;

	if (mode)
		flags |= 4; /* expect: uninitialised-on-path */
	else
		flags = 0;
	return flags;
}

static void demo_store(struct demo_record *record, int first)
{
	struct demo_record *where;

	if (first)
		where = record;
	while (record->count) {
		where->count = 1; /* expect: uninitialised-on-path */
		record->count = 0;
	}
}
