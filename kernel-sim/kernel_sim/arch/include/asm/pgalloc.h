/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_PGALLOC_H
#define _ASM_PGALLOC_H

#include <asm-generic/pgalloc.h>

#define pmd_populate_kernel(mm, pmdp, table) \
	set_pmd((pmdp), __pmd(__pa(table) | SIM_PRESENT))
#define pmd_populate(mm, pmdp, page) \
	set_pmd((pmdp), __pmd((page_to_pfn(page) << PAGE_SHIFT) | SIM_PRESENT))
#define pmd_pgtable(pmd) pmd_page(pmd)
#define __pte_free_tlb(tlb, page, address) tlb_remove_page((tlb), (page))
pgd_t *pgd_alloc(struct mm_struct *mm);

#endif
