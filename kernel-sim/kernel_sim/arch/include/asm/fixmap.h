/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_FIXMAP_H
#define _ASM_FIXMAP_H

enum fixed_addresses { __end_of_fixed_addresses };
#define FIXADDR_SIZE 0UL
#define FIXADDR_START 0UL
#define FIXADDR_TOP 0UL

#endif
