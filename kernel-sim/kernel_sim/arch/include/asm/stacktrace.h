/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_STACKTRACE_H
#define _ASM_STACKTRACE_H


#endif
