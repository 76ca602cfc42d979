/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integer types and page geometry of the model. */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long ssize_t;
typedef long long loff_t;
typedef unsigned long pgoff_t;
typedef unsigned long sector_t;
typedef unsigned int tid_t;
typedef unsigned int gfp_t;
typedef unsigned int vm_fault_t;

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define LLONG_MAX	((loff_t)(~0ULL >> 1))
#define LONG_MAX	((long)(~0UL >> 1))

#endif
