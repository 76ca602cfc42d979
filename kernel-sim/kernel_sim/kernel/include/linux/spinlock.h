/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks. Read-write locks are exclusive in the model; that only removes parallel readers. */
#ifndef _LINUX_SPINLOCK_H
#define _LINUX_SPINLOCK_H

#include <linux/kernel.h>

typedef struct {
	struct task_struct *owner;
} spinlock_t;

typedef spinlock_t rwlock_t;

struct rw_semaphore {
	spinlock_t excl;
};

void spin_lock_init(spinlock_t *lock);
void spin_lock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);

#define rwlock_init(lock)	spin_lock_init(lock)
#define read_lock(lock)		spin_lock(lock)
#define read_unlock(lock)	spin_unlock(lock)
#define write_lock(lock)	spin_lock(lock)
#define write_unlock(lock)	spin_unlock(lock)

#define init_rwsem(sem)		spin_lock_init(&(sem)->excl)
#define down_read(sem)		spin_lock(&(sem)->excl)
#define up_read(sem)		spin_unlock(&(sem)->excl)
#define down_write(sem)		spin_lock(&(sem)->excl)
#define up_write(sem)		spin_unlock(&(sem)->excl)

#endif
