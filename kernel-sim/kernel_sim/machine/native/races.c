/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which races an execution has, and where the search has to go back for them. A port of
 * kernel_sim/explore/races.py, which explains it.
 */
#include <string.h>
#include "search.h"

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
		if (events[i]->chosen == thread) {
			memcpy(base, events[i]->clock, sizeof(events[i]->clock));
			return events[i]->count + 1;
		}
	memset(base, 0, MAX_THREADS * sizeof(*base));
	return 1;
}

static void joined(struct node **events, u64 end, const struct pending *access, const u32 *base,
		   u32 *clock)
{
	memcpy(clock, base, MAX_THREADS * sizeof(*clock));
	for (u64 i = end; i-- > 0;) {
		const struct node *event = events[i];

		if (clock[event->chosen] < event->count &&
		    pending_conflict(access_of(event), access))
			join(clock, event->clock);
	}
}

static void add_thread(struct node *node, u32 thread)
{
	node->backtrack |= node->candidates >> thread & 1 ? 1u << thread : node->candidates;
}

static void add_bounded(struct node **events, u64 number, u32 thread)
{
	add_thread(events[number], thread);
	while (number > 0 && events[number - 1]->chosen == events[number]->chosen)
		number--;
	add_thread(events[number], thread);
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
	u32 clock[MAX_THREADS];

	memcpy(clock, base, sizeof(clock));
	for (u64 i = end; i-- > 0;) {
		const struct node *event = events[i];

		if (event->chosen == thread || clock[event->chosen] >= event->count)
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

void races_add_points(struct node **events, u64 count, u64 first, const struct pending *pending,
		      bool bounded)
{
	u32 base[MAX_THREADS];

	for (u64 i = first; i < count; i++) {
		struct node *node = events[i];

		node->count = previous(events, i, node->chosen, base);
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
