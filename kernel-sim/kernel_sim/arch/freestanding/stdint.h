/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _SIM_STDINT_H
#define _SIM_STDINT_H
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef long intptr_t;
typedef unsigned long uintptr_t;
#define SIZE_MAX 0xffffffffffffffffUL
#define UINT32_MAX 0xffffffffU
#define UINT64_MAX 0xffffffffffffffffUL
#define INT32_MAX 0x7fffffff
#define INT64_MAX 0x7fffffffffffffffL
#endif
