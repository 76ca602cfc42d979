// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which locks a thread holds, and which it took inside which. Each thread has a record of its own
 * that no other one touches before check(), so that watching adds nothing to what schedules are
 * about. Locks are told apart by where they stand: two of one class in one another are no matter.
 *
 * A handle is a lock as well: a commit waits until all are closed, and new ones wait for it. The
 * tree opens it in its own way, so it is noticed at the next lock that its thread takes or drops.
 * A buffer's own lock is not watched: whoever ends the transfer drops it.
 */
#include <linux/jbd2.h>
#include "sim_linux.h"

#define DEPTH	32
#define EDGES	256
#define SLOTS	1024	/* of a hash table of edges: a power of two */
#define NAMES	16
#define HANDLE	1UL	/* no lock stands there */

struct held {
	unsigned long lock;
	const char *what;
	unsigned int how;
};

/* `inner` was taken while `outer` was held. */
struct edge {
	struct held outer, inner;
	bool gone;
};

static struct record {
	unsigned int depth, count;
	bool handle;
	struct held held[DEPTH];
	struct edge edges[EDGES];
	unsigned short slots[SLOTS];	/* 0, or the number of an edge from 1 */
} *records[SIM_THREADS];

static struct {
	unsigned long lock;
	const char *name;
} names[NAMES];
static unsigned int named;

/* What messages call a lock; during setup only. */
void sim_name_lock(const volatile void *lock, const char *name)
{
	if (named == NAMES)
		sim_inconclusive("too many locks have a name");
	names[named].lock = SIM_LOCK(lock);
	names[named++].name = name;
}

static const char *name_of(const struct held *one)
{
	unsigned int i;

	for (i = 0; i < named; i++)
		if (names[i].lock == one->lock)
			return names[i].name;
	return one->what;
}

static bool same(const struct held *a, const struct held *b)
{
	return a->lock == b->lock && a->how == b->how;
}

static void add_edge(struct record *me, const struct held *outer, const struct held *inner)
{
	unsigned long mixed = (outer->lock * 31 + inner->lock) * 0x9e3779b97f4a7c15UL;
	unsigned int at = mixed >> 54;
	struct edge *edge;

	for (; me->slots[at]; at = (at + 1) & (SLOTS - 1)) {
		edge = &me->edges[me->slots[at] - 1];
		if (same(&edge->outer, outer) && same(&edge->inner, inner))
			return;
	}
	if (me->count == EDGES)
		sim_inconclusive("too many locks are taken in one another");
	edge = &me->edges[me->count++];
	edge->outer = *outer;
	edge->inner = *inner;
	me->slots[at] = me->count;
}

static void note(struct record *me, const struct held *inner)
{
	static const struct held handle = { HANDLE, "a handle", 0 };
	unsigned int i;

	for (i = 0; i < me->depth; i++)
		if (me->held[i].lock != inner->lock)
			add_edge(me, &me->held[i], inner);
	if (me->handle && inner->lock != HANDLE)
		add_edge(me, &handle, inner);
}

/* The thread's record, and what has become of its handle since it was looked at. */
static struct record *look(void)
{
	static const struct held handle = { HANDLE, "a handle", 0 };
	struct record *me = records[sim_self()];
	bool open = journal_current_handle() != NULL;

	if (!me)
		me = records[sim_self()] = sim_alloc(sizeof(*me));
	if (open && !me->handle)
		note(me, &handle);
	me->handle = open;
	return me;
}

void sim_lock_taken(unsigned long lock, const char *what, unsigned int how)
{
	struct record *me = look();
	struct held *one = &me->held[me->depth];

	if (me->depth == DEPTH)
		sim_inconclusive("too many locks are held");
	one->lock = lock;
	one->what = what;
	one->how = how & SIM_SHARED;
	if (!(how & SIM_TRIED))
		note(me, one);
	me->depth++;
}

/* What somebody else has taken is not looked for: that it was held at all, its word has told. */
void sim_lock_dropped(unsigned long lock)
{
	struct record *me = look();
	unsigned int i = me->depth;

	while (i-- > 0) {
		if (me->held[i].lock != lock)
			continue;
		for (me->depth--; i < me->depth; i++)
			me->held[i] = me->held[i + 1];
		return;
	}
}

/* "FIRST SECOND THIRD FOURTH", as far as they are there. */
static const char *sentence(const char *first, const char *second, const char *third,
			    const char *fourth)
{
	const char *parts[] = { first, second, third, fourth };
	static char text[160];
	unsigned int i, at = 0;

	for (i = 0; i < 4; i++) {
		const char *from = parts[i];

		while (from && *from && at < sizeof(text) - 2)
			text[at++] = *from++;
		if (i < 3 && parts[i + 1] && at < sizeof(text) - 2)
			text[at++] = ' ';
	}
	text[at] = 0;
	return text;
}

void sim_thread_ends(void)
{
	struct record *me = look();

	if (me->depth)
		sim_fail("unbalanced lock", sentence("a thread ended with",
						     name_of(&me->held[me->depth - 1]), "held", NULL));
	if (me->handle)
		sim_fail("unbalanced handle", "a thread ended with a handle open");
}

/* How many edges that are left begin at a lock, by how it is held there. */
struct node {
	unsigned long lock;
	unsigned int alone, shared;
};

static struct node *node_of(struct node *nodes, unsigned long lock)
{
	unsigned int at = lock * 0x9e3779b97f4a7c15UL >> 54;

	while (nodes[at].lock && nodes[at].lock != lock)
		at = (at + 1) & (SLOTS - 1);
	nodes[at].lock = lock;
	return &nodes[at];
}

static void count_edge(struct node *nodes, const struct edge *edge, int by)
{
	struct node *node = node_of(nodes, edge->outer.lock);

	if (edge->outer.how & SIM_SHARED)
		node->shared += by;
	else
		node->alone += by;
}

/* Whether whoever is at the inner lock of an edge can wait for somebody who goes on from there. */
static bool goes_on(struct node *nodes, const struct edge *edge)
{
	struct node *node = node_of(nodes, edge->inner.lock);

	return node->alone || (!(edge->inner.how & SIM_SHARED) && node->shared);
}

/* An edge that goes on from another one, and was not taken away. */
static struct edge *next_edge(const struct edge *edge)
{
	int t, i;

	for (t = 0; t < SIM_THREADS; t++) {
		for (i = 0; records[t] && i < records[t]->count; i++) {
			struct edge *next = &records[t]->edges[i];

			if (next->gone || next->outer.lock != edge->inner.lock)
				continue;
			if (!(next->outer.how & edge->inner.how & SIM_SHARED))
				return next;
		}
	}
	return NULL;
}

/* Every edge that is left goes on to another: follow them into the circle, and name its first. */
static const struct edge *first_of_circle(struct edge *edge, int edges)
{
	struct edge *first, *at;

	while (edges-- > 0)
		edge = next_edge(edge);
	for (first = edge, at = next_edge(edge); at != edge; at = next_edge(at))
		if (at < first)
			first = at;
	return first;
}

/* Take away what leads nowhere, until nothing changes. */
static struct edge *find_left(struct node *nodes)
{
	struct edge *left;
	bool changed;
	int t, i;

	do {
		changed = false;
		left = NULL;
		for (t = 0; t < SIM_THREADS; t++) {
			for (i = 0; records[t] && i < records[t]->count; i++) {
				struct edge *edge = &records[t]->edges[i];

				if (edge->gone)
					continue;
				if (goes_on(nodes, edge)) {
					left = edge;
					continue;
				}
				edge->gone = changed = true;
				count_edge(nodes, edge, -1);
			}
		}
	} while (changed);
	return left;
}

/* Once, when all threads have ended; also what setup() has left is looked at. */
void sim_end(void)
{
	struct node *nodes = sim_alloc(SLOTS * sizeof(*nodes));
	const struct edge *circle;
	struct edge *left;
	int t, i, edges = 0;

	sim_thread_ends();
	for (t = 0; t < SIM_THREADS; t++)
		for (i = 0; records[t] && i < records[t]->count; i++, edges++)
			count_edge(nodes, &records[t]->edges[i], 1);
	left = find_left(nodes);
	if (!left)
		return;
	circle = first_of_circle(left, edges);
	sim_fail("lock order", sentence(name_of(&circle->outer), "and", name_of(&circle->inner),
					"are taken in both orders"));
}
