/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The simulated memory, mapped at its own addresses, and three maps beside it:
 *
 *   shadow     a byte for each byte: is it live, constant, freed.
 *   locations  for each 8 bytes: is it shared, and who has read and written it in this execution.
 *   sizes      for each 16 bytes of heap: the size of the object that begins there.
 *
 * An undo log of what was written and of what was allocated or freed takes an execution back.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "engine.h"

#define SPAN (MEMORY_END - GLOBALS)
#define SHARED 0x80000000u
#define EPOCH 0x7fffffffu

struct location {
	u32 epoch; /* of the masks; with SHARED, which stays */
	u16 readers, writers;
};

struct undo {
	u64 address, old; /* 8 bytes; or, if size is not 0, the shadow of an object */
	u64 size;
};

bool memory_concurrent;
u64 *memory_found, memory_found_count, *memory_shared, memory_shared_count;

static u8 *shadow;
static struct location *locations;
static u64 *sizes;
static u32 epoch = 1;
static u64 heap_next[MAX_THREADS], heap_marked[MAX_THREADS], stack_high[MAX_THREADS];
static struct undo *undo_log;
static u64 undo_count, undo_room, undo_mark;
static u64 found_room;
static u64 shared_room;

static void *map(void *where, u64 size, int flags)
{
	void *got = mmap(where, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	if (got == MAP_FAILED || (where && got != where))
		exit(3);
	return got;
}

static void *grow(void *list, u64 count, u64 *room, u64 size)
{
	if (count < *room)
		return list;
	*room = *room ? 2 * *room : 1024;
	list = realloc(list, *room * size);
	if (!list)
		exit(4);
	return list;
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
	sizes = map(NULL, MAX_THREADS * HEAP_SIZE / 16 * sizeof(*sizes), 0);
	for (u64 t = 0; t < MAX_THREADS; t++)
		heap_next[t] = HEAPS + t * HEAP_SIZE;
	for (u64 t = 0; t < MAX_THREADS; t++)
		stack_high[t] = STACKS + t * STACK_SIZE;
	load_globals();
}

static void log_undo(u64 address, u64 old, u64 size)
{
	undo_log = grow(undo_log, undo_count, &undo_room, sizeof(*undo_log));
	undo_log[undo_count++] = (struct undo){ address, old, size };
}

/* ---- who touches what ---- */

static inline struct location *location_of(u64 address)
{
	struct location *l = &locations[(address - GLOBALS) >> 3];

	if (unlikely((l->epoch & EPOCH) != epoch)) {
		l->epoch = epoch | (l->epoch & SHARED);
		l->readers = l->writers = 0;
	}
	return l;
}

static void found(u64 address)
{
	for (u64 i = 0; i < memory_found_count; i++)
		if (memory_found[i] == address)
			return;
	memory_found = grow(memory_found, memory_found_count, &found_room, sizeof(u64));
	memory_found[memory_found_count++] = address;
}

static inline void touch_one(u64 address, bool write)
{
	struct location *l = location_of(address);
	u16 me = (u16)(1u << self), others;

	if (write && !l->writers)
		log_undo(address, *(u64 *)address, 0);
	if (memory_concurrent && !(l->epoch & SHARED)) {
		others = (u16)((write ? l->readers | l->writers : l->writers) & ~me & ~1u);
		if (unlikely(others))
			found(address);
	}
	if (write)
		l->writers |= me;
	else if (memory_concurrent)
		l->readers |= me;
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

	for (bool any = clip(&address, &end, size); any && address < end; address += 8)
		touch_one(address, write);
}

bool memory_is_shared(u64 address, u64 size)
{
	u64 end;

	if (!clip(&address, &end, size))
		return false;
	if (end - address > 64) {
		for (u64 i = 0; i < memory_shared_count; i++)
			if (memory_shared[i] >= address && memory_shared[i] < end)
				return true;
		return false;
	}
	for (; address < end; address += 8)
		if (locations[(address - GLOBALS) >> 3].epoch & SHARED)
			return true;
	return false;
}

void memory_share(u64 address)
{
	locations[(address - GLOBALS) >> 3].epoch |= SHARED;
	memory_shared = grow(memory_shared, memory_shared_count, &shared_room, sizeof(u64));
	memory_shared[memory_shared_count++] = address;
}

void memory_share_clear(void)
{
	while (memory_shared_count)
		locations[(memory_shared[--memory_shared_count] - GLOBALS) >> 3].epoch &= ~SHARED;
}

/* ---- which bytes are live ---- */

#define EACH_BYTE 0x0101010101010101ull

static bool range_live(const u8 *s, u64 size, bool write)
{
	u64 word;

	for (; size >= 8; s += 8, size -= 8) {
		memcpy(&word, s, 8);
		if (write ? word != EACH_BYTE * LIVE : (word & EACH_BYTE) != EACH_BYTE)
			return false;
	}
	for (; size; s++, size--)
		if (write ? *s != LIVE : !(*s & 1))
			return false;
	return true;
}

/* What is wrong with an access that is known to be wrong. */
static const char *fault_kind(u64 address, u64 size, bool write, bool *constant)
{
	u64 region = (address | (HEAP_SIZE - 1)) + 1; /* no object crosses its end */
	u64 end = size < region - address ? address + size : region;

	if (address < NULL_END)
		return "null dereference";
	if (!IN_MEMORY(address))
		return "wild access";
	if (memchr(shadow + (address - GLOBALS), FREED, end - address))
		return "use after free";
	*constant = write && end - address == size &&
		    range_live(shadow + (address - GLOBALS), size, false);
	return "wild access";
}

const char *memory_fault(u64 address, u64 size, bool write, bool *constant)
{
	*constant = false;
	if (likely(IN_MEMORY(address) && size <= MEMORY_END - address &&
		   range_live(shadow + (address - GLOBALS), size, write)))
		return NULL;
	return fault_kind(address, size, write, constant);
}

/* Objects stand 16 to 31 bytes apart, so that running over the end is seen. */
u64 memory_allocate(u32 thread, u64 size)
{
	u64 end = HEAPS + (thread + 1) * HEAP_SIZE, address = heap_next[thread];

	size = size ? size : 1;
	if (size > HEAP_SIZE || ((size + 15) & ~15ull) + 16 > end - address)
		return 0;
	memset(shadow + (address - GLOBALS), LIVE, size);
	sizes[(address - HEAPS) / 16] = size;
	log_undo(address, DEAD, size);
	heap_next[thread] += ((size + 15) & ~15ull) + 16;
	return address;
}

u64 memory_object(u64 address)
{
	return address - HEAPS < MEMORY_END - HEAPS && !(address & 15) ?
		       sizes[(address - HEAPS) / 16] : 0;
}

void memory_release(u64 address, u64 size)
{
	log_undo(address, LIVE, size);
	memset(shadow + (address - GLOBALS), FREED, size);
}

/* A frame's bytes are 0 when it begins, since every dead frame is cleared. */
bool memory_frame(u64 address, u64 size, bool live)
{
	u64 end = STACKS + (self + 1) * STACK_SIZE;

	if (live && size > end - address)
		return false;
	if (!live) /* no need to log it: what stood there was 0 before the frame began */
		memset((void *)address, 0, size);
	memset(shadow + (address - GLOBALS), live ? LIVE : DEAD, size);
	if (live && stack_high[self] < address + size)
		stack_high[self] = address + size;
	return true;
}

/* ---- taking back ---- */

static void next_epoch(void)
{
	if (epoch++ != EPOCH)
		return;
	epoch = 1; /* once in 2 ** 31 executions: forget the masks, keep what is shared */
	madvise(locations, SPAN / 8 * sizeof(*locations), MADV_DONTNEED);
	for (u64 i = 0; i < memory_shared_count; i++)
		locations[(memory_shared[i] - GLOBALS) >> 3].epoch = SHARED;
}

void memory_mark(void)
{
	undo_mark = undo_count;
	memcpy(heap_marked, heap_next, sizeof(heap_next));
	next_epoch();
}

static void undo_object(const struct undo *u)
{
	memset(shadow + (u->address - GLOBALS), (int)u->old, u->size);
	if (u->old == DEAD)
		sizes[(u->address - HEAPS) / 16] = 0;
}

void memory_reset(void)
{
	while (undo_count > undo_mark) {
		const struct undo *u = &undo_log[--undo_count];

		if (u->size)
			undo_object(u);
		else
			*(u64 *)u->address = u->old;
	}
	for (u64 t = 0; t < MAX_THREADS; t++) {
		u64 base = STACKS + t * STACK_SIZE;

		if (stack_high[t] > base)
			memset(shadow + (base - GLOBALS), DEAD, stack_high[t] - base);
		stack_high[t] = base;
	}
	memcpy(heap_next, heap_marked, sizeof(heap_next));
	memory_found_count = 0;
	next_epoch();
}
