/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of this model have in common. */
#ifndef _SIM_LINUX_H
#define _SIM_LINUX_H

#include <linux/types.h>
#include <linux/fs.h>
#include <linux/buffer_head.h>
#include <linux/jbd2.h>

#define SIM_THREADS	16
#define SIM_PAGES	64

struct kmem_cache *sim_cache(size_t size);
void sim_message(const char *format);
int sim_holds(const char *text, const char *part);
struct page *sim_new_page(void);
void sim_start(void);
void sim_lock_page(struct page *page);
bool sim_try_page(struct page *page);
void sim_unlock_page(struct page *page);
int sim_write_protect(struct page *page);
void sim_wake_all(void);
void sim_name_lock(const volatile void *lock, const char *name);
void sim_wait_for_bit(unsigned long *word, int bit);
void sim_add_device(struct block_device *bdev, unsigned char **disk, unsigned long first);

/* The disk: its blocks in memory, as they would be found after the power was cut. */
extern unsigned char *sim_disk;
#define SIM_BLOCKS	160	/* of the file system's block size */

#endif
