/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bits of words: the atomic operations are one access each, the others plain C of the tree. */
#ifndef _ASM_BITOPS_H
#define _ASM_BITOPS_H

#ifndef _LINUX_BITOPS_H
#error only <linux/bitops.h> can be included directly
#endif

#include <linux/compiler.h>
#include <asm/barrier.h>
#include <asm-generic/bitops/__ffs.h>
#include <asm-generic/bitops/ffz.h>
#include <asm-generic/bitops/fls.h>
#include <asm-generic/bitops/__fls.h>
#include <asm-generic/bitops/fls64.h>
#include <asm-generic/bitops/ffs.h>
#include <asm-generic/bitops/sched.h>
#include <asm-generic/bitops/hweight.h>
#include <generated/sim-find.h>

#define SIM_WORD(nr, p) ((volatile unsigned long *)(p) + ((nr) >> 6))
#define SIM_BIT(nr) (1UL << ((nr) & 63))

static inline void set_bit(long nr, volatile unsigned long *p)
{
	sim_or(SIM_WORD(nr, p), 8, SIM_BIT(nr));
}

static inline void clear_bit(long nr, volatile unsigned long *p)
{
	sim_and(SIM_WORD(nr, p), 8, ~SIM_BIT(nr));
}

static inline bool test_and_set_bit(long nr, volatile unsigned long *p)
{
	return (sim_or(SIM_WORD(nr, p), 8, SIM_BIT(nr)) & SIM_BIT(nr)) != 0;
}

static inline bool test_and_clear_bit(long nr, volatile unsigned long *p)
{
	return (sim_and(SIM_WORD(nr, p), 8, ~SIM_BIT(nr)) & SIM_BIT(nr)) != 0;
}

static inline unsigned long sim_xor(volatile unsigned long *word, unsigned long mask)
{
	unsigned long old = *word, seen;

	while ((seen = sim_cmpxchg(word, 8, old, old ^ mask)) != old)
		old = seen;
	return old;
}

static inline void change_bit(long nr, volatile unsigned long *p)
{
	sim_xor(SIM_WORD(nr, p), SIM_BIT(nr));
}

static inline bool test_and_change_bit(long nr, volatile unsigned long *p)
{
	return (sim_xor(SIM_WORD(nr, p), SIM_BIT(nr)) & SIM_BIT(nr)) != 0;
}

static inline bool test_and_set_bit_lock(long nr, volatile unsigned long *p)
{
	return test_and_set_bit(nr, p);
}

static inline void clear_bit_unlock(long nr, volatile unsigned long *p)
{
	clear_bit(nr, p);
}

static inline void __clear_bit_unlock(long nr, volatile unsigned long *p)
{
	clear_bit(nr, p);
}

/* Whether bit 7 was set: PG_waiters. */
static inline bool clear_bit_unlock_is_negative_byte(long nr, volatile unsigned long *p)
{
	return (sim_and(p, 8, ~SIM_BIT(nr)) & SIM_BIT(7)) != 0;
}
#define clear_bit_unlock_is_negative_byte clear_bit_unlock_is_negative_byte

static inline bool xor_unlock_is_negative_byte(unsigned long mask, volatile unsigned long *p)
{
	return (sim_xor(p, mask) & SIM_BIT(7)) != 0;
}

#include <asm-generic/bitops/non-atomic.h>
#include <asm-generic/bitops/le.h>
#include <asm-generic/bitops/ext2-atomic-setbit.h>

#endif
