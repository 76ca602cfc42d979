/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The simulated memory, mapped at its own addresses, and four maps beside it:
 *
 *   shadow     a byte for each byte: is it live, constant, freed (see live.c).
 *   locations  for each 8 bytes: is it shared, and who has read and written it in this execution.
 *   spans      for each 512 bytes: who has touched some of them, and who all of them at once.
 *   sizes      for each 16 bytes of heap: the size of the object that begins there.
 *
 * Here is who touches what. Whatever changes is first kept in the log of undo.c.
 */
#include <string.h>
#include <sys/mman.h>
#include "memory.h"

bool memory_concurrent;
u64 *memory_found, memory_found_count, *memory_shared, memory_shared_count;
u8 *shadow;
struct location *locations;
struct span *spans;
u64 *sizes;
u64 heap_next[MAX_THREADS], heap_marked[MAX_THREADS];
u64 stack_high[MAX_THREADS], stack_marked[MAX_THREADS];

static u64 found_room, shared_room;

static void *map(void *where, u64 size, int flags)
{
	void *got = mmap(where, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	if (got == MAP_FAILED || (where && got != where))
		exit(3);
	return got;
}

static void load_globals(void)
{
	for (u32 i = 0; i < sim_global_count; i++) {
		const struct sim_global *g = &sim_globals[i];

		if (!IN_MEMORY(g->address) || g->size > STACKS - g->address)
			exit(5);
		if (g->length)
			memcpy((void *)g->address, g->image, g->length);
		memset(shadow + (g->address - GLOBALS), g->writable ? LIVE : CONSTANT, g->size);
	}
}

void memory_setup(void)
{
	map((void *)GLOBALS, SPAN, MAP_FIXED_NOREPLACE);
	shadow = map(NULL, SPAN + 4096, 0);
	locations = map(NULL, SPAN / 8 * sizeof(*locations) + 4096, 0);
	spans = map(NULL, SPAN / SPAN_BYTES * sizeof(*spans), 0);
	sizes = map(NULL, MAX_THREADS * HEAP_SIZE / 16 * sizeof(*sizes), 0);
	for (u64 t = 0; t < MAX_THREADS; t++)
		heap_next[t] = heap_marked[t] = HEAPS + t * HEAP_SIZE;
	for (u64 t = 0; t < MAX_THREADS; t++)
		stack_high[t] = stack_marked[t] = STACKS + t * STACK_SIZE;
	load_globals();
}

/* ---- who touches what ---- */

void memory_find(u64 address)
{
	for (u64 i = 0; i < memory_found_count; i++)
		if (memory_found[i] == address)
			return;
	memory_found = grow(memory_found, memory_found_count, &found_room, sizeof(u64));
	memory_found[memory_found_count++] = address;
}

void memory_add_touch(u64 address, struct location *l, u16 *mask)
{
	struct span *s = span_of(address);
	u16 *of_span = mask == &l->writers ? &s->writers : &s->readers;
	u16 me = (u16)(1u << self);
	u64 old;

	log_undo(TOUCHES, address, l->readers | (u64)l->writers << 16);
	*mask |= me;
	if (*of_span & me)
		return;
	memcpy(&old, &s->readers, sizeof(old));
	log_undo(SPAN_TOUCHES, address, old);
	*of_span |= me;
}

/* All of a span at once; false where somebody else has touched it: then words are looked at. */
static bool touch_span(u64 address, bool write)
{
	struct span *s = span_of(address);
	u16 me = (u16)(1u << self), others = s->writers | s->all_writers;
	u16 *mask = write ? &s->all_writers : &s->all_readers;
	u64 old;

	if (write)
		others |= s->readers | s->all_readers;
	if (memory_concurrent && others & ~me & ~1u)
		return false;
	if (write)
		keep_span(address);
	if (!memory_concurrent || *mask & me)
		return true;
	memcpy(&old, &s->readers, sizeof(old));
	log_undo(SPAN_TOUCHES, address, old);
	*mask |= me;
	return true;
}

static bool clip(u64 *address, u64 *end, u64 size)
{
	*end = size < MEMORY_END - *address ? *address + size : MEMORY_END;
	if (*address >= MEMORY_END || !size)
		return false;
	*address = (*address < GLOBALS ? GLOBALS : *address) & ~7ull;
	return *address < *end;
}

void memory_touch(u64 address, u64 size, bool write)
{
	u64 end;

	if (!clip(&address, &end, size))
		return;
	while (address < end) {
		bool whole = !(address % SPAN_BYTES) && end - address >= SPAN_BYTES;

		if (whole && touch_span(address, write)) {
			address += SPAN_BYTES;
			continue;
		}
		for (u64 n = whole ? SPAN_BYTES / 8 : 1; n; n--, address += 8)
			touch_one(address, write);
	}
}

static bool any_shared(u64 address, u64 end)
{
	for (; address < end; address += 8)
		if (location_of(address)->logged & SHARED)
			return true;
	return false;
}

bool memory_is_shared(u64 address, u64 size)
{
	u64 end, next;

	if (!clip(&address, &end, size))
		return false;
	for (; address < end; address = next) {
		next = (address | (SPAN_BYTES - 1)) + 1;
		if (span_of(address)->shared &&
		    any_shared(address, next < end ? next : end))
			return true;
	}
	return false;
}

void memory_share(u64 address)
{
	struct location *l = location_of(address);

	span_of(address)->shared += !(l->logged & SHARED);
	l->logged |= SHARED;
	memory_shared = grow(memory_shared, memory_shared_count, &shared_room, sizeof(u64));
	memory_shared[memory_shared_count++] = address;
}

void memory_share_clear(void)
{
	while (memory_shared_count) {
		u64 at = memory_shared[--memory_shared_count];

		location_of(at)->logged &= ~SHARED;
		span_of(at)->shared = 0;
	}
}
