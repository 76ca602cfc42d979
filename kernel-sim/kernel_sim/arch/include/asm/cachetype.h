/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_CACHETYPE_H
#define _ASM_CACHETYPE_H

#define cpu_dcache_is_aliasing() false
#define cpu_icache_is_aliasing() false

#endif
