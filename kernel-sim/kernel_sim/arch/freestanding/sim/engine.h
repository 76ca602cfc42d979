/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every engine supplies, for the model and for the headers of the simulator's architecture
 * (kernel_sim/ir.py, INTRINSICS, says what each one means). Sizes are in bytes; a word may be of
 * any type that has the size.
 */
#ifndef _SIM_ENGINE_H
#define _SIM_ENGINE_H

void *sim_alloc(unsigned long size);
void sim_free(const void *object);
int sim_thread(const char *name, void (*function)(void *), void *argument, int daemon);
int sim_self(void);
void sim_acquire(volatile void *word, unsigned long mask);
void sim_wait(const volatile void *word, unsigned long mask, unsigned long want);
void sim_wait32(const volatile void *word, unsigned int mask, unsigned int want);
unsigned long sim_swap(volatile void *address, unsigned long size, unsigned long value);
unsigned long sim_cmpxchg(volatile void *address, unsigned long size, unsigned long old,
			  unsigned long value);
unsigned long sim_add(volatile void *address, unsigned long size, unsigned long delta);
unsigned long sim_or(volatile void *address, unsigned long size, unsigned long mask);
unsigned long sim_and(volatile void *address, unsigned long size, unsigned long mask);
void sim_copy(void *to, const void *from, unsigned long size);
void sim_fill(void *to, int byte, unsigned long size);
int sim_compare(const void *a, const void *b, unsigned long size);
unsigned int sim_crc32c(unsigned int crc, const void *data, unsigned long size);
int sim_choose(int values);
void sim_fail(const char *kind, const char *text);
void sim_inconclusive(const char *reason);
void sim_note(const char *text, unsigned long value);

#endif
