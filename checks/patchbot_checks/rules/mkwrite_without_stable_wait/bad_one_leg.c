/* Only one leg waits; the value comes from an error code, and through a choice. */

static vm_fault_t demo_mkwrite(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);
	int err;

	folio_lock(folio);
	err = demo_prepare(folio);
	if (folio_test_checked(folio))
		folio_wait_writeback(folio);
	if (err)
		folio_unlock(folio);
	return vmf_fs_error(err); /* expect: mkwrite-without-stable-wait */
}

static vm_fault_t demo_other_mkwrite(struct vm_fault *vmf)
{
	struct page *page = vmf->page;
	bool gone;

	lock_page(page);
	gone = !page->mapping;
	if (gone)
		unlock_page(page);
	return gone ? VM_FAULT_NOPAGE : VM_FAULT_LOCKED; /* expect: mkwrite-without-stable-wait */
}

static const struct vm_operations_struct demo_vm_ops = {
	.page_mkwrite	= demo_mkwrite,
};

static void demo_install(struct demo_ops *ops)
{
	ops->page_mkwrite = demo_other_mkwrite;
}
