/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sleeping until something holds. */
#ifndef _LINUX_WAIT_H
#define _LINUX_WAIT_H

#include <linux/bitops.h>

typedef struct {
	int unused;
} wait_queue_head_t;

/*
 * Called when the running task cannot go on until another one acts. Without
 * other tasks (and without a hook) this ends the program.
 */
void model_block(const char *what);
extern void (*model_block_hook)(const char *what);

#define wait_event(wq, cond) \
	do { while (!(cond)) model_block(#cond); } while (0)

void wake_up(wait_queue_head_t *wq);
void wait_on_bit(const unsigned long *word, unsigned int bit);
void wake_up_bit(const unsigned long *word, unsigned int bit);

#endif
