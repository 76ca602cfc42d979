/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The operations that kernel_sim/ir.py lists as INTRINSICS. Arguments and results are u64.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine.h"

#define MAX_STRING 4096

typedef unsigned long long ull;

static void finish(bool visible, u32 site, const char *kind, u64 address, u64 size, u64 value,
		   u64 seen)
{
	if (visible)
		run_log(seen);
	if (unlikely(tracing))
		trace_access(site, kind, address, size, value);
}

/* The C string at an address, in one of two buffers by turns. */
static const char *string(u64 address, u32 site)
{
	static char buffers[2][MAX_STRING + 1];
	static u32 turn;
	char *text = buffers[turn ^= 1];
	u64 length = 0;

	for (; length < MAX_STRING; length++) {
		access_check(address + length, 1, false, site);
		text[length] = *(char *)(address + length);
		if (!text[length])
			break;
	}
	text[length] = 0;
	return text;
}

/* ---- memory and threads ---- */

u64 sim_alloc(u64 size, u32 site)
{
	u64 address = memory_allocate(self, size);
	char text[64];

	if (!address) {
		snprintf(text, sizeof(text), "the heap of thread %u is full", self);
		run_unsure(text, site);
	}
	return address;
}

static _Noreturn void bad_free(u64 address, const char *why, u32 site)
{
	char text[80];

	snprintf(text, sizeof(text), "%#llx %s", (ull)address, why);
	run_fail("bad free", text, site);
}

u64 sim_free(u64 address, u32 site)
{
	u64 size = memory_object(address);
	bool visible, constant;

	if (!address)
		return 0;
	if (!size)
		bad_free(address, "is no object", site);
	visible = access_freeing(address, size, site);
	if (memory_fault(address, size, true, &constant))
		bad_free(address, "was freed before", site);
	memory_release(address, size);
	finish(visible, site, "free", address, size, 0, 0);
	return 0;
}

u64 sim_thread(u64 name, u64 function, u64 argument, u64 daemon, u32 site)
{
	const char *text;
	char reason[64];

	if (!in_setup)
		run_unsure("sim_thread outside setup", site);
	if (thread_count == MAX_THREADS) {
		snprintf(reason, sizeof(reason), "more than %u threads", MAX_THREADS);
		run_unsure(reason, site);
	}
	text = string(name, site);
	sim_callee(function, 1, site);
	return run_create(text, sim_addresses[(function - FUNCTIONS) / FUNCTION_STRIDE], argument,
			  daemon != 0);
}

u64 sim_self(u32 site)
{
	(void)site;
	return self;
}

/* ---- waiting ---- */

u64 sim_acquire(u64 word, u64 mask, u32 site)
{
	bool visible = access_blocking(ACQUIRE, word, mask, 0, site);
	u64 old = *(u64 *)word;

	*(u64 *)word = old | mask;
	finish(visible, site, "acquire", word, 8, old | mask, old);
	return 0;
}

u64 sim_wait(u64 word, u64 mask, u64 want, u32 site)
{
	bool visible = access_blocking(WAIT, word, mask, want, site);
	u64 value = *(u64 *)word;

	finish(visible, site, "wait", word, 8, value, value);
	return 0;
}

u64 sim_wait32(u64 word, u64 mask, u64 want, u32 site)
{
	bool visible = access_blocking(WAIT32, word, (u32)mask, (u32)want, site);
	u64 value = *(u32 *)word;

	finish(visible, site, "wait", word, 4, value, value);
	return 0;
}

/* ---- atomic operations ---- */

static u64 low(u64 value, u64 size)
{
	return size == 8 ? value : value & ((1ull << 8 * size) - 1);
}

/* About to change a word in one access: its old value. */
static u64 begin(const char *kind, u64 address, u64 size, u32 site, bool *visible)
{
	struct range range = { address, size, true, true };
	char text[80];
	u64 old = 0;

	if (size != 1 && size != 2 && size != 4 && size != 8) {
		snprintf(text, sizeof(text), "%s of %llu bytes", kind, (ull)size);
		run_unsure(text, site);
	}
	*visible = access_point(1, &range, site);
	memcpy(&old, (void *)address, size);
	return old;
}

static void update(const char *kind, u64 address, u64 size, u64 old, u64 value, u32 site,
		   bool visible)
{
	memcpy((void *)address, &value, size);
	finish(visible, site, kind, address, size, low(value, size), old);
}

u64 sim_swap(u64 address, u64 size, u64 value, u32 site)
{
	bool visible;
	u64 old = begin("swap", address, size, site, &visible);

	update("swap", address, size, old, value, site, visible);
	return old;
}

u64 sim_cmpxchg(u64 address, u64 size, u64 want, u64 value, u32 site)
{
	bool visible;
	u64 old = begin("cmpxchg", address, size, site, &visible);

	update("cmpxchg", address, size, old, old == low(want, size) ? value : old, site, visible);
	return old;
}

u64 sim_add(u64 address, u64 size, u64 delta, u32 site)
{
	bool visible;
	u64 old = begin("add", address, size, site, &visible);

	update("add", address, size, old, old + delta, site, visible);
	return low(old + delta, size);
}

u64 sim_or(u64 address, u64 size, u64 mask, u32 site)
{
	bool visible;
	u64 old = begin("or", address, size, site, &visible);

	update("or", address, size, old, old | mask, site, visible);
	return old;
}

u64 sim_and(u64 address, u64 size, u64 mask, u32 site)
{
	bool visible;
	u64 old = begin("and", address, size, site, &visible);

	update("and", address, size, old, old & mask, site, visible);
	return old;
}

/* ---- ranges ---- */

/* Bytes that were read are part of a thread's history: its own memory may depend on them. */
static u64 digest(const u8 *bytes, u64 size)
{
	u64 hash = 0xcbf29ce484222325ull;

	if (!keep_histories)
		return 0;
	for (u64 i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull, hash ^= hash >> 29;
	return hash;
}

u64 sim_copy(u64 to, u64 from, u64 size, u32 site)
{
	struct range range[2] = { { from, size, true, false }, { to, size, false, true } };
	bool visible;

	if (!size)
		return 0;
	visible = access_point(2, range, site);
	memmove((void *)to, (void *)from, size);
	finish(visible, site, "copy", to, size, 0, visible ? digest((u8 *)to, size) : 0);
	return 0;
}

u64 sim_fill(u64 to, u64 byte, u64 size, u32 site)
{
	struct range range = { to, size, false, true };
	bool visible;

	if (!size)
		return 0;
	visible = access_point(1, &range, site);
	memset((void *)to, (int)(byte & 255), size);
	finish(visible, site, "fill", to, size, byte & 255, 0);
	return 0;
}

u64 sim_compare(u64 a, u64 b, u64 size, u32 site)
{
	struct range range[2] = { { a, size, true, false }, { b, size, true, false } };
	bool visible;
	int order;
	u64 value;

	if (!size)
		return 0;
	visible = access_point(2, range, site);
	order = memcmp((void *)a, (void *)b, size);
	value = (u64)(i64)((order > 0) - (order < 0));
	if (visible)
		run_log(digest((u8 *)a, size));
	finish(visible, site, "compare", a, size, value, visible ? digest((u8 *)b, size) : 0);
	return value;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static u32 crc32c_quickly(u32 crc, const u8 *bytes, u64 size)
{
	u64 word, whole = crc;

	for (; size >= 8; bytes += 8, size -= 8) {
		memcpy(&word, bytes, 8);
		whole = __builtin_ia32_crc32di(whole, word);
	}
	crc = (u32)whole;
	for (; size; bytes++, size--)
		crc = __builtin_ia32_crc32qi(crc, *bytes);
	return crc;
}
#endif

static u32 crc32c(u32 crc, const u8 *bytes, u64 size)
{
	static u32 table[256];

#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_quickly(crc, bytes, size);
#endif
	for (u32 i = 0; !table[255] && i < 256; i++) {
		u32 value = i;

		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
		table[i] = value; /* the last one is not 0, and comes last */
	}
	for (u64 i = 0; i < size; i++)
		crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 255];
	return crc;
}

u64 sim_crc32c(u64 crc, u64 address, u64 size, u32 site)
{
	struct range range = { address, size, true, false };
	bool visible;
	u64 value;

	if (!size)
		return (u32)crc;
	visible = access_point(1, &range, site);
	value = crc32c((u32)crc, (u8 *)address, size);
	finish(visible, site, "crc32c", address, size, value,
	       visible ? digest((u8 *)address, size) : 0);
	return value;
}

/* ---- the exploration ---- */

u64 sim_fail(u64 kind, u64 text, u32 site)
{
	const char *first = string(kind, site);

	run_fail(first, string(text, site), site);
}

u64 sim_inconclusive(u64 reason, u32 site)
{
	run_unsure(string(reason, site), site);
}

u64 sim_note(u64 text, u64 value, u32 site)
{
	char kind[MAX_STRING + 16];

	if (!tracing)
		return 0;
	snprintf(kind, sizeof(kind), "note: %s", string(text, site));
	trace_access(site, kind, 0, 0, value);
	return 0;
}
