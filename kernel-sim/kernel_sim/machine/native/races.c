/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which races an execution has, and where the search has to go back for them. A port of
 * kernel_sim/explore/races.py, which explains it.
 */
#include <stdlib.h>
#include <string.h>
#include "search.h"

/* Of each event what nearly all of them are passed over by. */
static struct brief {
	u64 words; /* of its access: a bit for each, by its address; all where there are many */
	u32 thread, count;
	u64 run; /* the first event of those in a row that are the thread's */
} *briefs;

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

/* The count that the thread's event at `end` has; `base` gets the clock of the one before. */
static u32 previous(struct node **events, u64 end, u32 thread, u32 *base)
{
	for (u64 i = end; i-- > 0;)
		if (briefs[i].thread == thread) {
			memcpy(base, events[i]->clock, sizeof(events[i]->clock));
			return events[i]->count + 1;
		}
	memset(base, 0, MAX_THREADS * sizeof(*base));
	return 1;
}

static void joined(struct node **events, u64 end, const struct pending *access, const u32 *base,
		   u32 *clock)
{
	u64 words = words_of(access);

	memcpy(clock, base, MAX_THREADS * sizeof(*clock));
	for (u64 i = end; i-- > 0;) {
		const struct brief *b = &briefs[i];

		if (clock[b->thread] < b->count && b->words & words &&
		    pending_conflict(access_of(events[i]), access))
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

	joined(events, end, access, base, clock);
	first = initials(events, number, end, thread, clock);
	if (first & (node->backtrack | node->sleep | node->done))
		return;
	first &= node->candidates;
	node->backtrack |= first ? 1u << first_candidate(first, node->thread) : node->candidates;
}

static void widen(struct node **events, u64 end, u32 thread, const struct pending *access,
		  const u32 *base, bool bounded)
{
	u64 words = words_of(access);
	u32 clock[MAX_THREADS];

	memcpy(clock, base, sizeof(clock));
	for (u64 i = end; i-- > 0;) {
		const struct brief *b = &briefs[i];
		const struct node *event = events[i];

		if (b->thread == thread || clock[b->thread] >= b->count || !(b->words & words))
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

static void make_room(u64 count)
{
	static u64 room;

	if (count <= room)
		return;
	room = 2 * count;
	briefs = realloc(briefs, room * sizeof(*briefs));
	if (!briefs)
		exit(4);
}

static void add_brief(u64 i, const struct node *event)
{
	bool goes_on = i > 0 && briefs[i - 1].thread == event->chosen;

	briefs[i] = (struct brief){ words_of(access_of(event)), event->chosen, event->count,
				    goes_on ? briefs[i - 1].run : i };
}

void races_add_points(struct node **events, u64 count, u64 first, const struct pending *pending,
		      bool bounded)
{
	u32 base[MAX_THREADS];

	make_room(count);
	for (u64 i = 0; i < first && i < count; i++)
		add_brief(i, events[i]);
	for (u64 i = first; i < count; i++) {
		struct node *node = events[i];

		node->count = previous(events, i, node->chosen, base);
		add_brief(i, node);
		joined(events, i, access_of(node), base, node->clock);
		node->clock[node->chosen] = node->count;
		widen(events, i, node->chosen, access_of(node), base, bounded);
	}
	for (u32 t = 0; t < MAX_THREADS; t++)
		if (pending[t].present) {
			previous(events, count, t, base);
			widen(events, count, t, &pending[t], base, bounded);
		}
}
