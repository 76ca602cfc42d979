/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Following a schedule that is written down; kernel_sim/explore/schedule.py has its form.
 */
#include <stdio.h>
#include <stdlib.h>
#include "search.h"

struct deviation {
	u32 thread, value;
	u64 position;
	bool choice, used;
};

static struct deviation *list;
static u64 count;
static char problem[160];

static void add(const char *text)
{
	unsigned long long position;
	struct deviation *d;
	char mark;

	list = realloc(list, (count + 1) * sizeof(*list));
	if (!list)
		exit(4);
	d = &list[count++];
	d->used = false;
	if (sscanf(text, "%u@%llu%c%u", &d->thread, &position, &mark, &d->value) != 4)
		snprintf(problem, sizeof(problem), "%.60s is no deviation of a schedule", text);
	d->position = position;
	d->choice = mark == '=';
}

void replay_start(const char *schedule)
{
	if (schedule[0] == '-' && !schedule[1])
		return;
	add(schedule);
	for (; *schedule && !problem[0]; schedule++)
		if (*schedule == ',')
			add(schedule + 1);
}

static u32 take(u32 thread, u64 position, bool choice, u32 otherwise)
{
	for (u64 i = 0; i < count; i++)
		if (list[i].thread == thread && list[i].position == position &&
		    list[i].choice == choice) {
			list[i].used = true;
			return list[i].value;
		}
	return otherwise;
}

bool replay_stop(u32 thread, u64 position)
{
	for (u64 i = 0; i < count; i++)
		if (list[i].thread == thread && list[i].position == position && !list[i].choice)
			return true;
	return false;
}

u32 replay_pick(u32 last, u64 position, u32 candidates)
{
	u32 thread = take(last, position, false, first_candidate(candidates, last));

	if (!problem[0] && (thread >= MAX_THREADS || !(candidates >> thread & 1)))
		snprintf(problem, sizeof(problem), "thread %u cannot go on at %u@%llu", thread,
			 last, (unsigned long long)position);
	return problem[0] ? NO_THREAD : thread;
}

u32 replay_choose(u32 thread, u64 position, u32 values)
{
	u32 value = take(thread, position, true, 0);

	if (value < values)
		return value;
	if (!problem[0])
		snprintf(problem, sizeof(problem), "there is no value %u at %u@%llu", value, thread,
			 (unsigned long long)position);
	return 0;
}

const char *replay_error(void)
{
	for (u64 i = 0; i < count && !problem[0]; i++)
		if (!list[i].used)
			snprintf(problem, sizeof(problem), "the program did not come to %u@%llu%c%u",
				 list[i].thread, (unsigned long long)list[i].position,
				 list[i].choice ? '=' : '>', list[i].value);
	return problem[0] ? problem : NULL;
}
