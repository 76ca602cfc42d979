/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Taking back what was done to the memory: a log of what was there before, newest entries last.
 *
 * There may be many marks, each for a moment of the execution that ran last: going back to one
 * takes back what was done since. A word is kept once in a generation, which ends with a mark.
 * What was allocated is cleared when it is taken back; stacks are 0 where no frame stands.
 */
#include <string.h>
#include <sys/mman.h>
#include "memory.h"

struct kept {
	u8 bytes[SPAN_BYTES];
};

struct undo *undo_log;
u64 undo_count, undo_room;
u32 generation = 1;

static struct kept *kept;
static u64 kept_count, kept_room;
static struct memory_mark root;

/* Allocated since the last mark: it was 0 then. */
static bool is_fresh(u64 address)
{
	return address >= HEAPS && address >= heap_marked[(address - HEAPS) / HEAP_SIZE];
}

void keep_span(u64 address)
{
	struct span *s = span_of(address);

	if (is_logged(s->logged) || is_fresh(address))
		return;
	s->logged = generation;
	log_undo(BYTES, address, 0);
	kept = grow(kept, kept_count, &kept_room, sizeof(*kept));
	memcpy(kept[kept_count++].bytes, (void *)address, SPAN_BYTES);
}

static void undo_touches(u64 address, u64 old)
{
	struct location *l = location_of(address);

	l->readers = (u16)old;
	l->writers = (u16)(old >> 16);
}

static void undo_object(u64 address, u64 size)
{
	memset(shadow + (address - GLOBALS), DEAD, size);
	memset((void *)address, 0, size);
	sizes[(address - HEAPS) / 16] = 0;
}

static void undo_one(const struct undo *u)
{
	u64 address = u->where & (~0ull >> 8);

	switch ((enum what)(u->where >> 56)) {
	case WORD:
		*(u64 *)address = u->old;
		break;
	case TOUCHES:
		undo_touches(address, u->old);
		break;
	case SPAN_TOUCHES:
		memcpy(&span_of(address)->readers, &u->old, sizeof(u->old));
		break;
	case BYTES:
		memcpy((void *)address, kept[--kept_count].bytes, SPAN_BYTES);
		break;
	case OBJECT:
		undo_object(address, u->old);
		break;
	case RELEASE:
		memset(shadow + (address - GLOBALS), LIVE, u->old);
		break;
	}
}

static void undo_stack(u32 thread, u64 next)
{
	u64 base = STACKS + thread * STACK_SIZE;

	if (stack_high[thread] > next) {
		memset(shadow + (next - GLOBALS), DEAD, stack_high[thread] - next);
		memset((void *)next, 0, stack_high[thread] - next);
	}
	memset(shadow + (base - GLOBALS), LIVE, next - base);
	stack_high[thread] = stack_marked[thread] = next;
}

void memory_mark(struct memory_mark *mark)
{
	mark->undone = undo_count;
	memcpy(mark->heap_next, heap_next, sizeof(heap_next));
	memcpy(heap_marked, heap_next, sizeof(heap_next));
	memcpy(stack_marked, mark->stack_next, sizeof(stack_marked));
	generation++;
}

void memory_back(const struct memory_mark *mark)
{
	for (u32 t = 0; t < MAX_THREADS; t++)
		undo_stack(t, mark->stack_next[t]);
	while (undo_count > mark->undone)
		undo_one(&undo_log[--undo_count]);
	memcpy(heap_next, mark->heap_next, sizeof(heap_next));
	memcpy(heap_marked, heap_next, sizeof(heap_next));
	memory_found_count = 0;
	generation++;
}

void memory_root(void)
{
	undo_count = kept_count = 0;
	for (u64 t = 0; t < MAX_THREADS; t++)
		root.stack_next[t] = STACKS + t * STACK_SIZE;
	memory_mark(&root);
}

bool memory_is_old(void)
{
	return generation > LAST_GENERATION / 2;
}

u64 memory_kept(void)
{
	return undo_count * sizeof(*undo_log) + kept_count * sizeof(*kept);
}

/* Once in some millions of executions: nothing is kept or touched, so only what is shared stays. */
static void renew(void)
{
	madvise(locations, SPAN / 8 * sizeof(*locations), MADV_DONTNEED);
	madvise(spans, SPAN / SPAN_BYTES * sizeof(*spans), MADV_DONTNEED);
	generation = 1;
	for (u64 i = 0; i < memory_shared_count; i++) {
		span_of(memory_shared[i])->shared += !location_of(memory_shared[i])->logged;
		location_of(memory_shared[i])->logged = SHARED;
	}
}

void memory_reset(void)
{
	memory_back(&root);
	if (memory_is_old())
		renew();
}

/* ---- what stands there now, against the root ---- */

static u64 mix(u64 value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

static void add(u64 state[2], u64 address, u64 value)
{
	u64 one = mix(address * 0x9e3779b97f4a7c15ull + value);

	state[0] += one;
	state[1] += (one ^ address) * 0x9fb21c651e98df25ull;
}

static void add_word(u64 state[2], u64 address, u64 old)
{
	struct location *l = location_of(address);
	u64 now = *(u64 *)address;

	if (is_logged(l->logged))
		return;
	l->logged = generation | (l->logged & SHARED);
	if (now != old && shadow[address - GLOBALS] != FREED)
		add(state, address, now);
}

static bool since_root(u64 address)
{
	return address >= HEAPS && address >= root.heap_next[(address - HEAPS) / HEAP_SIZE];
}

/* An object that was made since: all that it holds, unless it is gone again. */
static void add_object(u64 state[2], u64 address, u64 size)
{
	if (shadow[address - GLOBALS] != LIVE)
		return;
	add(state, address, ~size);
	for (u64 end = address + size; address < end; address += 8)
		if (*(u64 *)address)
			add(state, address, *(u64 *)address);
}

static void add_bytes(u64 state[2], u64 address, const u8 *bytes)
{
	u64 old;

	for (u64 i = 0; i < SPAN_BYTES; i += 8) {
		memcpy(&old, bytes + i, 8);
		if (!since_root(address + i))
			add_word(state, address + i, old);
	}
}

static void add_change(u64 state[2], const struct undo *u, const struct kept **next)
{
	u64 address = u->where & (~0ull >> 8);
	enum what what = (enum what)(u->where >> 56);

	if (what == BYTES)
		add_bytes(state, address, (*next)++->bytes);
	else if (what == OBJECT)
		add_object(state, address, u->old);
	else if (what == WORD && !since_root(address))
		add_word(state, address, u->old);
	else if (what == RELEASE && !since_root(address))
		add(state, address, FREED);
}

/* Entries in their order: the first one that has a word has what the root had there. */
void memory_state(u64 state[2])
{
	const struct kept *next = kept;

	generation++;
	for (u64 i = root.undone; i < undo_count; i++)
		add_change(state, &undo_log[i], &next);
	for (u32 t = 1; t < thread_count; t++)
		add(state, t, threads[t].stack_next); /* its open frames end there */
	generation++;
}
