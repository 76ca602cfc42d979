/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Per-CPU variables: the model kernel says how far a processor's copy is from the first. */
#ifndef _ASM_PERCPU_H
#define _ASM_PERCPU_H

#define __per_cpu_offset sim_cpu_offset
#define per_cpu_offset(cpu) sim_cpu_offset(cpu)
#define __my_cpu_offset sim_cpu_offset((unsigned int)sim_self())

#include <asm-generic/percpu.h>

#endif
