/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a translated program sees of the native engine. Every function here may end the execution
 * and not return. A site is a number of the program's table of places (`sim_sites`).
 */
#ifndef SIM_H
#define SIM_H

#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* ---- what the program supplies ---- */

struct sim_function {
	const char *name, *path;
	u32 line, parameters;
	u64 (*code)(void); /* takes `parameters` u64s, whatever the type here says */
};

struct sim_site {
	u32 function, line;
};

struct sim_global {
	u64 address, size;
	const u8 *image;
	u32 length; /* bytes of the image; the rest up to size is 0 */
	u32 writable;
};

extern const struct sim_function sim_functions[];
extern const struct sim_site sim_sites[];
extern const struct sim_global sim_globals[];
extern const u32 sim_addresses[]; /* functions whose address is taken, in order */
extern const u32 sim_function_count, sim_site_count, sim_global_count, sim_address_count;
extern const u32 sim_depth_limit;      /* calls that may be open on one thread */
extern const u32 sim_setup, sim_check; /* numbers of functions, or SIM_NONE */
#define SIM_NONE 0xffffffffu

/* ---- what the engine supplies ---- */

extern u64 sim_steps, sim_step_limit;
extern u32 sim_depth;	    /* calls that are open on the running thread */
extern u64 sim_stack_next; /* where the next frame of the running thread begins */
extern u8 *sim_ran;	    /* by site: some execution came to it */

_Noreturn void sim_endless(u32 site);
_Noreturn void sim_too_deep(u32 site);
_Noreturn void sim_division(u32 site);
_Noreturn void sim_unknown(const char *reason, u32 site);
_Noreturn void sim_failure(const char *kind, const char *text, u32 site);

u64 (*sim_callee(u64 address, u32 arguments, u32 site))(void);
u64 sim_frame(u32 size, u32 site);
void sim_unframe(u64 frame, u32 size);

u8 sim_load8(u64 address, u32 site);
u16 sim_load16(u64 address, u32 site);
u32 sim_load32(u64 address, u32 site);
u64 sim_load64(u64 address, u32 site);
void sim_store8(u64 address, u8 value, u32 site);
void sim_store16(u64 address, u16 value, u32 site);
void sim_store32(u64 address, u32 value, u32 site);
void sim_store64(u64 address, u64 value, u32 site);

u64 sim_alloc(u64 size, u32 site);
u64 sim_free(u64 address, u32 site);
u64 sim_thread(u64 name, u64 function, u64 argument, u64 daemon, u32 site);
u64 sim_self(u32 site);
u64 sim_acquire(u64 word, u64 mask, u32 site);
u64 sim_wait(u64 word, u64 mask, u64 want, u32 site);
u64 sim_wait32(u64 word, u64 mask, u64 want, u32 site);
u64 sim_swap(u64 address, u64 size, u64 value, u32 site);
u64 sim_cmpxchg(u64 address, u64 size, u64 old, u64 value, u32 site);
u64 sim_add(u64 address, u64 size, u64 delta, u32 site);
u64 sim_or(u64 address, u64 size, u64 mask, u32 site);
u64 sim_and(u64 address, u64 size, u64 mask, u32 site);
u64 sim_copy(u64 to, u64 from, u64 size, u32 site);
u64 sim_fill(u64 to, u64 byte, u64 size, u32 site);
u64 sim_compare(u64 a, u64 b, u64 size, u32 site);
u64 sim_crc32c(u64 crc, u64 address, u64 size, u32 site);
u64 sim_choose(u64 count, u32 site);
u64 sim_fail(u64 kind, u64 text, u32 site);
u64 sim_inconclusive(u64 reason, u32 site);
u64 sim_note(u64 text, u64 value, u32 site);

/* Arithmetic that traps on x86-64 or that C leaves open. */
#define SIM_DIVIDE(T)                                                   \
	static inline T sim_div_##T(T a, T b, u32 site)                 \
	{                                                               \
		if (unlikely(!b))                                       \
			sim_division(site);                             \
		return (T)(b == (T)-1 && (T)-1 < (T)1 ? 0 - (u64)a : (u64)(a / b)); \
	}                                                               \
	static inline T sim_mod_##T(T a, T b, u32 site)                 \
	{                                                               \
		if (unlikely(!b))                                       \
			sim_division(site);                             \
		return (T)(b == (T)-1 && (T)-1 < (T)1 ? 0 : (u64)(a % b));\
	}
SIM_DIVIDE(u8) SIM_DIVIDE(u16) SIM_DIVIDE(u32) SIM_DIVIDE(u64)
SIM_DIVIDE(i8) SIM_DIVIDE(i16) SIM_DIVIDE(i32) SIM_DIVIDE(i64)

#endif
