// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bundled tree's lib/primitives.c for many threads: locks, bits, waiting and memory in terms of
 * what an engine supplies. Functions here stand in for the tree's of the same name.
 */
#include <linux/buffer_head.h>
#include <linux/pagemap.h>
#include "kit.h"

#define BIT_QUEUES	8

struct sim_task {
	struct task_struct task;
	unsigned long *queue;	/* registered among its sleepers before a condition is looked at */
};

static struct sim_task tasks[THREADS];
/* A bit for each thread that waits to be woken: for an event, or for a bit of a word. */
static unsigned long sleepers;
static unsigned long bit_sleepers[BIT_QUEUES];

struct task_struct *sim_current(void)
{
	return &tasks[sim_self()].task;
}

static struct sim_task *self(void)
{
	return &tasks[sim_self()];
}

/* What the tree says where something is wrong that it cannot be told of in another way. */
static const char *const complaints[] = {
	"Spotted dirty metadata buffer",
	"cannot write the data of an inode",
	"error in the data of an inode",
};

static bool has_text(const char *text, const char *part)
{
	size_t i;

	for (; *text; text++) {
		for (i = 0; part[i] && text[i] == part[i]; i++)
			;
		if (!part[i])
			return true;
	}
	return false;
}

int printk(const char *fmt, ...)
{
	size_t i;

	sim_note(fmt, 0);
	for (i = 0; i < sizeof(complaints) / sizeof(*complaints); i++)
		if (has_text(fmt, complaints[i]))
			sim_fail("warning", complaints[i]);
	return 0;
}

void model_bug(const char *what, const char *file, int line)
{
	sim_fail("assertion", what);
}

void model_warn(const char *what, const char *file, int line)
{
	sim_fail("warning", what);
}

void *kzalloc(size_t size)
{
	return sim_alloc(size);
}

void kfree(const void *mem)
{
	sim_free(mem);
}

/*
 * Called in a loop, as long as a condition does not hold. The first call puts the thread among the
 * sleepers and has the condition looked at once more; the next one sleeps until somebody wakes
 * them: a thread that was not meant looks and sleeps again.
 */
static void sleep_on(unsigned long *queue)
{
	unsigned long bit = 1UL << sim_self();

	if (self()->queue != queue) {
		self()->queue = queue;
		sim_or(queue, sizeof(*queue), bit);
		return;
	}
	sim_wait(queue, bit, 0);
	self()->queue = NULL;
}

/*
 * The tree's wait_event() does not say which queue it means, so that what wakes one wakes them all:
 * a wake-up that is missing is not seen where another one follows.
 */
void model_block(const char *what)
{
	sleep_on(&sleepers);
}

void wake_up(wait_queue_head_t *wq)
{
	sim_swap(&sleepers, sizeof(sleepers), 0);
}

static unsigned long *bit_queue(const unsigned long *word)
{
	return &bit_sleepers[((unsigned long)word >> 4) % BIT_QUEUES];
}

void wait_on_bit(const unsigned long *word, unsigned int bit)
{
	while (test_bit(bit, word))
		sleep_on(bit_queue(word));
}

void wake_up_bit(const unsigned long *word, unsigned int bit)
{
	sim_swap(bit_queue(word), sizeof(unsigned long), 0);
}

void set_bit(unsigned int nr, unsigned long *word)
{
	sim_or(word, sizeof(*word), 1UL << nr);
}

void clear_bit(unsigned int nr, unsigned long *word)
{
	sim_and(word, sizeof(*word), ~(1UL << nr));
}

bool test_bit(unsigned int nr, const unsigned long *word)
{
	return *word >> nr & 1;
}

bool test_and_set_bit(unsigned int nr, unsigned long *word)
{
	return sim_or(word, sizeof(*word), 1UL << nr) >> nr & 1;
}

bool test_and_clear_bit(unsigned int nr, unsigned long *word)
{
	return sim_and(word, sizeof(*word), ~(1UL << nr)) >> nr & 1;
}

void spin_lock_init(spinlock_t *lock)
{
	lock->owner = NULL;
}

void spin_lock(spinlock_t *lock)
{
	sim_acquire(&lock->owner, ALL);
	lock_taken(class_of(lock));
}

void spin_unlock(spinlock_t *lock)
{
	if (!sim_swap(&lock->owner, sizeof(lock->owner), 0))
		sim_fail("unbalanced lock", "a lock is released that nobody holds");
	lock_dropped(class_of(lock));
}

void lock_page(struct page *page)
{
	sim_acquire(&page->flags, 1UL << PG_locked);
	lock_taken(CLASS_PAGE);
}

void unlock_page(struct page *page)
{
	if (!TestClearPageLocked(page))
		sim_fail("unbalanced lock", "a page is unlocked that is not locked");
	lock_dropped(CLASS_PAGE);
}

void lock_buffer(struct buffer_head *bh)
{
	sim_acquire(&bh->b_state, 1UL << BH_Lock);
}

void unlock_buffer(struct buffer_head *bh)
{
	if (!test_clear_buffer_locked(bh))
		sim_fail("unbalanced lock", "a buffer is unlocked that is not locked");
}

u32 crc32c(u32 crc, const void *data, size_t n)
{
	return sim_crc32c(crc, data, n);
}
