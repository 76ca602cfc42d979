/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_PROCESSOR_H
#define _ASM_PROCESSOR_H

#include <asm/page.h>
#include <asm/ptrace.h>

#define TASK_SIZE (1UL << 47)
#define TASK_SIZE_MAX TASK_SIZE
#define TASK_UNMAPPED_BASE (TASK_SIZE / 3)
#define STACK_TOP TASK_SIZE
#define STACK_TOP_MAX TASK_SIZE

struct thread_struct {
	unsigned long unused;
};
#define INIT_THREAD { 0 }

struct task_struct;
#define cpu_relax() sim_relax()
#define cpu_relax_yield() sim_relax()
#define task_pt_regs(task) ((struct pt_regs *)0)
#define KSTK_EIP(task) 0UL
#define KSTK_ESP(task) 0UL
unsigned long __get_wchan(struct task_struct *task);
unsigned long get_wchan(struct task_struct *task);

#endif
