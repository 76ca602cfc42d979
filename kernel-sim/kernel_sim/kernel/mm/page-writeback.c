// SPDX-License-Identifier: GPL-2.0-or-later
/* Dirty pages: marking them, and walking over them to write them. */
#include <linux/pagemap.h>
#include <linux/wait.h>
#include <linux/writeback.h>

static void account_page_dirtied(struct page *page, struct address_space *mapping)
{
	mapping->nr_dirtied++;
}

/* Dirty a page without looking at its buffers. */
int __set_page_dirty_nobuffers(struct page *page)
{
	struct address_space *mapping = page->mapping;

	if (TestSetPageDirty(page))
		return 0;
	account_page_dirtied(page, mapping);
	mapping_set_tag(page, PAGECACHE_TAG_DIRTY);
	return 1;
}

int set_page_dirty(struct page *page)
{
	struct address_space *mapping = page->mapping;

	if (mapping && mapping->a_ops->set_page_dirty)
		return mapping->a_ops->set_page_dirty(page);
	return mapping ? __set_page_dirty_buffers(page) : 0;
}

/*
 * Called with the page locked, just before it is written. Mappings become
 * read-only, so that the next store faults and dirties the page again. The
 * dirty tag stays until the page is under writeback.
 */
int clear_page_dirty_for_io(struct page *page)
{
	BUG_ON(!PageLocked(page));
	if (page_mkclean(page))
		set_page_dirty(page);
	return TestClearPageDirty(page);
}

/* A page that cannot be written now stays dirty. */
int redirty_page_for_writepage(struct writeback_control *wbc, struct page *page)
{
	return __set_page_dirty_nobuffers(page);
}

void set_page_writeback(struct page *page)
{
	SetPageWriteback(page);
	mapping_set_tag(page, PAGECACHE_TAG_WRITEBACK);
	mapping_clear_tag(page, PAGECACHE_TAG_TOWRITE);
	if (!PageDirty(page))
		mapping_clear_tag(page, PAGECACHE_TAG_DIRTY);
}

void end_page_writeback(struct page *page)
{
	BUG_ON(!PageWriteback(page));
	mapping_clear_tag(page, PAGECACHE_TAG_WRITEBACK);
	ClearPageWriteback(page);
	wake_up_bit(&page->flags, PG_writeback);
}

void wait_on_page_writeback(struct page *page)
{
	wait_on_bit(&page->flags, PG_writeback);
}

void wait_for_stable_page(struct page *page)
{
	if (page->mapping->host->i_sb->s_bdev->bd_stable_writes)
		wait_on_page_writeback(page);
}

/* Fix the set of pages to write, so that a busy writer cannot keep us here. */
void tag_pages_for_writeback(struct address_space *mapping, pgoff_t start,
			     pgoff_t end)
{
	struct page *page;

	while ((page = find_get_page_tag(mapping, &start, end,
					 PAGECACHE_TAG_DIRTY)))
		mapping_set_tag(page, PAGECACHE_TAG_TOWRITE);
}

/* Lock the page and clean it. False if there is nothing to write any more. */
static bool page_ready_to_write(struct page *page, struct address_space *mapping,
				struct writeback_control *wbc)
{
	lock_page(page);
	if (page->mapping != mapping || !PageDirty(page))
		goto skip;
	if (PageWriteback(page)) {
		if (wbc->sync_mode == WB_SYNC_NONE)
			goto skip;
		wait_on_page_writeback(page);
	}
	if (clear_page_dirty_for_io(page))
		return true;
skip:
	unlock_page(page);
	return false;
}

int write_cache_pages(struct address_space *mapping,
		      struct writeback_control *wbc, writepage_t writepage,
		      void *data)
{
	pgoff_t index = wbc->range_start >> PAGE_SHIFT;
	pgoff_t end = wbc->range_end >> PAGE_SHIFT;
	u8 tag = PAGECACHE_TAG_DIRTY;
	struct page *page;
	int ret = 0;

	if (wbc->sync_mode == WB_SYNC_ALL) {
		tag = PAGECACHE_TAG_TOWRITE;
		tag_pages_for_writeback(mapping, index, end);
	}
	while ((page = find_get_page_tag(mapping, &index, end, tag))) {
		int error;

		if (!page_ready_to_write(page, mapping, wbc))
			continue;
		error = writepage(page, wbc, data);
		if (error == AOP_WRITEPAGE_ACTIVATE) {
			unlock_page(page);
			error = 0;
		}
		if (error && !ret)
			ret = error;
		if (--wbc->nr_to_write <= 0 && wbc->sync_mode == WB_SYNC_NONE)
			break;
	}
	return ret;
}

static int __writepage(struct page *page, struct writeback_control *wbc, void *data)
{
	struct address_space *mapping = data;

	return mapping->a_ops->writepage(page, wbc);
}

int generic_writepages(struct address_space *mapping,
		       struct writeback_control *wbc)
{
	return write_cache_pages(mapping, wbc, __writepage, mapping);
}

int do_writepages(struct address_space *mapping, struct writeback_control *wbc)
{
	if (wbc->nr_to_write <= 0)
		return 0;
	if (mapping->a_ops->writepages)
		return mapping->a_ops->writepages(mapping, wbc);
	return generic_writepages(mapping, wbc);
}

int filemap_fdatawait_range(struct address_space *mapping, loff_t start,
			    loff_t end)
{
	pgoff_t index = start >> PAGE_SHIFT;
	struct page *page;

	while ((page = find_get_page_tag(mapping, &index, end >> PAGE_SHIFT,
					 PAGECACHE_TAG_WRITEBACK)))
		wait_on_page_writeback(page);
	return 0;
}
