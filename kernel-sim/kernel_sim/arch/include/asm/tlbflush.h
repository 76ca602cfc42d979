/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_TLBFLUSH_H
#define _ASM_TLBFLUSH_H

#define flush_tlb_all() sim_flush_tlb((void *)0, 0UL, ~0UL)
#define flush_tlb_mm(mm) sim_flush_tlb((mm), 0UL, ~0UL)
#define flush_tlb_page(vma, address) \
	sim_flush_tlb((vma)->vm_mm, (address), (address) + PAGE_SIZE)
#define flush_tlb_range(vma, start, end) sim_flush_tlb((vma)->vm_mm, (start), (end))
#define flush_tlb_kernel_range(start, end) sim_flush_tlb((void *)0, (start), (end))

#endif
