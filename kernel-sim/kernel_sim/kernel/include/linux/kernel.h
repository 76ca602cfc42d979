/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages, assertions, small helpers, and the task that is running. */
#ifndef _LINUX_KERNEL_H
#define _LINUX_KERNEL_H

#include <linux/types.h>
#include <linux/errno.h>

struct task_struct {
	const char *comm;
	void *journal_info;	/* handle that this task has open */
};

extern struct task_struct *current;

#define min(a, b)	((a) < (b) ? (a) : (b))
#define max(a, b)	((a) > (b) ? (a) : (b))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#define BUG_ON(cond) \
	do { if (cond) model_bug(#cond, __FILE__, __LINE__); } while (0)
#define WARN_ON(cond) \
	((cond) ? (model_warn(#cond, __FILE__, __LINE__), true) : false)

int printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void model_bug(const char *what, const char *file, int line);
void model_warn(const char *what, const char *file, int line);

void *kzalloc(size_t size);
void kfree(const void *mem);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
u32 crc32c(u32 crc, const void *data, size_t n);

#endif
