/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Between memory.c (who touches what), live.c (which bytes may be touched) and undo.c (taking back).
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdlib.h>
#include <string.h>
#include "engine.h"

#define SPAN (MEMORY_END - GLOBALS)
#define SPAN_BYTES 512ull
#define EACH_BYTE 0x0101010101010101ull
#define SHARED 0x80000000u
#define LAST_GENERATION 0x7fffffffu

struct location {
	u32 logged; /* the generation in which its bytes were kept last; with SHARED, which stays */
	u16 readers, writers;
};

struct span {
	u32 logged;
	u32 shared; /* so many of its words are */
	u16 readers, writers;	     /* of some bytes */
	u16 all_readers, all_writers; /* of all bytes in one access */
};

/* Of what an entry of the log keeps what was before. */
enum what { WORD, TOUCHES, SPAN_TOUCHES, BYTES, OBJECT, RELEASE };

struct undo {
	u64 where, old; /* an address, with `enum what` in its highest byte */
};

extern u8 *shadow;
extern struct location *locations;
extern struct span *spans;
extern u64 *sizes;
extern u32 generation; /* another one since each mark and each going back */
extern u64 heap_next[MAX_THREADS], heap_marked[MAX_THREADS];
extern u64 stack_high[MAX_THREADS], stack_marked[MAX_THREADS];
extern struct undo *undo_log;
extern u64 undo_count, undo_room;

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

static inline void log_undo(enum what what, u64 address, u64 old)
{
	undo_log = grow(undo_log, undo_count, &undo_room, sizeof(*undo_log));
	undo_log[undo_count++] = (struct undo){ address | (u64)what << 56, old };
}

static inline struct location *location_of(u64 address)
{
	return &locations[(address - GLOBALS) >> 3];
}

static inline struct span *span_of(u64 address)
{
	return &spans[(address - GLOBALS) / SPAN_BYTES];
}

static inline bool is_logged(u32 logged)
{
	return (logged & LAST_GENERATION) == generation;
}

/* Keep a word that is about to be written, once in a generation. */
static inline void keep_word(u64 address)
{
	struct location *l = location_of(address);

	if (is_logged(l->logged))
		return;
	l->logged = generation | (l->logged & SHARED);
	log_undo(WORD, address, *(u64 *)address);
}

void keep_span(u64 address);
void memory_find(u64 address); /* this word is shared, and was not known to be */
void memory_add_touch(u64 address, struct location *l, u16 *mask); /* the running thread's first */

static inline void touch_one(u64 address, bool write)
{
	struct location *l = location_of(address);
	const struct span *s = span_of(address);
	u16 me = (u16)(1u << self), others, *mask = write ? &l->writers : &l->readers;

	if (write)
		keep_word(address);
	if (!memory_concurrent)
		return;
	if (!(l->logged & SHARED)) {
		others = l->writers | s->all_writers;
		if (write)
			others |= l->readers | s->all_readers;
		if (unlikely(others & ~me & ~1u))
			memory_find(address);
	}
	if (unlikely(!(*mask & me)))
		memory_add_touch(address, l, mask);
}

/* An access within a word that is not shared and that nothing is wrong with, all in one. */
static inline bool memory_touch_quickly(u64 address, u64 size, bool write)
{
	u64 first = (address & 7) * 8, mask = ~0ull >> (64 - 8 * size) << first, word;

	if (!IN_MEMORY(address) || (address & 7) + size > 8 ||
	    (memory_concurrent && location_of(address)->logged & SHARED))
		return false;
	address &= ~7ull;
	memcpy(&word, shadow + (address - GLOBALS), 8);
	if (((write ? word : word & EACH_BYTE) ^ EACH_BYTE) & mask)
		return false;
	touch_one(address, write);
	return true;
}

#endif
