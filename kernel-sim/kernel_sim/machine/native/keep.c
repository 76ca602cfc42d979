/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Moments: at some of the points of an execution all that it is made of is kept (threads, their
 * stacks, a mark of the memory). The next one begins at the last moment before the point where it
 * takes another way. Nothing that is seen or counted changes.
 */
#include <stdlib.h>
#include <string.h>
#include "engine.h"

#ifndef STRIDE
#define STRIDE 8 /* points from one moment to the next: a few are run again */
#endif
#define MOST_KEPT (256ull << 20) /* bytes: what comes after that is run again */

struct moment {
	u64 node, kept, steps, visible;
	u32 self, last, depth;
	struct thread threads[MAX_THREADS];
	struct image images[MAX_THREADS];
	struct memory_mark memory;
};

static struct moment *moments;
static u64 moment_count, moment_room;
static struct image images[MAX_THREADS];
static u32 changed; /* threads whose image is not what their stack is */

void keep_forget(void)
{
	moment_count = 0;
	fiber_forget(0);
}

void keep_switched(u32 from)
{
	changed |= 1u << from;
}

static void keep_stacks(void)
{
	for (u32 t = 0; t < thread_count; t++) {
		if (t == self || !(changed >> t & 1))
			continue;
		fiber_keep(t, &images[t]);
	}
	changed = 0;
}

static struct moment *new_moment(void)
{
	if (moment_count == moment_room) {
		moment_room = moment_room ? 2 * moment_room : 64;
		moments = realloc(moments, moment_room * sizeof(*moments));
		if (!moments)
			exit(4);
	}
	return &moments[moment_count++];
}

static void fill(struct moment *m, u64 node)
{
	threads[self].depth = sim_depth;
	threads[self].stack_next = sim_stack_next;
	m->node = node;
	m->steps = sim_steps;
	m->visible = visible_steps;
	m->self = self;
	m->last = last_thread;
	m->depth = sim_depth;
	memcpy(m->threads, threads, thread_count * sizeof(*threads));
	for (u64 t = 0; t < MAX_THREADS; t++)
		m->memory.stack_next[t] = t < thread_count ? threads[t].stack_next :
							     STACKS + t * STACK_SIZE;
	memory_mark(&m->memory);
	keep_stacks();
	memcpy(m->images, images, sizeof(images));
}

static bool is_full(void)
{
	return memory_kept() + fiber_kept() + moment_count * sizeof(*moments) > MOST_KEPT;
}

void keep_point(void)
{
	u64 node = decide_node();
	struct moment *m;

	if (node == NO_NODE || !fiber_can_keep() || memory_is_old() || is_full() ||
	    (moment_count && node < moments[moment_count - 1].node + STRIDE))
		return;
	m = new_moment();
	fill(m, node);
	/* The list may have moved when this comes back: nothing of it is used then. */
	if (!fiber_keep_own(m->self, &m->images[m->self]))
		m->kept = fiber_kept();
}

static void put_back(const struct moment *m)
{
	memory_back(&m->memory);
	memcpy(threads, m->threads, thread_count * sizeof(*threads));
	memcpy(images, m->images, sizeof(images));
	fiber_forget(m->kept);
	for (u32 t = 0; t < thread_count; t++)
		if (threads[t].kind == START)
			fiber_prepare(t, run_thread);
		else if (images[t].length)
			fiber_put_back(t, &images[t]);
	changed = 0;
	self = m->self;
	last_thread = m->last;
	sim_depth = m->depth;
	sim_stack_next = threads[self].stack_next;
	sim_steps = m->steps;
	visible_steps = m->visible;
	concurrent = memory_concurrent = true;
	in_setup = false;
	decide_from(m->node);
}

bool keep_resume(void)
{
	u64 changed_at = decide_changed();

	while (moment_count && moments[moment_count - 1].node > changed_at)
		moment_count--;
	if (!moment_count || memory_is_old()) {
		keep_forget();
		memset(images, 0, sizeof(images));
		changed = 0;
		return false;
	}
	put_back(&moments[moment_count - 1]);
	fiber_switch(MAX_THREADS, self);
	return true;
}
