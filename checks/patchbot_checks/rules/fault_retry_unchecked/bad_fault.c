/* From .fault: unchecked, with the lock held, without a bound, and in a helper. */

static vm_fault_t demo_wait(struct vm_fault *vmf, struct demo *demo)
{
	if (!demo->busy)
		return 0;
	demo_sleep(demo);
	return VM_FAULT_RETRY; /* expect: fault-retry-unchecked */
}

static vm_fault_t demo_fault(struct vm_fault *vmf)
{
	struct demo *demo = vmf->vma->vm_private_data;
	vm_fault_t ret;

	ret = demo_wait(vmf, demo);
	if (ret)
		return ret;
	if (vmf->flags & FAULT_FLAG_ALLOW_RETRY) {
		if (demo->frozen)
			return VM_FAULT_MAJOR | VM_FAULT_RETRY; /* expect: fault-retry-unchecked */
		if (demo->moving) {
			demo_hold(demo);
			mmap_read_unlock(vmf->vma->vm_mm);
			demo_sleep(demo);
			return VM_FAULT_RETRY; /* expect-warning: fault-retry-unchecked */
		}
	}
	return filemap_fault(vmf);
}

static const struct vm_operations_struct demo_vm_ops = {
	.fault = demo_fault,
};
