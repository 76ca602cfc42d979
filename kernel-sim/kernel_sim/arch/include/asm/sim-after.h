/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Included after <linux/compiler_types.h>: what the tree's compiler headers define with inline
 * assembly, or say to the optimiser only. Checks at compile time are the compiler's business.
 */
#ifndef _SIM_AFTER_H
#define _SIM_AFTER_H

#include <linux/compiler.h>
#include <linux/build_bug.h>

#undef barrier
#define barrier() do { } while (0)
#undef barrier_before_unreachable
#define barrier_before_unreachable() do { } while (0)
#undef barrier_data
#define barrier_data(p) ((void)(p))
#undef RELOC_HIDE
#define RELOC_HIDE(ptr, off) ((typeof(ptr))((unsigned long)(ptr) + (off)))
#undef OPTIMIZER_HIDE_VAR
#define OPTIMIZER_HIDE_VAR(x) ((void)(x))
#undef __unqual_scalar_typeof
#define __unqual_scalar_typeof(x) typeof(x)
#undef likely
#define likely(x) (!!(x))
#undef unlikely
#define unlikely(x) (!!(x))
#undef unreachable
#define unreachable() sim_fail("unreachable", SIM_HERE)
#undef asm_volatile_goto
#undef asm_goto_output
#undef data_race
#define data_race(expr) (expr)
#undef inline
#undef __inline
#undef __inline__
#define __inline inline
#define __inline__ inline

#undef compiletime_assert
#define compiletime_assert(condition, msg) do { } while (0)
#undef BUILD_BUG_ON
#define BUILD_BUG_ON(condition) do { } while (0)
#undef BUILD_BUG_ON_MSG
#define BUILD_BUG_ON_MSG(condition, msg) do { } while (0)
#undef BUILD_BUG_ON_INVALID
#define BUILD_BUG_ON_INVALID(e) do { } while (0)
#undef BUILD_BUG_ON_NOT_POWER_OF_2
#define BUILD_BUG_ON_NOT_POWER_OF_2(n) do { } while (0)
#undef __BUILD_BUG_ON_NOT_POWER_OF_2
#define __BUILD_BUG_ON_NOT_POWER_OF_2(n) do { } while (0)
#undef BUILD_BUG
#define BUILD_BUG() do { } while (0)
#undef BUILD_BUG_ON_ZERO
#define BUILD_BUG_ON_ZERO(e, ...) (0)
#undef __BUILD_BUG_ON_ZERO_MSG
#define __BUILD_BUG_ON_ZERO_MSG(e, msg, ...) (0)
#undef __must_be_array
#define __must_be_array(a) (0)
#undef __must_be_cstr
#define __must_be_cstr(a) (0)
#undef static_assert
#define static_assert(...) struct sim_assert
#undef _Static_assert
#define _Static_assert(...) struct sim_assert

#endif
