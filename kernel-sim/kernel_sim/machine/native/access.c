/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What every access goes through: the switch point, the note of who touched what, the check; and
 * loads and stores, frames and calls.
 */
#include <stdio.h>
#include <string.h>
#include "memory.h"

static bool holds(enum kind kind, u64 word, u64 mask, u64 want)
{
	u64 size = kind == WAIT32 ? 4 : 8;
	bool constant;

	if (kind < ACQUIRE || memory_fault(word, size, kind == ACQUIRE, &constant))
		return true; /* what is not valid fails when it is made */
	if (kind == WAIT32)
		return (*(u32 *)word & mask) == want;
	return (*(u64 *)word & mask) == (kind == ACQUIRE ? 0 : want);
}

bool access_ready(const struct thread *t)
{
	return holds(t->kind, t->range[0].address, t->mask, t->want);
}

static bool is_visible(u32 ranges, const struct range *range)
{
	if (!concurrent)
		return false;
	for (u32 i = 0; i < ranges; i++)
		if (memory_is_shared(range[i].address, range[i].size))
			return true;
	return decide_stop(self, threads[self].count);
}

static _Noreturn __attribute__((cold)) void refuse(const char *kind, u64 address, u64 size,
						   bool write, bool constant, u32 site)
{
	char text[120];

	snprintf(text, sizeof(text), "%s of %llu bytes at %#llx%s", write ? "write" : "read",
		 (unsigned long long)size, (unsigned long long)address,
		 constant ? ", which is read-only" : "");
	run_fail(kind, text, site);
}

void access_check(u64 address, u64 size, bool write, u32 site)
{
	bool constant;
	const char *kind = memory_fault(address, size, write, &constant);

	if (unlikely(kind != NULL))
		refuse(kind, address, size, write, constant, site);
}

static bool about_to(u32 ranges, const struct range *range, enum kind kind, u64 mask, u64 want,
		     u32 site)
{
	struct thread *t = &threads[self];
	bool visible;

	for (u32 i = 0; i < ranges; i++)
		if (unlikely(range[i].size > HEAP_SIZE)) /* no object has so many bytes */
			access_check(range[i].address, range[i].size, range[i].write, site);
	visible = is_visible(ranges, range);
	t->site = site;
	if (visible || !holds(kind, range[0].address, mask, want))
		run_switch(ranges, range, kind, mask, want);
	for (u32 i = 0; i < ranges; i++)
		memory_touch(range[i].address, range[i].size, range[i].write);
	t->count++;
	return visible;
}

bool access_point(u32 ranges, const struct range *range, u32 site)
{
	bool visible = about_to(ranges, range, ACCESS, 0, 0, site);

	for (u32 i = 0; i < ranges; i++)
		access_check(range[i].address, range[i].size, range[i].write, site);
	return visible;
}

bool access_blocking(enum kind kind, u64 word, u64 mask, u64 want, u32 site)
{
	struct range range = { word, kind == WAIT32 ? 4 : 8, kind != ACQUIRE, kind == ACQUIRE };
	bool visible = about_to(1, &range, kind, mask, want, site);

	access_check(word, range.size, range.write, site);
	return visible;
}

bool access_freeing(u64 address, u64 size, u32 site)
{
	struct range range = { address, size, false, true };

	return about_to(1, &range, ACCESS, 0, 0, site);
}

/* ---- loads and stores ---- */

/* As access_point() for what stands in one word; most accesses are to words of one thread. */
static inline bool word_point(u64 address, u32 size, bool write, u32 site)
{
	struct range range = { address, size, !write, write };

	if (unlikely(tracing) || !memory_touch_quickly(address, size, write))
		return access_point(1, &range, site);
	threads[self].site = site;
	threads[self].count++;
	return false;
}

#define LOAD(bits)                                                                \
	u##bits sim_load##bits(u64 address, u32 site)                             \
	{                                                                         \
		u##bits value;                                                    \
									          \
		if (unlikely(word_point(address, bits / 8, false, site))) {       \
			memcpy(&value, (void *)address, bits / 8);                \
			run_log(value);                                           \
		}                                                                 \
		memcpy(&value, (void *)address, bits / 8);                        \
		if (unlikely(tracing))                                            \
			trace_access(site, "read", address, bits / 8, value);     \
		return value;                                                     \
	}

#define STORE(bits)                                                               \
	void sim_store##bits(u64 address, u##bits value, u32 site)                \
	{                                                                         \
		if (unlikely(word_point(address, bits / 8, true, site)))          \
			run_log(0);                                               \
		memcpy((void *)address, &value, bits / 8);                        \
		if (unlikely(tracing))                                            \
			trace_access(site, "write", address, bits / 8, value);    \
	}

LOAD(8) LOAD(16) LOAD(32) LOAD(64)
STORE(8) STORE(16) STORE(32) STORE(64)

/* ---- frames and calls ---- */

u64 sim_frame(u32 size, u32 site)
{
	u64 frame = sim_stack_next;
	char text[64];

	if (!memory_frame(frame, size, true)) {
		snprintf(text, sizeof(text), "more than %llu bytes of locals", STACK_SIZE);
		run_fail("stack overflow", text, site);
	}
	sim_stack_next += size;
	return frame;
}

void sim_unframe(u64 frame, u32 size)
{
	memory_frame(frame, size, false);
	sim_stack_next = frame;
}

u64 (*sim_callee(u64 address, u32 arguments, u32 site))(void)
{
	u64 number = (address - FUNCTIONS) / FUNCTION_STRIDE;
	const struct sim_function *function;
	char text[300];

	if (address < FUNCTIONS || address % FUNCTION_STRIDE || number >= sim_address_count) {
		snprintf(text, sizeof(text), "there is no function at %#llx", (unsigned long long)address);
		run_fail("wild call", text, site);
	}
	if (sim_addresses[number] == SIM_NONE)
		run_unsure("a function whose address is taken does not exist", site);
	function = &sim_functions[sim_addresses[number]];
	if (arguments < function->parameters) {
		snprintf(text, sizeof(text), "%.200s takes %u arguments, not %u", function->name,
			 function->parameters, arguments);
		run_fail("wild call", text, site);
	}
	return function->code;
}

/* ---- endings of the program ---- */

_Noreturn void sim_endless(u32 site)
{
	char text[64];

	snprintf(text, sizeof(text), "endless: more than %llu steps",
		 (unsigned long long)sim_step_limit);
	run_unsure(text, site);
}

_Noreturn void sim_too_deep(u32 site)
{
	char text[64];

	snprintf(text, sizeof(text), "more than %u calls", sim_depth_limit);
	run_fail("stack overflow", text, site);
}

_Noreturn void sim_division(u32 site)
{
	run_fail("division by zero", "the divisor is 0", site);
}

_Noreturn void sim_unknown(const char *reason, u32 site)
{
	run_unsure(reason, site);
}

_Noreturn void sim_failure(const char *kind, const char *text, u32 site)
{
	run_fail(kind, text, site);
}
