// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything that an engine supplies: locks, bits, waiting, memory, the disk.
 * These versions know a single thread. A task that would have to wait calls
 * model_block(), and every transfer calls a hook first, so that a test can
 * slip another task in between.
 *
 * The C library's headers would pick up our include/linux, hence the
 * declarations by hand.
 */
#include <stdarg.h>
#include <linux/buffer_head.h>
#include <linux/pagemap.h>

void *calloc(size_t n, size_t size);
void free(void *mem);
void exit(int status) __attribute__((noreturn));
int vprintf(const char *fmt, va_list args);

static struct task_struct init_task = { .comm = "init" };
struct task_struct *current = &init_task;
void (*model_block_hook)(const char *what);
void (*model_io_hook)(int op, struct buffer_head *bh);

int printk(const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vprintf(fmt, args);
	va_end(args);
	return n;
}

void model_bug(const char *what, const char *file, int line)
{
	printk("BUG: %s at %s:%d\n", what, file, line);
	exit(70);
}

void model_warn(const char *what, const char *file, int line)
{
	printk("WARNING: %s at %s:%d\n", what, file, line);
}

void *kzalloc(size_t size)
{
	void *mem = calloc(1, size);

	BUG_ON(!mem);
	return mem;
}

void kfree(const void *mem)
{
	free((void *)mem);
}

void model_block(const char *what)
{
	if (model_block_hook)
		model_block_hook(what);
	printk("%s waits for ever: %s\n", current->comm, what);
	exit(71);
}

void wake_up(wait_queue_head_t *wq)
{
}

void wait_on_bit(const unsigned long *word, unsigned int bit)
{
	while (test_bit(bit, word))
		model_block("bit");
}

void wake_up_bit(const unsigned long *word, unsigned int bit)
{
}

void set_bit(unsigned int nr, unsigned long *word)
{
	*word |= 1UL << nr;
}

void clear_bit(unsigned int nr, unsigned long *word)
{
	*word &= ~(1UL << nr);
}

bool test_bit(unsigned int nr, const unsigned long *word)
{
	return *word >> nr & 1;
}

bool test_and_set_bit(unsigned int nr, unsigned long *word)
{
	bool old = test_bit(nr, word);

	set_bit(nr, word);
	return old;
}

bool test_and_clear_bit(unsigned int nr, unsigned long *word)
{
	bool old = test_bit(nr, word);

	clear_bit(nr, word);
	return old;
}

void spin_lock_init(spinlock_t *lock)
{
	lock->owner = NULL;
}

void spin_lock(spinlock_t *lock)
{
	while (lock->owner)
		model_block("lock");
	lock->owner = current;
}

void spin_unlock(spinlock_t *lock)
{
	BUG_ON(lock->owner != current);
	lock->owner = NULL;
}

void lock_page(struct page *page)
{
	while (TestSetPageLocked(page))
		model_block("page lock");
}

void unlock_page(struct page *page)
{
	BUG_ON(!PageLocked(page));
	ClearPageLocked(page);
}

void lock_buffer(struct buffer_head *bh)
{
	while (test_set_buffer_locked(bh))
		model_block("buffer lock");
}

void unlock_buffer(struct buffer_head *bh)
{
	BUG_ON(!buffer_locked(bh));
	clear_buffer_locked(bh);
}

/* The transfer happens at once; the bytes that count are those of this moment. */
void submit_bh(int op, struct buffer_head *bh)
{
	u8 *block = bh->b_bdev->bd_data + bh->b_blocknr * bh->b_size;

	BUG_ON(!buffer_locked(bh) || bh->b_blocknr >= bh->b_bdev->bd_nr_blocks);
	if (model_io_hook)
		model_io_hook(op, bh);
	if (op == REQ_OP_WRITE)
		memcpy(block, bh->b_data, bh->b_size);
	else
		memcpy(bh->b_data, block, bh->b_size);
	bh->b_end_io(bh, 1);
}
