/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The search tree of one bound: a stack of nodes, one for each point and each choice of the
 * execution that ran last. A port of kernel_sim/explore/tree.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "search.h"

void tree_start(struct tree *tree, enum mode mode, int bound)
{
	for (u64 i = 0; i < tree->room; i++)
		free(tree->stack[i].pending);
	free(tree->stack);
	memset(tree, 0, sizeof(*tree));
	tree->mode = mode;
	keep_histories = mode == MODE_STATES;
	tree->bound = bound;
	tree->sleeping = (mode == MODE_SLEEP || mode == MODE_DPOR) && bound == NO_BOUND;
	seen_clear();
}

void tree_begin(struct tree *tree)
{
	tree->depth = 0;
	tree->used = 0;
	tree->parent = NO_PARENT;
}

void tree_from(struct tree *tree, u64 node)
{
	tree->depth = node;
	tree->used = tree->stack[node].used;
	tree->parent = NO_PARENT;
	while (node > 0 && tree->parent == NO_PARENT)
		if (!tree->stack[--node].values)
			tree->parent = node;
}

/* ---- candidates, in order: the one that ran last, then the others by number ---- */

u32 first_candidate(u32 candidates, u32 last)
{
	return candidates >> last & 1 ? last : (u32)__builtin_ctz(candidates);
}

u32 cost_of(const struct node *node, u32 thread)
{
	return thread != node->thread && node->candidates >> node->thread & 1;
}

static u32 first_of(u32 candidates, u32 last, u32 allowed)
{
	u32 left = candidates & allowed;

	return left ? 1u << first_candidate(left, last) : 0;
}

/* ---- pending accesses ---- */

static void pending_of(struct pending *p, const struct thread *t)
{
	p->present = t->kind != IDLE;
	p->blocking = t->kind == ACQUIRE || t->kind == WAIT;
	p->ranges = p->present && t->kind != START ? (u8)t->ranges : 0;
	memcpy(p->range, t->range, sizeof(p->range));
}

void pending_now(struct pending *pending)
{
	for (u32 i = 0; i < MAX_THREADS; i++)
		pending[i].present = false;
	for (u32 i = 1; i < thread_count; i++)
		pending_of(&pending[i], &threads[i]);
}

bool pending_conflict(const struct pending *one, const struct pending *other)
{
	for (u32 i = 0; i < one->ranges; i++)
		for (u32 j = 0; j < other->ranges; j++) {
			const struct range *a = &one->range[i], *b = &other->range[j];

			if ((a->write || b->write) && a->address < b->address + b->size &&
			    b->address < a->address + a->size)
				return true;
		}
	return false;
}

static u32 inherited(const struct node *parent)
{
	u32 asleep = parent->sleep | parent->done, found = 0;

	for (u32 t = 0; t < MAX_THREADS; t++)
		if (asleep >> t & 1 && parent->pending[t].present &&
		    !pending_conflict(&parent->pending[t], &parent->pending[parent->chosen]))
			found |= 1u << t;
	return found;
}

/* ---- guiding an execution ---- */

/* A new node at `tree->depth`, which is the top but where the shared set has grown. */
static struct node *insert(struct tree *tree, u32 thread, u64 position)
{
	struct node *node;
	struct pending *kept;

	if (tree->size == tree->room) {
		u64 room = tree->room ? 2 * tree->room : 256;

		tree->stack = realloc(tree->stack, room * sizeof(*node));
		if (!tree->stack)
			exit(4);
		memset(tree->stack + tree->room, 0, (room - tree->room) * sizeof(*node));
		tree->room = room;
	}
	node = &tree->stack[tree->depth];
	kept = tree->stack[tree->size].pending;
	memmove(node + 1, node, (tree->size++ - tree->depth) * sizeof(*node));
	memset(node, 0, sizeof(*node));
	node->pending = kept;
	node->thread = thread;
	node->position = position;
	return node;
}

static void drop(struct tree *tree)
{
	struct node *node = &tree->stack[tree->depth];
	struct pending *kept = node->pending;

	memmove(node, node + 1, (--tree->size - tree->depth) * sizeof(*node));
	tree->stack[tree->size].pending = kept;
}

static void keep_pending(struct tree *tree, struct node *node)
{
	if (tree->mode != MODE_SLEEP && tree->mode != MODE_DPOR)
		return;
	if (!node->pending)
		node->pending = malloc(MAX_THREADS * sizeof(*node->pending));
	if (!node->pending)
		exit(4);
	pending_now(node->pending);
}

static struct node *follow(struct tree *tree, u32 thread, u64 position)
{
	struct node *node = &tree->stack[tree->depth++];

	if (node->thread != thread || node->position != position)
		tree->repeat_error = true;
	return node;
}

u32 tree_choose(struct tree *tree, u32 thread, u64 position, u32 values)
{
	struct node *node;

	if (tree->depth == tree->size)
		insert(tree, thread, position)->values = values;
	node = follow(tree, thread, position);
	if (node->values != values) {
		tree->repeat_error = true;
		return 0;
	}
	return node->chosen;
}

static u32 next_of(struct tree *tree, const struct node *node)
{
	u32 left = node->backtrack & ~node->done & ~node->sleep & node->candidates;

	while (left) {
		u32 thread = first_candidate(left, node->thread);

		left &= ~(1u << thread);
		if (tree->bound == NO_BOUND || (int)(node->used + cost_of(node, thread)) <= tree->bound)
			return thread;
		tree->refused = true;
	}
	return NO_THREAD;
}

static bool was_seen(const struct tree *tree, u32 last)
{
	u64 state[2];

	run_state(state, last);
	return seen_before(state, tree->bound == NO_BOUND ? 0 : tree->bound - (int)tree->used);
}

static bool new_node(struct tree *tree, u32 last, u64 position, u32 candidates)
{
	struct node *node;

	if (tree->mode == MODE_STATES && was_seen(tree, last))
		return false;
	node = insert(tree, last, position);
	node->candidates = candidates;
	node->used = tree->used;
	keep_pending(tree, node);
	if (tree->sleeping && tree->parent != NO_PARENT)
		node->sleep = inherited(&tree->stack[tree->parent]);
	node->backtrack = tree->mode == MODE_DPOR ? first_of(candidates, last, ~node->sleep) :
						    candidates;
	node->chosen = next_of(tree, node);
	if (node->chosen != NO_THREAD)
		return true;
	drop(tree);
	return false;
}

/* Whether a point has come up before the next node because the shared set has grown. */
static bool is_between(const struct tree *tree, u32 last, u64 position, u32 candidates)
{
	const struct node *node = &tree->stack[tree->depth];
	bool known = node->thread == last && node->position == position;

	return tree->growing && !known && candidates >> last & 1;
}

u32 tree_pick(struct tree *tree, u32 last, u64 position, u32 candidates)
{
	struct node *node;

	if ((tree->depth == tree->size || is_between(tree, last, position, candidates)) &&
	    !new_node(tree, last, position, candidates))
		return NO_THREAD;
	node = follow(tree, last, position);
	if (node->values || node->candidates != candidates) {
		tree->repeat_error = true;
		return NO_THREAD;
	}
	tree->used += cost_of(node, node->chosen);
	tree->parent = tree->depth - 1;
	return node->chosen;
}

/* ---- between executions ---- */

void tree_learn(struct tree *tree, u64 first, bool cut)
{
	static struct node **events;
	static u64 room;
	static struct pending pending[MAX_THREADS];
	u64 count = 0, skip = 0;

	if (tree->mode != MODE_DPOR)
		return;
	if (tree->size > room) {
		room = tree->room;
		events = realloc(events, room * sizeof(struct node *));
		if (!events)
			exit(4);
	}
	for (u64 i = 0; i < tree->size; i++) {
		if (tree->stack[i].values)
			continue;
		skip += i < first;
		events[count++] = &tree->stack[i];
	}
	pending_now(pending);
	if (cut)
		memset(pending, 0, sizeof(pending));
	races_add_points(events, count, skip, pending, tree->bound != NO_BOUND);
}

bool tree_grow(struct tree *tree, u64 first)
{
	if (tree->mode != MODE_DPOR)
		return false;
	tree->growing = true;
	if (tree->size > first + 1)
		tree->size = first + 1;
	return true;
}

bool tree_advance(struct tree *tree)
{
	tree->growing = false;
	while (tree->size > tree->floor) {
		struct node *node = &tree->stack[tree->size - 1];

		if (node->values) {
			if (++node->chosen < node->values)
				return true;
		} else {
			node->done |= 1u << node->chosen;
			node->chosen = next_of(tree, node);
			if (node->chosen != NO_THREAD)
				return true;
		}
		tree->size--;
	}
	return false;
}

void tree_schedule(const struct tree *tree, char *text, u64 room)
{
	u64 at = 0;

	snprintf(text, room, "-");
	for (u64 i = 0; i < tree->size; i++) {
		const struct node *n = &tree->stack[i];

		if (n->chosen == (n->values ? 0 : first_candidate(n->candidates, n->thread)))
			continue;
		if (at + 64 >= room)
			report_error("the schedule is too long to be written");
		at += (u64)snprintf(text + at, room - at, "%s%u@%llu%c%u", at ? "," : "", n->thread,
				    (unsigned long long)n->position, n->values ? '=' : '>',
				    n->chosen);
	}
}
