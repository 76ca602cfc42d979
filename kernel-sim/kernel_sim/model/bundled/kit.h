/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this kit have between them. */
#ifndef _BUNDLED_KIT_H
#define _BUNDLED_KIT_H

#include <linux/jbd2.h>
#include <sim/scenario.h>
#include "fs/ext4/ext4.h"

#define THREADS		16
#define ALL		(~0UL)
#define FILES		4
#define DISK_BLOCKS	(EXT4_FIRST_DATA_BLOCK + EXT4_FILE_BLOCKS)

/* Classes of locks, for their order. A buffer's journal lock is what no other class is. */
enum lock_class {
	CLASS_BUFFER_STATE,
	CLASS_PAGE,
	CLASS_HANDLE,
	CLASS_JOURNAL_STATE,
	CLASS_JOURNAL_LIST,
	CLASS_INODE,
	CLASS_MAPPING,
	CLASS_COMMIT,
	CLASSES,
};

/* order.c: which class of lock a thread took while it held which other one */
void lock_named(const void *lock, enum lock_class class);
enum lock_class class_of(const void *lock);
void lock_taken(enum lock_class class);
void lock_dropped(enum lock_class class);
const char *lock_held(void);	/* by the running thread; NULL for none */
void compare_lock_orders(void);

/* disk.c */
void disk_attach(struct block_device *bdev, int settings);
bool disk_snapshot(struct block_device *copy, sector_t data_blocks);
int disk_home_is(sector_t block, const u8 *bytes);

#endif
