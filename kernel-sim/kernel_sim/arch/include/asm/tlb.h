/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _ASM_TLB_H
#define _ASM_TLB_H

#define tlb_flush(tlb) sim_flush_tlb((tlb)->mm, (tlb)->start, (tlb)->end)
#include <asm-generic/tlb.h>

#endif
