/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User memory: the model kernel copies it, and may say that the last bytes are not there. */
#ifndef _ASM_UACCESS_H
#define _ASM_UACCESS_H

#include <linux/string.h>

#define INLINE_COPY_FROM_USER
#define INLINE_COPY_TO_USER

#ifdef SIM_SEGMENTS
/* Until 5.10: which addresses user accesses may have. */
typedef struct {
	unsigned long seg;
} mm_segment_t;
#define get_fs() USER_DS
#define set_fs(segment) ((void)(segment))
#define KERNEL_DS ((mm_segment_t) { ~0UL })
#define USER_DS ((mm_segment_t) { 0UL })
#define uaccess_kernel() 0
#endif

static inline unsigned long raw_copy_from_user(void *to, const void *from, unsigned long size)
{
	return sim_copy_user(to, from, size);
}

static inline unsigned long raw_copy_to_user(void *to, const void *from, unsigned long size)
{
	return sim_copy_user(to, from, size);
}

#define access_ok(address, size) ((void)(address), (void)(size), 1)

#define __get_user(x, p) \
	({ unsigned long __left = sim_copy_user((void *)&(x), (const void *)(p), sizeof(*(p))); \
	   __left ? -14 : 0; })
#define __put_user(x, p) \
	({ typeof(*(p)) __value = (x); \
	   sim_copy_user((void *)(p), &__value, sizeof(*(p))) ? -14 : 0; })
#define get_user(x, p) __get_user(x, p)
#define put_user(x, p) __put_user(x, p)

unsigned long clear_user(void *to, unsigned long size);
#define __clear_user(to, size) clear_user((to), (size))
long strncpy_from_user(char *to, const char *from, long count);
long strnlen_user(const char *text, long count);

#endif
