/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_CPUFEATURE_H
#define _ASM_CPUFEATURE_H

#define MAX_CPU_FEATURES 0
#define cpu_have_feature(number) 0

#endif
