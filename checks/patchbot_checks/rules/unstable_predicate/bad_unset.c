/* Set under the one answer, used under the other: in a goto's target, and in a ternary. */

static int demo_prepare(struct inode *host)
{
	get_block_t *get_block;

	if (ext4_should_journal_data(host))
		goto start;
	get_block = demo_get_block;
start:
	demo_begin(host);
	if (!ext4_should_journal_data(host)) /* expect-if: unstable-predicate */
		demo_fill(host, get_block); /* expect-if: uninitialised-on-path */
	return 0;
}

static int demo_cost(struct inode *host)
{
	int cost;

	if (IS_DAX(host))
		cost = 2;
	demo_wait(host);
	return IS_DAX(host) ? demo_pay(host, cost) : 0; /* expect-if: unstable-predicate */ /* expect-if: uninitialised-on-path */
}
