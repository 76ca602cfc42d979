/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two levels of page tables: an entry is a frame number above bit 12, and the bits below. */
#ifndef _ASM_PGTABLE_H
#define _ASM_PGTABLE_H

#include <asm-generic/pgtable-nopmd.h>
#include <asm/page.h>

#define PGDIR_SHIFT 21
#define PGDIR_SIZE (1UL << PGDIR_SHIFT)
#define PGDIR_MASK (~(PGDIR_SIZE - 1))
#define PTRS_PER_PGD 512
#define PTRS_PER_PTE 512
#define FIRST_USER_ADDRESS 0UL
#define USER_PTRS_PER_PGD 512
#define PFN_PTE_SHIFT PAGE_SHIFT
#define VMALLOC_START (1UL << 46)
#define VMALLOC_END (VMALLOC_START + (1UL << 30))

#define SIM_PRESENT 0x001UL
#define SIM_WRITE 0x002UL
#define SIM_USER 0x004UL
#define SIM_EXEC 0x008UL
#define SIM_DIRTY 0x010UL
#define SIM_YOUNG 0x020UL
#define SIM_SPECIAL 0x040UL
#define SIM_NONE 0x080UL
#define SIM_EXCLUSIVE 0x100UL

#define PAGE_NONE __pgprot(SIM_NONE | SIM_YOUNG)
#define PAGE_READONLY __pgprot(SIM_PRESENT | SIM_USER | SIM_YOUNG)
#define PAGE_SHARED __pgprot(SIM_PRESENT | SIM_USER | SIM_YOUNG | SIM_WRITE)
#define PAGE_COPY PAGE_READONLY
#define PAGE_KERNEL __pgprot(SIM_PRESENT | SIM_YOUNG | SIM_DIRTY | SIM_WRITE)
#define PAGE_KERNEL_RO __pgprot(SIM_PRESENT | SIM_YOUNG)
#define PAGE_KERNEL_EXEC PAGE_KERNEL
#define __P000 PAGE_NONE
#define __P001 PAGE_READONLY
#define __P010 PAGE_COPY
#define __P011 PAGE_COPY
#define __P100 PAGE_READONLY
#define __P101 PAGE_READONLY
#define __P110 PAGE_COPY
#define __P111 PAGE_COPY
#define __S000 PAGE_NONE
#define __S001 PAGE_READONLY
#define __S010 PAGE_SHARED
#define __S011 PAGE_SHARED
#define __S100 PAGE_READONLY
#define __S101 PAGE_READONLY
#define __S110 PAGE_SHARED
#define __S111 PAGE_SHARED

extern pgd_t swapper_pg_dir[PTRS_PER_PGD];
extern unsigned long empty_zero_page[PAGE_SIZE / sizeof(unsigned long)];
#define ZERO_PAGE(vaddr) virt_to_page(empty_zero_page)

#define pgd_none(pgd) sim_pgd_none(pgd)
#define pmd_none(pmd) (!pmd_val(pmd))
#define pmd_bad(pmd) ((pmd_val(pmd) & ~PAGE_MASK) != SIM_PRESENT)
#define pmd_present(pmd) ((pmd_val(pmd) & SIM_PRESENT) != 0)
#define pmd_leaf(pmd) false
#define pmd_page(pmd) pfn_to_page(pmd_pfn(pmd))
#define pmd_pfn(pmd) (pmd_val(pmd) >> PAGE_SHIFT)
#define pmd_page_vaddr(pmd) ((unsigned long)__va(pmd_val(pmd) & PAGE_MASK))
#define pud_pfn(pud) 0UL
#define set_pmd(pmdp, value) WRITE_ONCE(*(pmdp), (value))
#define pmd_clear(pmdp) set_pmd((pmdp), __pmd(0))
#undef pgd_none

#define pte_none(pte) (!pte_val(pte))
#define pte_present(pte) ((pte_val(pte) & (SIM_PRESENT | SIM_NONE)) != 0)
#define pte_page(pte) pfn_to_page(pte_pfn(pte))
#define pte_pfn(pte) (pte_val(pte) >> PAGE_SHIFT)
#define pfn_pte(pfn, prot) __pte(((unsigned long)(pfn) << PAGE_SHIFT) | pgprot_val(prot))
#ifdef SIM_MK_PTE
#define mk_pte(page, prot) pfn_pte(page_to_pfn(page), (prot))
#endif

#define SIM_PTE_TEST(name, bit) \
static inline int pte_##name(pte_t pte) { return (pte_val(pte) & (bit)) != 0; }
#define SIM_PTE_SET(name, bit) \
static inline pte_t pte_##name(pte_t pte) { return __pte(pte_val(pte) | (bit)); }
#define SIM_PTE_CLEAR(name, bit) \
static inline pte_t pte_##name(pte_t pte) { return __pte(pte_val(pte) & ~(bit)); }

SIM_PTE_TEST(write, SIM_WRITE)
SIM_PTE_TEST(dirty, SIM_DIRTY)
SIM_PTE_TEST(young, SIM_YOUNG)
SIM_PTE_TEST(special, SIM_SPECIAL)
SIM_PTE_SET(mkdirty, SIM_DIRTY)
SIM_PTE_SET(mkyoung, SIM_YOUNG)
SIM_PTE_SET(mkspecial, SIM_SPECIAL)
SIM_PTE_SET(mkwrite_novma, SIM_WRITE)
SIM_PTE_CLEAR(wrprotect, SIM_WRITE)
SIM_PTE_CLEAR(mkclean, SIM_DIRTY)
SIM_PTE_CLEAR(mkold, SIM_YOUNG)
#define pte_write pte_write
#ifdef SIM_MKWRITE_ONE_ARGUMENT
SIM_PTE_SET(mkwrite, SIM_WRITE)
#endif

static inline pte_t pte_modify(pte_t pte, pgprot_t prot)
{
	unsigned long kept = PAGE_MASK | SIM_DIRTY | SIM_YOUNG | SIM_SPECIAL;

	return __pte((pte_val(pte) & kept) | pgprot_val(prot));
}

static inline void set_pte(pte_t *ptep, pte_t pte)
{
	WRITE_ONCE(ptep->pte, pte_val(pte));
}
#define set_pte set_pte

struct mm_struct;
struct vm_area_struct;
static inline void set_pte_at(struct mm_struct *mm, unsigned long address, pte_t *ptep, pte_t pte)
{
	set_pte(ptep, pte);
}

static inline void pte_clear(struct mm_struct *mm, unsigned long address, pte_t *ptep)
{
	set_pte(ptep, __pte(0));
}

/* The processor sets the dirty and young bits by itself: these are one access each. */
#define __HAVE_ARCH_PTEP_GET_AND_CLEAR
static inline pte_t ptep_get_and_clear(struct mm_struct *mm, unsigned long address, pte_t *ptep)
{
	return __pte(sim_swap(ptep, 8, 0));
}

#define __HAVE_ARCH_PTEP_SET_WRPROTECT
static inline void ptep_set_wrprotect(struct mm_struct *mm, unsigned long address, pte_t *ptep)
{
	sim_and(ptep, 8, ~SIM_WRITE);
}

#define __HAVE_ARCH_PTEP_TEST_AND_CLEAR_YOUNG
static inline int ptep_test_and_clear_young(struct vm_area_struct *vma, unsigned long address,
					    pte_t *ptep)
{
	return (sim_and(ptep, 8, ~SIM_YOUNG) & SIM_YOUNG) != 0;
}

/* Swap entries: bit 0 is clear, the type stands in bits 12 to 16, the offset above. */
#define __swp_type(entry) (((entry).val >> 12) & 31)
#define __swp_offset(entry) ((entry).val >> 17)
#define __swp_entry(type, offset) \
	((swp_entry_t) { ((unsigned long)(type) << 12) | ((unsigned long)(offset) << 17) })
#define __pte_to_swp_entry(pte) ((swp_entry_t) { pte_val(pte) })
#define __swp_entry_to_pte(entry) __pte((entry).val)
#define __HAVE_ARCH_PTE_SWP_EXCLUSIVE
SIM_PTE_TEST(swp_exclusive, SIM_EXCLUSIVE)
SIM_PTE_SET(swp_mkexclusive, SIM_EXCLUSIVE)
SIM_PTE_CLEAR(swp_clear_exclusive, SIM_EXCLUSIVE)

#define update_mmu_cache(vma, address, ptep) do { } while (0)
#define update_mmu_cache_range(vmf, vma, address, ptep, nr) do { } while (0)
#define kern_addr_valid(address) 1

#endif
