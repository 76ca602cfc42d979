/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exchange and compare-and-exchange of 1, 2, 4 or 8 bytes, by the size of what p points to. */
#ifndef _ASM_CMPXCHG_H
#define _ASM_CMPXCHG_H

#define arch_xchg(p, new) \
	((typeof(*(p)))sim_swap((p), sizeof(*(p)), (unsigned long)(new)))
#define arch_cmpxchg(p, old, new) \
	((typeof(*(p)))sim_cmpxchg((p), sizeof(*(p)), (unsigned long)(old), (unsigned long)(new)))
#define arch_cmpxchg64 arch_cmpxchg
#define arch_cmpxchg_local arch_cmpxchg
#define arch_cmpxchg64_local arch_cmpxchg
#define arch_sync_cmpxchg arch_cmpxchg

#endif
