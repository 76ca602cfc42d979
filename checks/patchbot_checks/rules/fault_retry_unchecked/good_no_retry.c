/* No fault handler, or one that never asks for another try. */

static vm_fault_t demo_page_mkwrite(struct vm_fault *vmf)
{
	struct folio *folio = page_folio(vmf->page);
	vm_fault_t ret = VM_FAULT_RETRY;

	if (demo_busy(folio))
		return VM_FAULT_NOPAGE;
	folio_lock(folio);
	folio_wait_stable(folio);
	ret = VM_FAULT_LOCKED;
	return ret;
}

static int demo_walk(struct demo *demo, vm_fault_t fault)
{
	if (fault & VM_FAULT_RETRY)
		return -EAGAIN;
	mmap_read_unlock(demo->mm);
	return 0;
}

static const struct vm_operations_struct demo_vm_ops = {
	.fault = filemap_fault,
	.page_mkwrite = demo_page_mkwrite,
};
