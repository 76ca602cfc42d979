/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_FUTEX_H
#define _ASM_FUTEX_H

int arch_futex_atomic_op_inuser(int op, unsigned int operand, int *old, unsigned int *at);
int futex_atomic_cmpxchg_inatomic(unsigned int *seen, unsigned int *at, unsigned int old,
				  unsigned int new);

#endif
