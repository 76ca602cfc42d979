/* Nothing is returned locked here: a DAX fault, a handler of another kind, an unknown answer. */

static vm_fault_t demo_dax_mkwrite(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);
	vm_fault_t ret;

	sb_start_pagefault(inode->i_sb);
	ret = dax_iomap_fault(vmf, 0, NULL, NULL, &demo_iomap_ops);
	sb_end_pagefault(inode->i_sb);
	return ret;
}

static vm_fault_t demo_fault(struct vm_fault *vmf)
{
	lock_page(vmf->page);
	return VM_FAULT_LOCKED;
}

static const struct vm_operations_struct demo_vm_ops = {
	.fault		= demo_fault,
	.page_mkwrite	= demo_dax_mkwrite,
};
