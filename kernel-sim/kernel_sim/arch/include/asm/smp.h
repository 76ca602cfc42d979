/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every thread has a processor of its own: none is ever moved or preempted on it. */
#ifndef _ASM_SMP_H
#define _ASM_SMP_H

struct cpumask;
#define raw_smp_processor_id() ((unsigned int)sim_self())
#define __smp_processor_id() raw_smp_processor_id()
void arch_send_call_function_single_ipi(int cpu);
void arch_send_call_function_ipi_mask(const struct cpumask *mask);

#endif
