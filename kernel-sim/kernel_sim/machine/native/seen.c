/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The states that mode `states` has entered: a hash table with open addresses. A key is 128 bits.
 */
#include <stdlib.h>
#include <string.h>
#include "search.h"

struct entry {
	u64 key[2];
	int left; /* preemptions that were left, plus 1; 0 where nothing is */
};

static struct entry *table;
static u64 room, count;

void seen_clear(void)
{
	free(table);
	table = NULL;
	room = count = 0;
}

static struct entry *slot(const u64 key[2])
{
	u64 at = key[0] & (room - 1);

	while (table[at].left && (table[at].key[0] != key[0] || table[at].key[1] != key[1]))
		at = (at + 1) & (room - 1);
	return &table[at];
}

static void grow_table(void)
{
	struct entry *old = table;
	u64 before = room;

	room = room ? 2 * room : 1 << 12;
	table = calloc(room, sizeof(*table));
	if (!table)
		exit(4);
	for (u64 i = 0; i < before; i++)
		if (old[i].left)
			*slot(old[i].key) = old[i];
	free(old);
}

bool seen_before(const u64 state[2], int left)
{
	struct entry *entry;

	if (2 * count >= room)
		grow_table();
	entry = slot(state);
	if (entry->left > left)
		return true;
	count += !entry->left;
	*entry = (struct entry){ { state[0], state[1] }, left + 1 };
	return false;
}
