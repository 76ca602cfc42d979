/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_CURRENT_H
#define _ASM_CURRENT_H

struct task_struct;
#define get_current() sim_current()
#define current get_current()

#endif
