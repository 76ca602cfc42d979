/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_ELF_H
#define _ASM_ELF_H

#define ELF_CLASS 2
#define ELF_DATA 1
#define ELF_ARCH 0
#define ELF_EXEC_PAGESIZE 4096
#define ELF_PLATFORM ((char *)0)
#define ELF_HWCAP 0
#define ELF_ET_DYN_BASE 0UL
#define elf_check_arch(header) 0
#define SET_PERSONALITY(header) do { } while (0)
typedef unsigned long elf_greg_t;
typedef elf_greg_t elf_gregset_t[4];
typedef unsigned long elf_fpregset_t[1];

#endif
