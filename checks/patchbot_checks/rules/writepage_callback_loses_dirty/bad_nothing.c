/* It never makes a page dirty again. */

#include <linux/jbd2.h>

static int demo_protect(struct page *page, struct writeback_control *wbc, void *data)
{
	demo_count(page);
	return AOP_WRITEPAGE_ACTIVATE; /* expect: writepage-callback-loses-dirty */ /* expect: writepage-callback-loses-dirty */ /* expect: writepage-callback-loses-dirty */
}

int demo_submit(struct address_space *mapping, struct writeback_control *wbc)
{
	return write_cache_pages(mapping, wbc, demo_protect, NULL);
}
