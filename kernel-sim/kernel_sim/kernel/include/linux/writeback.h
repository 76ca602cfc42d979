/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending dirty pages to the device. */
#ifndef _LINUX_WRITEBACK_H
#define _LINUX_WRITEBACK_H

#include <linux/fs.h>

enum writeback_sync_modes {
	WB_SYNC_NONE,
	WB_SYNC_ALL,
};

struct writeback_control {
	long nr_to_write;
	loff_t range_start;	/* first and last byte, both included */
	loff_t range_end;
	enum writeback_sync_modes sync_mode;
};

typedef int (*writepage_t)(struct page *page, struct writeback_control *wbc,
			   void *data);

void tag_pages_for_writeback(struct address_space *mapping, pgoff_t start,
			     pgoff_t end);
int write_cache_pages(struct address_space *mapping,
		      struct writeback_control *wbc, writepage_t writepage,
		      void *data);
int generic_writepages(struct address_space *mapping,
		       struct writeback_control *wbc);
int do_writepages(struct address_space *mapping, struct writeback_control *wbc);
int redirty_page_for_writepage(struct writeback_control *wbc, struct page *page);
void set_page_writeback(struct page *page);
void end_page_writeback(struct page *page);
void wait_on_page_writeback(struct page *page);
void wait_for_stable_page(struct page *page);
int filemap_fdatawait_range(struct address_space *mapping, loff_t start,
			    loff_t end);

#endif
