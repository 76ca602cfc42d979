/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's intrinsics and what the model kernel supplies. It is the first header of every
 * file: macros that headers of the tree ask about with #ifndef are set here.
 */
#ifndef _SIM_H
#define _SIM_H

#include <sim/engine.h>

/* The model kernel's. */
struct task_struct;
struct task_struct *sim_current(void);

/*
 * For each lock that the running thread takes or drops, what it is in words, and how it is taken:
 * beside others that share it, or by an attempt that cannot wait.
 */
#define SIM_SHARED	1
#define SIM_TRIED	2
#define SIM_LOCK(word)			((unsigned long)(word) << 6)
#define SIM_BIT_LOCK(word, bit)		(SIM_LOCK(word) | (bit))
void sim_lock_taken(unsigned long lock, const char *what, unsigned int how);
void sim_lock_dropped(unsigned long lock);

unsigned long sim_cpu_offset(unsigned int cpu);	/* added to the address of a per-CPU variable */
void sim_relax(void);				/* one turn of a busy loop */
unsigned long sim_irq_save(void);		/* interrupts off; whether they were off before */
void sim_irq_restore(unsigned long flags);
unsigned long sim_irq_flags(void);
void sim_flush_tlb(void *mm, unsigned long start, unsigned long end);
unsigned long sim_copy_user(void *to, const void *from, unsigned long size); /* bytes left */

#define SIM_TEXT2(x) #x
#define SIM_TEXT(x) SIM_TEXT2(x)
#define SIM_HERE __FILE__ ":" SIM_TEXT(__LINE__)

/* There is one order of memory accesses: the order in which the engine makes them. */
#define barrier() do { } while (0)
#define barrier_data(p) ((void)(p))
#define OPTIMIZER_HIDE_VAR(x) ((void)(x))
#define __READ_ONCE(x) (*(const volatile typeof(x) *)&(x))

#endif
