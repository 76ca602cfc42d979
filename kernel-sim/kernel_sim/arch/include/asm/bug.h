/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_BUG_H
#define _ASM_BUG_H

#define HAVE_ARCH_BUG
#define BUG() sim_fail("BUG", SIM_HERE)

#include <asm-generic/bug.h>

#endif
