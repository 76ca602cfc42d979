/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bounds in turn, rounds until no new location is shared, and what was found. A port of
 * kernel_sim/explore/search.py, which says when no round has to begin anew.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "search.h"

struct tree the_tree;
struct search the_search;

static bool replaying;

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- what an execution asks ---- */

u32 decide_next(u32 last, u64 position, u32 candidates)
{
	if (replaying)
		return replay_pick(last, position, candidates);
	if (the_search.options.pct_depth)
		return pct_pick(last, position, candidates);
	return tree_pick(&the_tree, last, position, candidates);
}

u32 decide_value(u32 thread, u64 position, u32 values)
{
	if (replaying)
		return replay_choose(thread, position, values);
	if (the_search.options.pct_depth)
		return pct_choose(thread, position, values);
	return tree_choose(&the_tree, thread, position, values);
}

static bool keeping; /* the tree is searched by this process alone, one execution after another */

u64 decide_node(void)
{
	return keeping && the_tree.depth == the_tree.size ? the_tree.depth : NO_NODE;
}

u64 decide_changed(void)
{
	return keeping ? the_tree.size - 1 : 0;
}

void decide_from(u64 node)
{
	tree_from(&the_tree, node);
}

bool decide_stop(u32 thread, u64 position)
{
	return replaying && replay_stop(thread, position);
}

/* ---- taking note ---- */

void note_reason(struct reasons *reasons, const char *text)
{
	for (u32 i = 0; i < reasons->count; i++)
		if (!strcmp(reasons->text[i], text))
			return;
	if (reasons->count == MAX_REASONS)
		return;
	if (reasons->count == MAX_REASONS - 1)
		text = "more reasons than are kept";
	snprintf(reasons->text[reasons->count++], sizeof(*reasons->text), "%s", text);
}

static void keep_failure(struct failure *kept, bool *has)
{
	if (*has)
		return;
	*has = true;
	strcpy(kept->kind, outcome.kind);
	strcpy(kept->text, outcome.text);
	kept->thread = outcome.thread;
	kept->site = outcome.site;
	if (the_search.options.pct_depth)
		strcpy(kept->schedule, pct_schedule());
	else
		tree_schedule(&the_tree, kept->schedule, sizeof(kept->schedule));
}

void note_failure(bool grown)
{
	struct search *s = &the_search;

	s->failures += !grown;
	if (grown)
		keep_failure(&s->spare, &s->has_spare);
	else
		keep_failure(&s->failure, &s->failed);
}

void progress(void)
{
	static double next;
	double time = now();
	u64 done = the_search.executions;

	if (jobs_executions)
		done = __atomic_add_fetch(jobs_executions, 256, __ATOMIC_RELAXED);
	if (jobs_silent || time < next)
		return;
	if (next > 0)
		fprintf(stderr, "progress executions %llu bound %d\n",
			(unsigned long long)done, the_tree.bound);
	next = time + 0.5;
}

static void count_execution(struct counts *counts)
{
	counts->executions++;
	counts->pruned += outcome.end == CUT;
	counts->steps += sim_steps;
	counts->visible += visible_steps;
}

enum verdict search_one(struct counts *counts)
{
	bool grown;

	tree_begin(&the_tree);
	run_execution();
	if (the_tree.repeat_error) {
		report_error("the engine did not repeat an execution");
		return STOP;
	}
	grown = memory_found_count > 0;
	the_search.executions++;
	if (!grown)
		count_execution(counts);
	if (outcome.end == FAILED)
		note_failure(grown);
	if (outcome.end == UNSURE)
		note_reason(&the_search.reasons, outcome.text);
	if (!(the_search.executions & 255))
		progress();
	if (grown) {
		for (u64 i = 0; i < memory_found_count; i++)
			memory_share(memory_found[i]);
		return GROWN;
	}
	return outcome.end == FAILED && !the_search.options.keep_going ? STOP : GO_ON;
}

/* ---- the order of things ---- */

bool search_is_spent(void)
{
	const struct options *o = &the_search.options;

	if (o->executions && the_search.executions >= o->executions)
		return true;
	return o->seconds > 0 && now() >= the_search.end;
}

static enum verdict one_process(struct counts *counts, bool *complete)
{
	u64 first = 0;

	while (!*complete && !search_is_spent()) {
		enum verdict verdict = search_one(counts);

		if (verdict == GROWN && tree_grow(&the_tree, first)) {
			keep_forget();
			first = 0;
			the_search.rounds++;
			continue;
		}
		if (verdict != GO_ON)
			return verdict;
		tree_learn(&the_tree, first, outcome.end == CUT);
		*complete = !tree_advance(&the_tree);
		first = the_tree.size - 1;
	}
	return GO_ON;
}

static bool may_split(void)
{
	const struct options *o = &the_search.options;

	return o->jobs > 1 && o->mode == MODE_NONE && !o->executions && !o->keep_going;
}

/* False where an execution showed a new shared location. */
static bool one_bound(int bound)
{
	struct counts counts = { 0, 0, 0, 0 };
	bool complete = false;
	enum verdict verdict;

	tree_start(&the_tree, the_search.options.mode, bound);
	keep_forget();
	keeping = !may_split();
	verdict = (may_split() ? jobs_explore : one_process)(&counts, &complete);
	if (verdict == GROWN)
		return false;
	the_search.covered[the_search.covered_count++] =
		(struct covered){ bound, counts, complete, the_tree.refused };
	return true;
}

static bool one_round(void)
{
	int highest = the_search.options.highest;

	the_search.covered_count = 0;
	the_search.reasons.count = 0;
	the_search.failures = 0;
	the_search.failed = false;
	for (int bound = highest == NO_BOUND ? NO_BOUND : 0; bound <= highest; bound++) {
		const struct covered *covered;

		if (!one_bound(bound))
			return false;
		covered = &the_search.covered[the_search.covered_count - 1];
		if (!covered->complete || !covered->refused)
			break;
	}
	return true;
}

void search_explore(void)
{
	the_search.end = now() + the_search.options.seconds;
	while (!one_round())
		the_search.rounds++;
	the_search.rounds++;
	if (!the_search.failed && the_search.has_spare) {
		the_search.failed = true;
		the_search.failure = the_search.spare;
		the_search.failures++;
	}
	report_search();
}

void search_replay(void)
{
	replaying = tracing = true;
	replay_start(the_search.options.replay);
	run_execution();
	report_replay();
}
