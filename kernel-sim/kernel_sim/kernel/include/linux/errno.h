/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few error numbers that the model returns, and errors carried in pointers. */
#ifndef _LINUX_ERRNO_H
#define _LINUX_ERRNO_H

#define EIO		5
#define ENOMEM		12
#define EFAULT		14
#define EINVAL		22
#define ENOSPC		28
#define EROFS		30
#define EFSBADCRC	74

#define IS_ERR(ptr)	((unsigned long)(ptr) >= (unsigned long)-4095L)
#define ERR_PTR(err)	((void *)(long)(err))
#define PTR_ERR(ptr)	((int)(long)(ptr))

#endif
