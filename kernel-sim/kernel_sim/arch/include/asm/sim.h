/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's intrinsics (see kernel_sim/ir.py) and what the model kernel supplies.
 * It is the first header of every file: macros that headers of the tree ask about with #ifndef
 * are set here. Sizes are in bytes; words are unsigned long; addresses may be of any type.
 */
#ifndef _SIM_H
#define _SIM_H

/* Intrinsics. */
void *sim_alloc(unsigned long bytes);
void sim_free(void *block);
int sim_thread(const char *name, void *function, void *argument, int daemon);
int sim_self(void);
void sim_acquire(unsigned long *word, unsigned long mask);
void sim_wait(unsigned long *word, unsigned long mask, unsigned long want);
void sim_wait32(unsigned int *word, unsigned int mask, unsigned int want);
unsigned long sim_swap(volatile void *at, unsigned long size, unsigned long value);
unsigned long sim_cmpxchg(volatile void *at, unsigned long size, unsigned long old,
			  unsigned long value);
unsigned long sim_add(volatile void *at, unsigned long size, unsigned long delta);
unsigned long sim_or(volatile void *at, unsigned long size, unsigned long mask);
unsigned long sim_and(volatile void *at, unsigned long size, unsigned long mask);
void sim_copy(void *to, const void *from, unsigned long size);
void sim_fill(void *to, int byte, unsigned long size);
int sim_compare(const void *a, const void *b, unsigned long size);
unsigned int sim_crc32c(unsigned int crc, const void *data, unsigned long size);
int sim_choose(int values);
void sim_fail(const char *kind, const char *text);
void sim_inconclusive(const char *reason);
void sim_note(const char *text, unsigned long value);

/* The model kernel's. */
struct task_struct;
struct task_struct *sim_current(void);
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
#define barrier_before_unreachable() do { } while (0)
#define barrier_data(p) ((void)(p))
#define OPTIMIZER_HIDE_VAR(x) ((void)(x))
#define __READ_ONCE(x) (*(const volatile typeof(x) *)&(x))

#endif
