/* The lock was dropped, and the return, or the area, is as if it was not. */

static vm_fault_t demo_drop_fault(struct vm_fault *vmf)
{
	struct demo *demo = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_NOPAGE;

	if (demo->busy && fault_flag_allow_retry_first(vmf->flags)) {
		release_fault_lock(vmf);
		if (demo_sleep(demo))
			goto out;
		ret = VM_FAULT_RETRY;
	}
out:
	return ret; /* expect: fault-retry-unchecked */
}

static vm_fault_t demo_again_fault(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	struct demo *demo = vmf->vma->vm_private_data;

	if (demo->busy) {
		mmap_read_unlock(mm);
		demo_sleep(demo);
		mmap_read_lock(mm);
	}
	vmf->page = demo->page;
	return 0; /* expect: fault-retry-unchecked */
}

static const struct vm_operations_struct demo_drop_ops = {
	.fault = demo_drop_fault,
};

static const struct vm_operations_struct demo_again_ops = {
	.fault = demo_again_fault,
};
