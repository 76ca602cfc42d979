/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Memories that check() was content with. It runs alone, so what it does follows from the bytes
 * that it can read: where these are as they were, it is not run again. Its steps are counted.
 */
#include <stdlib.h>
#include "engine.h"

#define MOST (1u << 21)

struct entry {
	u64 key[2], steps; /* and 1; 0 where nothing is */
};

static struct entry *table;
static u64 room, count, now[2];

static struct entry *slot(const u64 key[2])
{
	u64 at = key[0] & (room - 1);

	while (table[at].steps && (table[at].key[0] != key[0] || table[at].key[1] != key[1]))
		at = (at + 1) & (room - 1);
	return &table[at];
}

static void grow_table(void)
{
	struct entry *old = table;
	u64 before = room;

	room = room ? 2 * room : 1 << 10;
	table = calloc(room, sizeof(*table));
	if (!table)
		exit(4);
	for (u64 i = 0; i < before; i++)
		if (old[i].steps)
			*slot(old[i].key) = old[i];
	free(old);
}

bool checked_before(void)
{
	const struct entry *entry;

	now[0] = now[1] = 0;
	memory_state(now);
	if (2 * count >= room)
		grow_table();
	entry = slot(now);
	if (!entry->steps || sim_steps + entry->steps - 1 > sim_step_limit)
		return false;
	sim_steps += entry->steps - 1;
	return true;
}

void checked_well(u64 steps)
{
	if (count == MOST)
		return;
	count++;
	*slot(now) = (struct entry){ { now[0], now[1] }, steps + 1 };
}
