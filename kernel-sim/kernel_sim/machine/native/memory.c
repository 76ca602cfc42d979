/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The simulated memory, mapped at its own addresses, and four maps beside it:
 *
 *   shadow     a byte for each byte: is it live, constant, freed.
 *   locations  for each 8 bytes: is it shared, and who has read and written it in this execution.
 *   spans      for each 512 bytes: who has touched some of them, and who all of them at once.
 *   sizes      for each 16 bytes of heap: the size of the object that begins there.
 *
 * An undo log of what was written and of what was allocated or freed takes an execution back. Of a
 * span that is written at once all bytes are kept; a word is kept only while that has not happened.
 * What was allocated in the execution is cleared, whatever stands there.
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

#define SPAN_BYTES 512ull

struct span {
	u32 epoch; /* of the masks */
	u32 shared; /* so many of its words are */
	u16 readers, writers;	     /* of some bytes */
	u16 all_readers, all_writers; /* of all bytes in one access */
};

struct undo {
	u64 address, old; /* 8 bytes; or, if size is not 0, the shadow of an object */
	u64 size;
};

struct kept_span {
	u64 address;
	u8 bytes[SPAN_BYTES];
};

bool memory_concurrent;
u64 *memory_found, memory_found_count, *memory_shared, memory_shared_count;

static u8 *shadow;
static struct location *locations;
static struct span *spans;
static u64 *sizes;
static u32 epoch = 1;
static u64 heap_next[MAX_THREADS], heap_marked[MAX_THREADS], stack_high[MAX_THREADS];
static struct undo *undo_log;
static u64 undo_count, undo_room, undo_mark;
static struct kept_span *kept_spans;
static u64 kept_count, kept_room, kept_mark;
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

static inline void *grow(void *list, u64 count, u64 *room, u64 size)
{
	if (likely(count < *room))
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
	spans = map(NULL, SPAN / SPAN_BYTES * sizeof(*spans), 0);
	sizes = map(NULL, MAX_THREADS * HEAP_SIZE / 16 * sizeof(*sizes), 0);
	for (u64 t = 0; t < MAX_THREADS; t++)
		heap_next[t] = heap_marked[t] = HEAPS + t * HEAP_SIZE;
	for (u64 t = 0; t < MAX_THREADS; t++)
		stack_high[t] = STACKS + t * STACK_SIZE;
	load_globals();
}

static inline void log_undo(u64 address, u64 old, u64 size)
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

static inline struct span *span_of(u64 address)
{
	struct span *s = &spans[(address - GLOBALS) / SPAN_BYTES];

	if (unlikely(s->epoch != epoch))
		*s = (struct span){ .epoch = epoch, .shared = s->shared };
	return s;
}

static inline void touch_one(u64 address, bool write)
{
	struct location *l = location_of(address);
	struct span *s = span_of(address);
	u16 me = (u16)(1u << self), others;
	u16 writers = l->writers | s->all_writers, readers = l->readers | s->all_readers;

	if (write && !writers)
		log_undo(address, *(u64 *)address, 0);
	if (memory_concurrent && !(l->epoch & SHARED)) {
		others = (u16)((write ? readers | writers : writers) & ~me & ~1u);
		if (unlikely(others))
			found(address);
	}
	if (write) {
		l->writers |= me;
		s->writers |= me;
	} else if (memory_concurrent) {
		l->readers |= me;
		s->readers |= me;
	}
}

/* Allocated since the mark: it was 0 then. */
static bool is_fresh(u64 address)
{
	return address >= HEAPS && address >= heap_marked[(address - HEAPS) / HEAP_SIZE];
}

static void keep_span(u64 address)
{
	struct kept_span *kept;

	if (is_fresh(address))
		return;
	kept_spans = grow(kept_spans, kept_count, &kept_room, sizeof(*kept));
	kept = &kept_spans[kept_count++];
	kept->address = address;
	memcpy(kept->bytes, (void *)address, SPAN_BYTES);
}

/* All of a span at once; false where somebody else has touched it: then words are looked at. */
static bool touch_span(u64 address, bool write)
{
	struct span *s = span_of(address);
	u16 me = (u16)(1u << self), others = s->writers | s->all_writers;

	if (write)
		others |= s->readers | s->all_readers;
	if (memory_concurrent && others & ~me & ~1u)
		return false;
	if (write && !s->all_writers)
		keep_span(address);
	if (write)
		s->all_writers |= me;
	else if (memory_concurrent)
		s->all_readers |= me;
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
		if (locations[(address - GLOBALS) >> 3].epoch & SHARED)
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
		if (spans[(address - GLOBALS) / SPAN_BYTES].shared &&
		    any_shared(address, next < end ? next : end))
			return true;
	}
	return false;
}

void memory_share(u64 address)
{
	struct location *l = &locations[(address - GLOBALS) >> 3];

	spans[(address - GLOBALS) / SPAN_BYTES].shared += !(l->epoch & SHARED);
	l->epoch |= SHARED;
	memory_shared = grow(memory_shared, memory_shared_count, &shared_room, sizeof(u64));
	memory_shared[memory_shared_count++] = address;
}

void memory_share_clear(void)
{
	while (memory_shared_count) {
		u64 at = memory_shared[--memory_shared_count] - GLOBALS;

		locations[at >> 3].epoch &= ~SHARED;
		spans[at / SPAN_BYTES].shared = 0;
	}
}

/* ---- which bytes are live ---- */

#define EACH_BYTE 0x0101010101010101ull

static bool range_live(const u8 *s, u64 size, bool write)
{
	u64 word, words[8];

	if (size > 8 && *s == LIVE && !memcmp(s, s + 1, size - 1))
		return true;
	for (; size >= sizeof(words); s += sizeof(words), size -= sizeof(words)) {
		memcpy(words, s, sizeof(words));
		word = words[0] & words[1] & words[2] & words[3] & words[4] & words[5] & words[6] &
		       words[7];
		if ((word & EACH_BYTE) != EACH_BYTE)
			return false;
	}
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

/* All of an object is live, or all of it is freed. */
static bool is_live_object(u64 address, u64 size)
{
	return size > SPAN_BYTES && memory_object(address) >= size &&
	       shadow[address - GLOBALS] == LIVE;
}

const char *memory_fault(u64 address, u64 size, bool write, bool *constant)
{
	*constant = false;
	if (is_live_object(address, size))
		return NULL;
	if (likely(IN_MEMORY(address) && size <= MEMORY_END - address &&
		   range_live(shadow + (address - GLOBALS), size, write)))
		return NULL;
	return fault_kind(address, size, write, constant);
}

/* An access within a word that is not shared and that nothing is wrong with, all in one. */
bool memory_touch_quickly(u64 address, u64 size, bool write)
{
	u64 first = (address & 7) * 8, mask = ~0ull >> (64 - 8 * size) << first, word;

	if (!IN_MEMORY(address) || (address & 7) + size > 8 ||
	    (memory_concurrent && locations[(address - GLOBALS) >> 3].epoch & SHARED))
		return false;
	address &= ~7ull;
	memcpy(&word, shadow + (address - GLOBALS), 8);
	if (((write ? word : word & EACH_BYTE) ^ EACH_BYTE) & mask)
		return false;
	touch_one(address, write);
	return true;
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
	madvise(spans, SPAN / SPAN_BYTES * sizeof(*spans), MADV_DONTNEED);
	epoch = 1; /* once in 2 ** 31 executions: forget the masks, keep what is shared */
	madvise(locations, SPAN / 8 * sizeof(*locations), MADV_DONTNEED);
	for (u64 i = 0; i < memory_shared_count; i++) {
		u64 at = memory_shared[i] - GLOBALS;

		spans[at / SPAN_BYTES].shared += !locations[at >> 3].epoch;
		locations[at >> 3].epoch = SHARED;
	}
}

void memory_mark(void)
{
	undo_mark = undo_count;
	kept_mark = kept_count;
	memcpy(heap_marked, heap_next, sizeof(heap_next));
	next_epoch();
}

static void undo_object(const struct undo *u)
{
	memset(shadow + (u->address - GLOBALS), (int)u->old, u->size);
	if (u->old == DEAD)
		sizes[(u->address - HEAPS) / 16] = 0;
}

static void undo_spans(void)
{
	while (kept_count > kept_mark) {
		const struct kept_span *kept = &kept_spans[--kept_count];

		memcpy((void *)kept->address, kept->bytes, SPAN_BYTES);
	}
}

static void clear_fresh(void)
{
	for (u64 t = 0; t < MAX_THREADS; t++)
		memset((void *)heap_marked[t], 0, heap_next[t] - heap_marked[t]);
	memcpy(heap_next, heap_marked, sizeof(heap_next));
}

/* Words after spans: what was kept of a word stood there before its span was kept. */
void memory_reset(void)
{
	undo_spans();
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
	clear_fresh();
	memory_found_count = 0;
	next_epoch();
}
