/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory barriers: nothing, since weak memory is not modelled. */
#ifndef _ASM_BARRIER_H
#define _ASM_BARRIER_H

#define mb() barrier()
#define rmb() barrier()
#define wmb() barrier()
#define __smp_mb() barrier()
#define __smp_rmb() barrier()
#define __smp_wmb() barrier()

#include <asm-generic/barrier.h>

#endif
