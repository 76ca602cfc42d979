/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_SHMPARAM_H
#define _ASM_SHMPARAM_H

#define SHMLBA 4096UL

#endif
