// SPDX-License-Identifier: GPL-2.0-or-later
/* Sleeping and sleeping locks. Who wakes a queue wakes all of its sleepers; they look again. */
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>
#include <linux/percpu-rwsem.h>
#include <linux/pagemap.h>
#include "sim_linux.h"
#include "sim_page.h"

static unsigned long sleepers;	/* a bit for each thread that waits to be woken */

static unsigned long my_bit(void)
{
	return 1UL << sim_self();
}

void instead_of_prepare_to_wait(struct wait_queue_head *head, struct wait_queue_entry *entry, int state)
{
	sim_or(&sleepers, 8, my_bit());
}

bool instead_of_prepare_to_wait_exclusive(struct wait_queue_head *head, struct wait_queue_entry *entry,
				     int state)
{
	return !(sim_or(&sleepers, 8, my_bit()) & ~my_bit());
}

long instead_of_prepare_to_wait_event(struct wait_queue_head *head, struct wait_queue_entry *entry,
				 int state)
{
	sim_or(&sleepers, 8, my_bit());
	return 0;
}

void instead_of_finish_wait(struct wait_queue_head *head, struct wait_queue_entry *entry)
{
	sim_and(&sleepers, 8, ~my_bit());
}

void instead_of_schedule(void)
{
	sim_serve_commit();
	sim_wait(&sleepers, my_bit(), 0);
}

void instead_of_io_schedule(void)
{
	sim_wait(&sleepers, my_bit(), 0);
}

int instead_of__cond_resched(void)
{
	return 0;
}

int instead_of___wake_up(struct wait_queue_head *head, unsigned int mode, int nr, void *key)
{
	return sim_swap(&sleepers, 8, 0) != 0;
}

void instead_of_wake_up_bit(void *word, int bit)
{
	sim_swap(&sleepers, 8, 0);
}

int instead_of_wake_up_process(struct task_struct *task)
{
	return 0;
}

void sim_wait_for_bit(unsigned long *word, int bit)
{
	for (;;) {
		sim_or(&sleepers, 8, my_bit());
		if (!test_bit(bit, word))
			break;
		sim_wait(&sleepers, my_bit(), 0);
	}
	sim_and(&sleepers, 8, ~my_bit());
}

int instead_of_wait_on_bit(unsigned long *word, int bit, unsigned int mode)
{
	sim_wait_for_bit(word, bit);
	return 0;
}

int instead_of_wait_on_bit_io(unsigned long *word, int bit, unsigned int mode)
{
	sim_wait_for_bit(word, bit);
	return 0;
}

void instead_of___wait_on_buffer(struct buffer_head *bh)
{
	sim_wait_for_bit(&bh->b_state, BH_Lock);
}

/* Who clears a page's bit wakes nobody where the page does not say that somebody waits. */
void sim_wait_for_page(struct page *page, int bit)
{
	for (;;) {
		sim_or(&sleepers, 8, my_bit());
		set_bit(PG_waiters, sim_page_flags(page));
		if (!test_bit(bit, sim_page_flags(page)))
			break;
		sim_wait(&sleepers, my_bit(), 0);
	}
	sim_and(&sleepers, 8, ~my_bit());
}

void instead_of_wait_on_page_bit(struct page *page, int bit)
{
	sim_wait_for_page(page, bit);
}

void instead_of_wake_up_page_bit(struct page *page, int bit)
{
	sim_swap(&sleepers, 8, 0);
}

/* Bit locks: nobody spins. */
void instead_of_bit_spin_lock(int bit, unsigned long *word)
{
	sim_acquire(word, 1UL << bit);
	sim_lock_taken(SIM_BIT_LOCK(word, bit), "a bit lock", 0);
}

void instead_of_bit_spin_unlock(int bit, unsigned long *word)
{
	sim_lock_dropped(SIM_BIT_LOCK(word, bit));
	if (!(sim_and(word, 8, ~(1UL << bit)) & 1UL << bit))
		sim_fail("unbalanced lock", "a bit lock is released that nobody holds");
}

void sim_lock_page(struct page *page)
{
	sim_acquire(sim_page_flags(page), 1UL << PG_locked);
	sim_lock_taken(SIM_LOCK(page), "a page lock", 0);
}

bool sim_try_page(struct page *page)
{
	bool taken = !(sim_or(sim_page_flags(page), 8, 1UL << PG_locked) & 1UL << PG_locked);

	if (taken)
		sim_lock_taken(SIM_LOCK(page), "a page lock", SIM_TRIED);
	return taken;
}

void sim_unlock_page(struct page *page)
{
	sim_lock_dropped(SIM_LOCK(page));
	if (!(sim_and(sim_page_flags(page), 8, ~(1UL << PG_locked)) & 1UL << PG_locked))
		sim_fail("unbalanced lock", "a page is unlocked that is not locked");
}

void instead_of___lock_page(struct page *page)
{
	sim_lock_page(page);
}

void instead_of_lock_page(struct page *page)
{
	sim_lock_page(page);
}

#ifdef SIM_TRYLOCK_BOOL
bool instead_of_trylock_page(struct page *page)
#else
int instead_of_trylock_page(struct page *page)
#endif
{
	return sim_try_page(page);
}

void instead_of_unlock_page(struct page *page)
{
	sim_unlock_page(page);
}

void instead_of_lock_buffer(struct buffer_head *bh)
{
	sim_acquire(&bh->b_state, 1UL << BH_Lock);
}

void instead_of_unlock_buffer(struct buffer_head *bh)
{
	if (!(sim_and(&bh->b_state, 8, ~(1UL << BH_Lock)) & 1UL << BH_Lock))
		sim_fail("unbalanced lock", "a buffer is unlocked that is not locked");
	sim_swap(&sleepers, 8, 0);
}

void instead_of___mutex_init(struct mutex *lock, const char *name, struct lock_class_key *key)
{
	sim_fill(lock, 0, sizeof(*lock));
}

void instead_of_mutex_lock(struct mutex *lock)
{
	sim_acquire(lock, 1);
	sim_lock_taken(SIM_LOCK(lock), "a mutex", 0);
}

void instead_of_mutex_lock_io(struct mutex *lock)
{
	instead_of_mutex_lock(lock);
}

void instead_of_mutex_unlock(struct mutex *lock)
{
	sim_lock_dropped(SIM_LOCK(lock));
	if (!sim_swap(lock, 8, 0))
		sim_fail("unbalanced lock", "a mutex is released that nobody holds");
}

/* A word: the number of readers, or the highest bit for a writer. */
#define WRITER	(1UL << 63)

static void take_read(void *word)
{
	for (;;) {
		unsigned long seen = *(volatile unsigned long *)word;

		if (!(seen & WRITER) && sim_cmpxchg(word, 8, seen, seen + 1) == seen)
			break;
		sim_wait(word, WRITER, 0);
	}
	/* Readers wait behind a writer that waits, so one more reader of the same may wait for ever. */
	sim_lock_taken(SIM_LOCK(word), "a semaphore", 0);
}

static void drop_read(void *word)
{
	sim_lock_dropped(SIM_LOCK(word));
	if (sim_add(word, 8, -1UL) & WRITER)
		sim_fail("unbalanced lock", "a semaphore is released that no reader holds");
}

void instead_of___init_rwsem(struct rw_semaphore *sem, const char *name, struct lock_class_key *key)
{
	sim_fill(sem, 0, sizeof(*sem));
}

void instead_of_down_read(struct rw_semaphore *sem)
{
	take_read(sem);
}

void instead_of_up_read(struct rw_semaphore *sem)
{
	drop_read(sem);
}

static void take_write(void *word)
{
	sim_acquire(word, ~0UL);
	sim_lock_taken(SIM_LOCK(word), "a semaphore", 0);
}

static void drop_write(void *word)
{
	sim_lock_dropped(SIM_LOCK(word));
	if (!sim_swap(word, 8, 0))
		sim_fail("unbalanced lock", "a semaphore is released that nobody holds");
}

void instead_of_down_write(struct rw_semaphore *sem)
{
	take_write(sem);
}

void instead_of_up_write(struct rw_semaphore *sem)
{
	drop_write(sem);
}

void instead_of_percpu_down_read(struct percpu_rw_semaphore *sem)
{
	take_read(sem);
}

void instead_of_percpu_up_read(struct percpu_rw_semaphore *sem)
{
	drop_read(sem);
}

void instead_of_percpu_down_write(struct percpu_rw_semaphore *sem)
{
	take_write(sem);
}

void instead_of_percpu_up_write(struct percpu_rw_semaphore *sem)
{
	drop_write(sem);
}

bool instead_of_mutex_is_locked(struct mutex *lock)
{
	return *(volatile unsigned long *)lock & 1;
}

int instead_of_mutex_trylock(struct mutex *lock)
{
	int taken = !(sim_or(lock, 8, 1) & 1);

	if (taken)
		sim_lock_taken(SIM_LOCK(lock), "a mutex", SIM_TRIED);
	return taken;
}

int instead_of___cond_resched_lock(spinlock_t *lock)
{
	return 0;
}

void sim_wake_all(void)
{
	sim_swap(&sleepers, 8, 0);
}
