/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spinlock's word is 0 or 1; a rwlock's is the count of readers, or all ones for a writer. */
#ifndef _ASM_SPINLOCK_TYPES_H
#define _ASM_SPINLOCK_TYPES_H

typedef struct {
	unsigned long word;
} arch_spinlock_t;

typedef struct {
	unsigned long word;
} arch_rwlock_t;

#define __ARCH_SPIN_LOCK_UNLOCKED { 0 }
#define __ARCH_RW_LOCK_UNLOCKED { 0 }

#endif
