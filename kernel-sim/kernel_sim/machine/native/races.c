/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which races an execution has, and where the search has to go back for them. A port of
 * kernel_sim/explore/races.py, which explains it.
 */
#include <stdlib.h>
#include <string.h>
#include "search.h"

/* Of each event what tells quickly who it is of. */
static struct brief {
	u32 thread, count;
	u64 run; /* the first event of those in a row that are the thread's */
} *briefs;

/*
 * An access has a bit of 64 for each word that it touches, by the word's address; all of them where
 * there are many. For each bit, which events have it: a bit map, `map_size` times 64 events long.
 */
static u64 *maps, map_size, last_of[MAX_THREADS]; /* each thread's last event, from 1 */

/* For each thread, where its events are. */
static u64 *places, place_room, place_count[MAX_THREADS];

static u64 words_of(const struct pending *access)
{
	u64 found = 0;

	for (u32 i = 0; i < access->ranges; i++) {
		const struct range *r = &access->range[i];

		if (r->size > 64)
			return ~0ull;
		for (u64 a = r->address >> 3; r->size && a <= (r->address + r->size - 1) >> 3; a++)
			found |= 1ull << (a * 0x9e3779b97f4a7c15ull >> 58);
	}
	return found;
}

static const struct pending *access_of(const struct node *node)
{
	return &node->pending[node->chosen];
}

static void join(u32 *clock, const u32 *other)
{
	for (u32 t = 0; t < MAX_THREADS; t++)
		if (clock[t] < other[t])
			clock[t] = other[t];
}

/* The count that the thread's next event has; `base` gets the clock of its last one. */
static u32 previous(struct node **events, u32 thread, u32 *base)
{
	const struct node *event;

	if (!last_of[thread]) {
		memset(base, 0, MAX_THREADS * sizeof(*base));
		return 1;
	}
	event = events[last_of[thread] - 1];
	memcpy(base, event->clock, sizeof(event->clock));
	return event->count + 1;
}

static u64 with_words(u64 words, u64 block)
{
	u64 found = 0;

	if (!~words)
		return ~0ull;
	for (; words; words &= words - 1)
		found |= maps[(u64)__builtin_ctzll(words) * map_size + block];
	return found;
}

/* The first event of another thread that does not happen before `clock`: what is earlier does. */
static u64 horizon(u64 end, u32 thread, const u32 *clock)
{
	for (u32 t = 0; t < MAX_THREADS; t++)
		if (t != thread && clock[t] < place_count[t] &&
		    places[t * place_room + clock[t]] < end)
			end = places[t * place_room + clock[t]];
	return end;
}

/*
 * The last event before `end` that may touch one of these words; its number from 1. Or 0, where
 * there is none from event `start` on.
 */
static u64 before(u64 words, u64 end, u64 start)
{
	u64 block = end / 64, found;

	found = end % 64 ? with_words(words, block) & ((1ull << end % 64) - 1) : 0;
	while (!found && block > start / 64)
		found = with_words(words, --block);
	return found ? block * 64 + 64 - (u64)__builtin_clzll(found) : 0;
}

static void joined(struct node **events, u64 end, u32 thread, const struct pending *access,
		   const u32 *base, u32 *clock)
{
	u64 words = words_of(access), start = horizon(end, thread, base);

	memcpy(clock, base, MAX_THREADS * sizeof(*clock));
	for (u64 i = end; i > start && (i = before(words, i, start)) && i-- > start;) {
		const struct brief *b = &briefs[i];

		if (clock[b->thread] < b->count && pending_conflict(access_of(events[i]), access))
			join(clock, events[i]->clock);
	}
}

static void add_thread(struct node *node, u32 thread)
{
	node->backtrack |= node->candidates >> thread & 1 ? 1u << thread : node->candidates;
}

static void add_bounded(struct node **events, u64 number, u32 thread)
{
	add_thread(events[number], thread);
	add_thread(events[briefs[number].run], thread);
}

/* Whether none of the events that do not happen after `event` happens before `clock`. */
static bool is_first(struct node **events, u64 from, u64 end, const struct node *event,
		     const u32 *clock)
{
	for (u64 i = from; i < end; i++) {
		const struct node *other = events[i];

		if (other->clock[event->chosen] < event->count &&
		    clock[other->chosen] >= other->count)
			return false;
	}
	return true;
}

static u32 initials(struct node **events, u64 number, u64 end, u32 thread, const u32 *clock)
{
	const struct node *event = events[number];
	u32 found = 0, seen = 0;

	for (u64 i = number + 1; i < end; i++) {
		const struct node *other = events[i];

		if (other->clock[event->chosen] >= event->count)
			continue;
		if (!(seen >> other->chosen & 1) &&
		    is_first(events, number + 1, i, event, other->clock))
			found |= 1u << other->chosen;
		seen |= 1u << other->chosen;
	}
	if (!(seen >> thread & 1) && is_first(events, number + 1, end, event, clock))
		found |= 1u << thread;
	return found;
}

static void add_source(struct node **events, u64 number, u64 end, u32 thread,
		       const struct pending *access, const u32 *base)
{
	struct node *node = events[number];
	u32 clock[MAX_THREADS], first;

	joined(events, end, thread, access, base, clock);
	first = initials(events, number, end, thread, clock);
	if (first & (node->backtrack | node->sleep | node->done))
		return;
	first &= node->candidates;
	node->backtrack |= first ? 1u << first_candidate(first, node->thread) : node->candidates;
}

static void widen(struct node **events, u64 end, u32 thread, const struct pending *access,
		  const u32 *base, bool bounded)
{
	u64 words = words_of(access), start = horizon(end, thread, base);
	u32 clock[MAX_THREADS];

	memcpy(clock, base, sizeof(clock));
	for (u64 i = end; i > start && (i = before(words, i, start)) && i-- > start;) {
		const struct brief *b = &briefs[i];
		const struct node *event = events[i];

		if (b->thread == thread || clock[b->thread] >= b->count)
			continue;
		if (!pending_conflict(access_of(event), access))
			continue;
		if (bounded)
			add_bounded(events, i, thread);
		else
			add_source(events, i, end, thread, access, base);
		if (!bounded && !access->blocking)
			join(clock, event->clock);
	}
}

static void begin_events(u64 count)
{
	static u64 room;

	if (count > room) {
		room = 2 * count;
		map_size = room / 64 + 1;
		briefs = realloc(briefs, room * sizeof(*briefs));
		maps = realloc(maps, 64 * map_size * sizeof(*maps));
		place_room = room;
		places = realloc(places, MAX_THREADS * room * sizeof(*places));
		if (!briefs || !maps || !places)
			exit(4);
	}
	if (maps)
		memset(maps, 0, 64 * map_size * sizeof(*maps));
	memset(last_of, 0, sizeof(last_of));
	memset(place_count, 0, sizeof(place_count));
}

static void add_event(u64 i, const struct node *event)
{
	bool goes_on = i > 0 && briefs[i - 1].thread == event->chosen;

	briefs[i] = (struct brief){ event->chosen, event->count, goes_on ? briefs[i - 1].run : i };
	last_of[event->chosen] = i + 1;
	places[event->chosen * place_room + place_count[event->chosen]++] = i;
	for (u64 words = words_of(access_of(event)); words; words &= words - 1)
		maps[(u64)__builtin_ctzll(words) * map_size + i / 64] |= 1ull << i % 64;
}

void races_add_points(struct node **events, u64 count, u64 first, const struct pending *pending,
		      bool bounded)
{
	u32 base[MAX_THREADS];

	begin_events(count);
	for (u64 i = 0; i < first && i < count; i++)
		add_event(i, events[i]);
	for (u64 i = first; i < count; i++) {
		struct node *node = events[i];

		node->count = previous(events, node->chosen, base);
		add_event(i, node);
		joined(events, i, node->chosen, access_of(node), base, node->clock);
		node->clock[node->chosen] = node->count;
		widen(events, i, node->chosen, access_of(node), base, bounded);
	}
	for (u32 t = 0; t < MAX_THREADS; t++)
		if (pending[t].present) {
			previous(events, t, base);
			widen(events, count, t, &pending[t], base, bounded);
		}
}
