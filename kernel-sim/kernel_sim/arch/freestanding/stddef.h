/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SIM_STDDEF_H
#define _SIM_STDDEF_H
typedef unsigned long size_t;
typedef long ptrdiff_t;
#define NULL ((void *)0)
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
