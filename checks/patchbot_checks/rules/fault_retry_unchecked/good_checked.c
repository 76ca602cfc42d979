/* VM_FAULT_RETRY with the flag seen, the lock dropped, once, and the file kept. */

static vm_fault_t demo_slow(struct vm_fault *vmf, struct inode *inode)
{
	struct file *fpin = maybe_unlock_mmap_for_io(vmf, NULL);

	demo_read(inode);
	if (fpin) {
		fput(fpin);
		return VM_FAULT_RETRY;
	}
	return 0;
}

static vm_fault_t demo_fault(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);
	bool again = vmf->flags & FAULT_FLAG_ALLOW_RETRY;
	vm_fault_t ret = 0;

	if (demo_is_slow(inode))
		ret = demo_slow(vmf, inode);
	if (ret & VM_FAULT_RETRY)
		return ret;
	if (again && !(vmf->flags & FAULT_FLAG_TRIED)) {
		if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
			return VM_FAULT_RETRY;
		get_file(vmf->vma->vm_file);
		mmap_read_unlock(vmf->vma->vm_mm);
		demo_read(inode);
		return ret | VM_FAULT_RETRY;
	}
	if ((vmf->flags & (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT)) ==
	    (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT))
		return VM_FAULT_RETRY;
	demo_read(inode);
	return VM_FAULT_NOPAGE;
}

static vm_fault_t demo_area_fault(struct vm_fault *vmf)
{
	if (!(vmf->flags & FAULT_FLAG_VMA_LOCK))
		return VM_FAULT_NOPAGE;
	vma_end_read(vmf->vma);
	return VM_FAULT_RETRY;
}

static const struct vm_operations_struct demo_vm_ops = {
	.fault = demo_fault,
};

static const struct vm_operations_struct demo_area_ops = {
	.fault = demo_area_fault,
};
