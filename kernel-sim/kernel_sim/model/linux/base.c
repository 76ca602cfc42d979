// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel around the file system, in terms of what an engine supplies: tasks, memory, messages,
 * time. A function instead_of_NAME stands in for the tree's NAME, wherever that is called.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/mm.h>
#include <linux/jiffies.h>
#include <linux/kern_levels.h>
#include <linux/ktime.h>
#include <linux/xarray.h>
#include "sim_linux.h"

#define OF_BLOCKS	(1UL << 63)

static struct task_struct tasks[SIM_THREADS];

unsigned long volatile jiffies = 300 * HZ;

struct task_struct *sim_current(void)
{
	return &tasks[sim_self()];
}

unsigned long sim_cpu_offset(unsigned int cpu)
{
	return 0;
}

unsigned long sim_irq_save(void)
{
	return 0;
}

void sim_irq_restore(unsigned long flags)
{
}

unsigned long sim_irq_flags(void)
{
	return 0;
}

void sim_relax(void)
{
	sim_inconclusive("a busy loop");
}

void *instead_of___kmalloc(size_t size, gfp_t flags)
{
	return sim_alloc(size);
}

void *instead_of_kmalloc(size_t size, gfp_t flags)
{
	return sim_alloc(size);
}

void *sim_from_cache(struct kmem_cache *cache)
{
	if (!cache)
		sim_inconclusive("a cache that nobody has made");
	if ((unsigned long)cache & OF_BLOCKS)
		return page_address(sim_new_page());
	return sim_alloc((unsigned long)cache);
}

void *instead_of_kmem_cache_alloc(struct kmem_cache *cache, gfp_t flags)
{
	return sim_from_cache(cache);
}

/* A cache is nothing but the size of its objects, and whether they are blocks for a device to read. */
struct kmem_cache *sim_cache(size_t size)
{
	return (struct kmem_cache *)size;
}

struct kmem_cache *sim_cache_aligned(size_t size, size_t align)
{
	return (struct kmem_cache *)(align >= 1UL << SECTOR_SHIFT ? size | OF_BLOCKS : size);
}

void instead_of_kmem_cache_free(struct kmem_cache *cache, void *object)
{
	if (!((unsigned long)cache & OF_BLOCKS))
		sim_free(object);
}

void instead_of_kfree(const void *object)
{
	sim_free(object);
}

void instead_of_kvfree(const void *object)
{
	sim_free(object);
}

int instead_of_printk(const char *format, ...)
{
	sim_message(format);
	return 0;
}

int instead_of__printk(const char *format, ...)
{
	sim_message(format);
	return 0;
}

/* What the kernel says, after its level, is looked at: some messages are failures. */
void sim_message(const char *format)
{
	if (format[0] == KERN_SOH_ASCII && format[1])
		format += 2;
	sim_note(format, 0);
	if (sim_holds(format, "Spotted dirty metadata buffer"))
		sim_fail("message", format);
}

int sim_holds(const char *text, const char *part)
{
	int i;

	for (; *text; text++) {
		for (i = 0; part[i] && text[i] == part[i]; i++)
			;
		if (!part[i])
			return 1;
	}
	return 0;
}

ktime_t instead_of_ktime_get(void)
{
	return 0;
}

void instead_of___warn_printk(const char *format, ...)
{
	sim_note(format, 0);
}

struct kmem_cache *radix_tree_node_cachep;

/* What the kernel's own start would have set up. */
void sim_start(void)
{
	radix_tree_node_cachep = sim_cache(sizeof(struct xa_node));
}

void instead_of_warn_slowpath_fmt(const char *file, const int line, unsigned int taint, const char *format, ...)
{
	sim_fail("warning", file);
}

void instead_of_panic(const char *format, ...)
{
	sim_fail("panic", format);
}
