/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Random schedules by priorities. A port of kernel_sim/explore/pct.py: the same seed gives the
 * same schedules.
 */
#include <stdio.h>
#include <string.h>
#include "search.h"

#define MULTIPLIER 0x2545f4914f6cdd1dull
#define SPREAD 0x9e3779b97f4a7c15ull
#define MAX_DEPTH 64

static u64 state, step, events;
static u32 priorities[MAX_THREADS];
static u64 changes[MAX_DEPTH];
static bool begun;
static char schedule[MAX_SCHEDULE];
static u64 length;

static u64 below(u64 limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * MULTIPLIER >> 32) % limit;
}

static void start(u64 seed, u64 execution)
{
	state = seed + (execution + 1) * SPREAD;
	if (!state)
		state = SPREAD;
	for (int i = 0; i < 4; i++)
		below(1);
	begun = false;
	step = length = 0;
	strcpy(schedule, "-");
}

static void draw(void)
{
	u32 depth = the_search.options.pct_depth;

	for (u32 n = 0; n < thread_count; n++)
		priorities[n] = depth + n;
	for (u32 n = thread_count - 1; n > 0; n--) {
		u64 other = below(n + 1);
		u32 kept = priorities[n];

		priorities[n] = priorities[other];
		priorities[other] = kept;
	}
	for (u32 n = 0; n + 1 < depth; n++)
		changes[n] = below(events);
	begun = true;
}

static u32 highest(u32 candidates)
{
	u32 best = NO_THREAD;

	for (u32 n = 0; n < MAX_THREADS; n++)
		if (candidates >> n & 1 &&
		    (best == NO_THREAD || priorities[n] > priorities[best]))
			best = n;
	return best;
}

static void deviate(u32 thread, u64 position, char mark, u32 value)
{
	if (length + 64 >= sizeof(schedule))
		report_error("the schedule is too long to be written");
	length += (u64)snprintf(schedule + length, sizeof(schedule) - length, "%s%u@%llu%c%u",
				length ? "," : "", thread, (unsigned long long)position, mark,
				value);
}

u32 pct_pick(u32 last, u64 position, u32 candidates)
{
	u32 best;

	if (!begun)
		draw();
	best = highest(candidates);
	for (u32 n = 0; n + 1 < the_search.options.pct_depth; n++)
		if (changes[n] == step) {
			priorities[best] = n;
			best = highest(candidates);
		}
	step++;
	if (best != first_candidate(candidates, last))
		deviate(last, position, '>', best);
	return best;
}

u32 pct_choose(u32 thread, u64 position, u32 values)
{
	u32 value = (u32)below(values);

	if (value)
		deviate(thread, position, '=', value);
	return value;
}

const char *pct_schedule(void)
{
	return schedule;
}

static void one(struct counts *counts, u64 *grown)
{
	struct search *s = &the_search;

	start(s->options.seed, s->executions);
	run_execution();
	s->executions++;
	counts->executions++;
	counts->steps += sim_steps;
	counts->visible += visible_steps;
	if (visible_steps > events)
		events = visible_steps;
	*grown += memory_found_count > 0;
	for (u64 i = 0; i < memory_found_count; i++)
		memory_share(memory_found[i]);
	if (outcome.end == FAILED)
		note_failure(false);
	if (outcome.end == UNSURE)
		note_reason(&s->reasons, outcome.text);
	if (!(s->executions & 255))
		progress();
}

void pct_explore(void)
{
	struct counts counts = { 0, 0, 0, 0 };
	struct search *s = &the_search;
	u64 grown = 0;

	events = 1;
	s->end = now() + s->options.seconds;
	while (!s->failed && !search_is_spent())
		one(&counts, &grown);
	s->rounds = grown + 1;
	s->covered[s->covered_count++] = (struct covered){ NO_BOUND, counts, false, false };
	report_search();
}
