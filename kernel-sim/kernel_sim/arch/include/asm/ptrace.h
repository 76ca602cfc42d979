/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_PTRACE_H
#define _ASM_PTRACE_H

struct pt_regs {
	unsigned long ip;
	unsigned long sp;
	unsigned long result;
	unsigned long flags;
};
#define user_mode(regs) ((regs)->flags != 0)
#define instruction_pointer(regs) ((regs)->ip)
#define user_stack_pointer(regs) ((regs)->sp)
#define kernel_stack_pointer(regs) ((regs)->sp)
#define frame_pointer(regs) ((regs)->sp)
#define profile_pc(regs) ((regs)->ip)
#define regs_return_value(regs) ((regs)->result)
#define is_syscall_success(regs) ((long)(regs)->result >= 0)
#define force_successful_syscall_return() do { } while (0)
#define arch_has_single_step() 0

#endif
