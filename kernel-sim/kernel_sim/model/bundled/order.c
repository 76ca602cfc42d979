// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order in which threads take locks. What a thread did stands in memory that no other thread
 * touches before check(), so that watching adds nothing to what schedules are about. Two classes
 * that were taken in both orders are reported even where no schedule came to a deadlock.
 *
 * A handle is a lock as well: a commit waits until all are closed. The tree opens it in its own
 * way, so it is noticed at the next lock that its thread takes or drops. The commit itself must never
 * open one: where the log is full it would wait for itself. Locks of one class inside one another are
 * not compared.
 */
#include "kit.h"

#define NAMED	32

struct watched {
	int held[CLASSES];
	bool handle;
	unsigned long inside[CLASSES];	/* classes taken while this one was held */
	unsigned long padding;
};

static struct watched threads[THREADS];
static struct {
	const void *lock;
	enum lock_class class;
} named[NAMED];
static int names;

static const char *const reports[CLASSES] = {
	[CLASS_BUFFER_STATE] = "a buffer's state lock",
	[CLASS_PAGE] = "a page lock",
	[CLASS_HANDLE] = "a handle",
	[CLASS_JOURNAL_STATE] = "j_state_lock",
	[CLASS_JOURNAL_LIST] = "j_list_lock",
	[CLASS_INODE] = "i_rwsem",
	[CLASS_MAPPING] = "a mapping's i_lock",
	[CLASS_COMMIT] = "the commit",
};

/* During setup only; later the table does not change. */
void lock_named(const void *lock, enum lock_class class)
{
	if (names == NAMED)
		sim_inconclusive("too many locks have a name");
	named[names].lock = lock;
	named[names++].class = class;
}

enum lock_class class_of(const void *lock)
{
	int i;

	for (i = 0; i < names; i++)
		if (named[i].lock == lock)
			return named[i].class;
	return CLASS_BUFFER_STATE;
}

static void note(struct watched *me, enum lock_class class)
{
	int held;

	for (held = 0; held < CLASSES; held++)
		if (me->held[held] && held != class)
			me->inside[held] |= 1UL << class;
}

static struct watched *look(void)
{
	struct watched *me = &threads[sim_self()];
	bool handle = journal_current_handle();

	if (handle && !me->handle) {
		note(me, CLASS_HANDLE);
		if (me->held[CLASS_COMMIT])
			sim_fail("lock order", "a commit opens a handle");
	}
	me->handle = handle;
	me->held[CLASS_HANDLE] = handle;
	return me;
}

void lock_taken(enum lock_class class)
{
	struct watched *me = look();

	note(me, class);
	me->held[class]++;
}

void lock_dropped(enum lock_class class)
{
	look()->held[class]--;
}

const char *lock_held(void)
{
	struct watched *me = &threads[sim_self()];
	int class;

	for (class = 0; class < CLASSES; class++)
		if (class != CLASS_HANDLE && me->held[class])
			return reports[class];
	return NULL;
}

/* Also where the circle goes by a third class. */
void compare_lock_orders(void)
{
	unsigned long inside[CLASSES] = { 0 };
	int a, b, t;

	for (a = 0; a < CLASSES; a++)
		for (t = 0; t < THREADS; t++)
			inside[a] |= threads[t].inside[a];
	for (b = 0; b < CLASSES; b++)
		for (a = 0; a < CLASSES; a++)
			if (inside[a] >> b & 1)
				inside[a] |= inside[b];
	for (a = 0; a < CLASSES; a++)
		if (inside[a] >> a & 1)
			sim_fail("lock order", reports[a]);
}
