/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_STAT_H
#define _ASM_STAT_H

#include <asm-generic/stat.h>

#endif
