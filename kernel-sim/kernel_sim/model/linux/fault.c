// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page faults: mmap_lock around them, and the rule for trying again. Nobody changes mappings here, so
 * that readers of mmap_lock never wait: what is watched is its place in the order of locks, and who
 * drops it. A handler drops it before it answers VM_FAULT_RETRY or VM_FAULT_COMPLETED, and only then.
 */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <sim/kernel.h>
#include "sim_fault.h"
#include "sim_linux.h"

#ifdef SIM_FAULT_COMPLETED
#define DROPPED	(VM_FAULT_RETRY | VM_FAULT_COMPLETED)
#else
#define DROPPED	VM_FAULT_RETRY
#endif

struct mm_struct sim_mm;

/* A word for each thread, so that none is shared. */
static struct {
	unsigned long held, last_try;
} threads[SIM_THREADS];

static void take(unsigned int how)
{
	sim_lock_taken(SIM_LOCK(&sim_mm.mmap_lock), "mmap_lock", how);
	threads[sim_self()].held++;
}

void instead_of_mmap_read_lock(struct mm_struct *mm)
{
	take(0);
}

bool instead_of_mmap_read_trylock(struct mm_struct *mm)
{
	take(SIM_TRIED);
	return true;
}

void instead_of_mmap_read_unlock(struct mm_struct *mm)
{
	if (!threads[sim_self()].held)
		sim_fail("unbalanced lock", "mmap_lock is released by a thread that does not hold it");
	threads[sim_self()].held--;
	sim_lock_dropped(SIM_LOCK(&sim_mm.mmap_lock));
}

void instead_of_mmap_write_lock(struct mm_struct *mm)
{
	sim_inconclusive("mappings are changed");
}

/* As get_user_pages() makes them for callers that cannot do without mmap_lock. */
void sim_forbid_retry(void)
{
	threads[sim_self()].last_try = 1;
}

unsigned int sim_fault_flags(void)
{
	return FAULT_FLAG_WRITE | (threads[sim_self()].last_try ? 0 : FAULT_FLAG_ALLOW_RETRY);
}

void sim_check_retry(unsigned int flags, vm_fault_t answer)
{
	if (answer & VM_FAULT_RETRY && !(flags & FAULT_FLAG_ALLOW_RETRY))
		sim_fail("fault", "VM_FAULT_RETRY was returned where FAULT_FLAG_ALLOW_RETRY was not given");
}

vm_fault_t sim_fault(struct vm_fault *vmf, vm_fault_t (*handler)(struct vm_fault *vmf))
{
	unsigned int flags = vmf->flags;
	vm_fault_t answer;

	instead_of_mmap_read_lock(&sim_mm);
	answer = handler(vmf);
	sim_check_retry(flags, answer);
	if (answer & DROPPED) {
		if (threads[sim_self()].held)
			sim_fail("fault", "VM_FAULT_RETRY or VM_FAULT_COMPLETED was returned with mmap_lock held");
		return answer;
	}
	if (!threads[sim_self()].held)
		sim_fail("fault", "mmap_lock was dropped, and neither VM_FAULT_RETRY nor VM_FAULT_COMPLETED returned");
	instead_of_mmap_read_unlock(&sim_mm);
	return answer;
}

void sim_might_fault(void)
{
	instead_of_mmap_read_lock(&sim_mm);
	instead_of_mmap_read_unlock(&sim_mm);
}

/* Files stay open to the end. */
struct file *instead_of_get_file(struct file *file)
{
	return file;
}

void instead_of_fput(struct file *file)
{
}
