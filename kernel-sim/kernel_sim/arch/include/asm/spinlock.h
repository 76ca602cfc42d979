/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks: the engine knows who waits for what, so nobody spins. */
#ifndef _ASM_SPINLOCK_H
#define _ASM_SPINLOCK_H

#include <asm/spinlock_types.h>
#include <asm/processor.h>

#define SIM_WRITER (1UL << 63)

static inline void arch_spin_lock(arch_spinlock_t *lock)
{
	sim_acquire(&lock->word, 1);
	sim_lock_taken(SIM_LOCK(lock), "a spinlock", 0);
}
#define arch_spin_lock_flags(lock, flags) arch_spin_lock(lock)

static inline int arch_spin_trylock(arch_spinlock_t *lock)
{
	int taken = sim_swap(&lock->word, 8, 1) == 0;

	if (taken)
		sim_lock_taken(SIM_LOCK(lock), "a spinlock", SIM_TRIED);
	return taken;
}

static inline void arch_spin_unlock(arch_spinlock_t *lock)
{
	sim_lock_dropped(SIM_LOCK(lock));
	if (sim_swap(&lock->word, 8, 0) == 0)
		sim_fail("bad unlock", "a spinlock that nobody holds");
}

#define arch_spin_is_locked(lock) (READ_ONCE((lock)->word) != 0)
#define arch_spin_is_contended(lock) 0
#define arch_spin_value_unlocked(lock) ((lock).word == 0)

static inline void arch_write_lock(arch_rwlock_t *lock)
{
	sim_acquire(&lock->word, ~0UL);
	sim_lock_taken(SIM_LOCK(lock), "a rwlock", 0);
}

static inline int arch_write_trylock(arch_rwlock_t *lock)
{
	int taken = sim_cmpxchg(&lock->word, 8, 0, ~0UL) == 0;

	if (taken)
		sim_lock_taken(SIM_LOCK(lock), "a rwlock", SIM_TRIED);
	return taken;
}

static inline void arch_write_unlock(arch_rwlock_t *lock)
{
	sim_lock_dropped(SIM_LOCK(lock));
	if (sim_swap(&lock->word, 8, 0) != ~0UL)
		sim_fail("bad unlock", "a rwlock that no writer holds");
}

static inline int sim_read_trylock(arch_rwlock_t *lock)
{
	unsigned long seen = READ_ONCE(lock->word);

	return !(seen & SIM_WRITER) && sim_cmpxchg(&lock->word, 8, seen, seen + 1) == seen;
}

static inline int arch_read_trylock(arch_rwlock_t *lock)
{
	int taken = sim_read_trylock(lock);

	if (taken)
		sim_lock_taken(SIM_LOCK(lock), "a rwlock", SIM_SHARED | SIM_TRIED);
	return taken;
}

static inline void arch_read_lock(arch_rwlock_t *lock)
{
	while (!sim_read_trylock(lock))
		sim_wait(&lock->word, SIM_WRITER, 0);
	sim_lock_taken(SIM_LOCK(lock), "a rwlock", SIM_SHARED);
}

static inline void arch_read_unlock(arch_rwlock_t *lock)
{
	sim_lock_dropped(SIM_LOCK(lock));
	if ((sim_add(&lock->word, 8, ~0UL) & SIM_WRITER) != 0)
		sim_fail("bad unlock", "a rwlock that no reader holds");
}

#define arch_rwlock_is_contended(lock) 0

#endif
