/* It waits, but unlocks the page afterwards: by the time it is locked again, writeback can run. */

static void demo_settle(struct page *page)
{
	wait_on_page_writeback(page);
	unlock_page(page);
}

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct page *page = vmf->page;

	lock_page(page);
	demo_settle(page);
	demo_reserve(vmf);
	lock_page(page);
	if (!page->mapping) {
		unlock_page(page);
		return VM_FAULT_NOPAGE;
	}
	return VM_FAULT_LOCKED; /* expect: mkwrite-without-stable-wait */
}

static const struct vm_operations_struct demo_vm_ops = {
	.fault		= filemap_fault,
	.page_mkwrite	= demo_page_mkwrite,
};
