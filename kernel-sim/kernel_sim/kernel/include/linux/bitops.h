/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single bits of a word; the bodies are primitives. */
#ifndef _LINUX_BITOPS_H
#define _LINUX_BITOPS_H

#include <linux/types.h>

void set_bit(unsigned int nr, unsigned long *word);
void clear_bit(unsigned int nr, unsigned long *word);
bool test_bit(unsigned int nr, const unsigned long *word);
bool test_and_set_bit(unsigned int nr, unsigned long *word);
bool test_and_clear_bit(unsigned int nr, unsigned long *word);

#endif
