/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages of 4096 bytes; page n's contents stand n pages from the start of simulated memory. */
#ifndef _ASM_PAGE_H
#define _ASM_PAGE_H

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))

#ifndef __ASSEMBLY__
typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long pgd; } pgd_t;
typedef struct { unsigned long pgprot; } pgprot_t;
typedef struct page *pgtable_t;

#define pte_val(x) ((x).pte)
#define pgd_val(x) ((x).pgd)
#define pgprot_val(x) ((x).pgprot)
#define __pte(x) ((pte_t) { (x) })
#define __pgd(x) ((pgd_t) { (x) })
#define __pgprot(x) ((pgprot_t) { (x) })

#define PAGE_OFFSET 0UL
#define ARCH_PFN_OFFSET 0UL
#define __va(x) ((void *)(unsigned long)(x))
#define __pa(x) ((unsigned long)(x))
#define __pa_symbol(x) __pa(x)
#define virt_to_page(addr) pfn_to_page(__pa(addr) >> PAGE_SHIFT)
#define virt_to_pfn(addr) (__pa(addr) >> PAGE_SHIFT)
#define pfn_to_virt(pfn) __va((unsigned long)(pfn) << PAGE_SHIFT)
#define page_to_virt(page) __va(page_to_pfn(page) << PAGE_SHIFT)
#define page_to_phys(page) (page_to_pfn(page) << PAGE_SHIFT)
#define phys_to_page(phys) pfn_to_page((phys) >> PAGE_SHIFT)
#define virt_addr_valid(addr) ((unsigned long)(addr) != 0)
#define pfn_valid(pfn) ((pfn) != 0)

#define clear_page(page) sim_fill((page), 0, PAGE_SIZE)
#define copy_page(to, from) sim_copy((to), (from), PAGE_SIZE)
#define clear_user_page(page, address, pg) clear_page(page)
#define copy_user_page(to, from, address, pg) copy_page(to, from)

#define VM_DATA_DEFAULT_FLAGS (VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)

#include <asm-generic/memory_model.h>
#include <asm-generic/getorder.h>
#endif

#endif
