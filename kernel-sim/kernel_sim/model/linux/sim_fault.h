/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a page fault is made with, and what its handler may answer. */
#ifndef _SIM_FAULT_H
#define _SIM_FAULT_H

#include <linux/mm.h>

extern struct mm_struct sim_mm;

/* The flags of a thread's first try. */
unsigned int sim_fault_flags(void);

/* One try under mmap_lock; what the handler answered, or the failure that its answer is. */
vm_fault_t sim_fault(struct vm_fault *vmf, vm_fault_t (*handler)(struct vm_fault *vmf));

/* Fails where a handler that was called with these flags may not answer this. */
void sim_check_retry(unsigned int flags, vm_fault_t answer);

/* The thread touches memory of its process, which may have to be brought in. */
void sim_might_fault(void);

#endif
