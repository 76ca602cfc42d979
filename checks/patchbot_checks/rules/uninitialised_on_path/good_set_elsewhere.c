/* Set by macros, through addresses, by loops; or looked at without being read. */

#define demo_fetch(value, from) do { (value) = (from)->next; } while (0)

static int demo_macros(struct inode *inode, int __user *arg, struct demo_list *list)
{
	unsigned long flags;
	struct demo_item *item;
	int value, size = sizeof(value);

	spin_lock_irqsave(&inode->i_lock, flags);
	demo_note(inode);
	spin_unlock_irqrestore(&inode->i_lock, flags);
	demo_fetch(item, list);
	if (get_user(value, arg))
		return -EFAULT;
	return value + item->count + size;
}

static int demo_loops(struct list_head *head, int count)
{
	struct demo_item *item, *next;
	int last, i, kind;

	list_for_each_entry_safe(item, next, head, list)
		demo_drop(item);
	for (i = 0; i < count; i++)
		last = demo_step(i);
	i = 0;
	while (count--) {
		if (!i)
			kind = demo_kind(head);
		else
			demo_apply(head, kind);
		i++;
	}
	do {
		kind = demo_kind(head);
	} while (kind < 0);
	return last + kind;
}

static int demo_enum(struct inode *inode, enum demo_mode mode)
{
	struct demo_item *item = container_of(inode, struct demo_item, vfs);
	struct demo_range range;
	int cost, same = same;

	range.start = 0;
	switch (mode) {
	case DEMO_FAST:
		cost = 1;
		break;
	case DEMO_SLOW:
		cost = 9;
		break;
	}
	(void)same;
	return cost + item->count + range.start;
}

static int demo_fatal(struct inode *inode, struct page *page)
{
	loff_t size;
	int ret;

	if (page)
		size = i_size_read(inode);
	else
		BUG();
	ret = demo_get(inode, &size);
	return ret ? ret : size > 4;
}
