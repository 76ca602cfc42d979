/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Atomic counters: each operation is one access of the engine. */
#ifndef _ASM_ATOMIC_H
#define _ASM_ATOMIC_H

#include <linux/types.h>
#include <asm/cmpxchg.h>
#include <asm/barrier.h>

#define ARCH_ATOMIC
#ifndef ATOMIC_INIT
#define ATOMIC_INIT(i) { (i) }
#endif
#define ATOMIC64_INIT(i) { (i) }

#define arch_atomic_read(v) READ_ONCE((v)->counter)
#define arch_atomic_set(v, i) WRITE_ONCE((v)->counter, (i))
#define arch_atomic64_read(v) READ_ONCE((v)->counter)
#define arch_atomic64_set(v, i) WRITE_ONCE((v)->counter, (i))

#define SIM_ATOMIC(name, atom, type)							\
static inline void arch_##name##_add(type i, atom *v)					\
{ sim_add(&v->counter, sizeof(v->counter), (unsigned long)i); }				\
static inline void arch_##name##_sub(type i, atom *v)					\
{ sim_add(&v->counter, sizeof(v->counter), -(unsigned long)i); }			\
static inline type arch_##name##_add_return(type i, atom *v)				\
{ return (type)sim_add(&v->counter, sizeof(v->counter), (unsigned long)i); }		\
static inline type arch_##name##_sub_return(type i, atom *v)				\
{ return (type)sim_add(&v->counter, sizeof(v->counter), -(unsigned long)i); }		\
static inline type arch_##name##_fetch_add(type i, atom *v)				\
{ return (type)(sim_add(&v->counter, sizeof(v->counter), (unsigned long)i)		\
		- (unsigned long)i); }							\
static inline type arch_##name##_fetch_sub(type i, atom *v)				\
{ return (type)(sim_add(&v->counter, sizeof(v->counter), -(unsigned long)i)		\
		+ (unsigned long)i); }							\
static inline void arch_##name##_and(type i, atom *v)					\
{ sim_and(&v->counter, sizeof(v->counter), (unsigned long)i); }				\
static inline void arch_##name##_or(type i, atom *v)					\
{ sim_or(&v->counter, sizeof(v->counter), (unsigned long)i); }				\
static inline type arch_##name##_fetch_and(type i, atom *v)				\
{ return (type)sim_and(&v->counter, sizeof(v->counter), (unsigned long)i); }		\
static inline type arch_##name##_fetch_or(type i, atom *v)				\
{ return (type)sim_or(&v->counter, sizeof(v->counter), (unsigned long)i); }		\
static inline type arch_##name##_fetch_xor(type i, atom *v)				\
{											\
	type old = v->counter, seen;							\
											\
	while ((seen = (type)sim_cmpxchg(&v->counter, sizeof(v->counter),		\
			(unsigned long)old, (unsigned long)(old ^ i))) != old)		\
		old = seen;								\
	return old;									\
}											\
static inline void arch_##name##_xor(type i, atom *v)					\
{ arch_##name##_fetch_xor(i, v); }							\
static inline type arch_##name##_xchg(atom *v, type value)				\
{ return (type)sim_swap(&v->counter, sizeof(v->counter), (unsigned long)value); }	\
static inline type arch_##name##_cmpxchg(atom *v, type old, type value)			\
{ return (type)sim_cmpxchg(&v->counter, sizeof(v->counter), (unsigned long)old,		\
			   (unsigned long)value); }

SIM_ATOMIC(atomic, atomic_t, int)
SIM_ATOMIC(atomic64, atomic64_t, long)

#define arch_atomic_add arch_atomic_add
#define arch_atomic_sub arch_atomic_sub
#define arch_atomic_and arch_atomic_and
#define arch_atomic_or arch_atomic_or
#define arch_atomic_xor arch_atomic_xor
#define arch_atomic_add_return arch_atomic_add_return
#define arch_atomic_sub_return arch_atomic_sub_return
#define arch_atomic_fetch_add arch_atomic_fetch_add
#define arch_atomic_fetch_sub arch_atomic_fetch_sub
#define arch_atomic_fetch_and arch_atomic_fetch_and
#define arch_atomic_fetch_or arch_atomic_fetch_or
#define arch_atomic_fetch_xor arch_atomic_fetch_xor
#define arch_atomic_xchg arch_atomic_xchg
#define arch_atomic_cmpxchg arch_atomic_cmpxchg
#define arch_atomic64_add arch_atomic64_add
#define arch_atomic64_sub arch_atomic64_sub
#define arch_atomic64_and arch_atomic64_and
#define arch_atomic64_or arch_atomic64_or
#define arch_atomic64_xor arch_atomic64_xor
#define arch_atomic64_add_return arch_atomic64_add_return
#define arch_atomic64_sub_return arch_atomic64_sub_return
#define arch_atomic64_fetch_add arch_atomic64_fetch_add
#define arch_atomic64_fetch_sub arch_atomic64_fetch_sub
#define arch_atomic64_fetch_and arch_atomic64_fetch_and
#define arch_atomic64_fetch_or arch_atomic64_fetch_or
#define arch_atomic64_fetch_xor arch_atomic64_fetch_xor
#define arch_atomic64_xchg arch_atomic64_xchg
#define arch_atomic64_cmpxchg arch_atomic64_cmpxchg

#endif
