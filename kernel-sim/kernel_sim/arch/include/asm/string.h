/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_STRING_H
#define _ASM_STRING_H


#endif
