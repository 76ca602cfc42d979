/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Between memory.c (who touches what), live.c (which bytes may be touched) and undo.c (taking back).
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdlib.h>
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

#endif
