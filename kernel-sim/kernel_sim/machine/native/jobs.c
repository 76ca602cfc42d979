/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One bound of mode `none` in several processes, with the counts of one.
 *
 * The first execution is run here. What is left of the tree are the subtrees at the alternatives
 * along its way, in the order in which one process would come to them. Processes take the next
 * subtree by turns. What one process would do after an execution that ends the round (a failure,
 * a new shared location) does not count: of the subtrees, those up to the first such one do.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "search.h"

#define MAX_JOBS 64
#define MAX_FOUND 65536

struct subtree {
	u64 size;
	u32 chosen;
	bool refused; /* something was refused on the way to it */
};

struct part {
	struct counts counts;
	bool refused, finished;
};

struct worker {
	u64 event; /* the subtree that it stopped in, or ~0 */
	enum verdict verdict;
	struct failure failure;
	bool failed;
	u64 found_count, found[MAX_FOUND];
	struct reasons reasons;
	u64 reason_subtree[MAX_REASONS];
};

struct common {
	u64 next, first_event, executions;
	struct worker workers[MAX_JOBS];
	struct part parts[];
};

static struct subtree *subtrees;
static u64 subtree_count;
static struct common *common;

u64 *jobs_executions; /* of all processes; NULL in one alone */
bool jobs_silent;

/* ---- the subtrees ---- */

static bool list_subtrees(void)
{
	u64 room = 0;

	subtree_count = 0;
	while (tree_advance(&the_tree)) {
		const struct node *top = &the_tree.stack[the_tree.size - 1];

		if (subtree_count == room) {
			room = room ? 2 * room : 256;
			subtrees = realloc(subtrees, room * sizeof(*subtrees));
			if (!subtrees)
				exit(4);
		}
		subtrees[subtree_count++] =
			(struct subtree){ the_tree.size, top->chosen, the_tree.refused };
	}
	return subtree_count > 0;
}

/* ---- in a process of its own ---- */

static void keep_event(struct worker *w, u64 number, enum verdict verdict)
{
	u64 first = __atomic_load_n(&common->first_event, __ATOMIC_SEQ_CST);

	w->event = number;
	w->verdict = verdict;
	w->failed = verdict == GROWN ? the_search.has_spare : the_search.failed;
	w->failure = verdict == GROWN ? the_search.spare : the_search.failure;
	w->found_count = verdict == GROWN ? memory_found_count : 0;
	if (w->found_count > MAX_FOUND)
		_exit(8);
	for (u64 i = 0; i < w->found_count; i++)
		w->found[i] = memory_found[i];
	while (number < first &&
	       !__atomic_compare_exchange_n(&common->first_event, &first, number, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static void keep_reasons(struct worker *w, u64 number)
{
	for (u32 i = w->reasons.count; i < the_search.reasons.count; i++) {
		strcpy(w->reasons.text[i], the_search.reasons.text[i]);
		w->reason_subtree[i] = number;
	}
	w->reasons.count = the_search.reasons.count;
}

/* Whether the process is to go on to another subtree. */
static bool run_subtree(struct worker *w, u64 number)
{
	struct part *part = &common->parts[number];

	memcpy(&the_tree.stack[subtrees[number].size - 1].chosen, &subtrees[number].chosen,
	       sizeof(u32));
	the_tree.size = the_tree.floor = subtrees[number].size;
	the_tree.refused = false;
	do {
		enum verdict verdict;

		if (search_is_spent() || common->first_event < number) {
			keep_reasons(w, number);
			return false;
		}
		verdict = search_one(&part->counts);
		if (verdict != GO_ON) {
			part->refused = the_tree.refused;
			keep_event(w, number, verdict);
			return false;
		}
	} while (tree_advance(&the_tree));
	keep_reasons(w, number);
	part->refused = the_tree.refused;
	part->finished = true;
	return true;
}

static _Noreturn void work(u32 index, const struct node *way, u64 length)
{
	struct worker *w = &common->workers[index];
	u64 number;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	jobs_silent = index > 0;
	the_search.reasons.count = 0;
	the_search.has_spare = the_search.failed = false;
	do {
		number = __atomic_fetch_add(&common->next, 1, __ATOMIC_SEQ_CST);
		if (number >= subtree_count)
			break;
		memcpy(the_tree.stack, way, length * sizeof(*way));
	} while (run_subtree(w, number));
	_exit(0);
}

/* ---- in the first process ---- */

static void start_all(const struct node *way, u64 length, pid_t *processes)
{
	u32 jobs = the_search.options.jobs;

	for (u32 i = 0; i < jobs; i++) {
		common->workers[i].event = ~0ull;
		processes[i] = fork();
		if (!processes[i])
			work(i, way, length);
		if (processes[i] < 0)
			report_error("a process of the search cannot be started");
	}
}

static void wait_all(const pid_t *processes)
{
	int status;

	for (u32 i = 0; i < the_search.options.jobs; i++)
		if (waitpid(processes[i], &status, 0) < 0 || status)
			report_error("a process of the search ended before its time");
}

static const struct worker *first_worker(void)
{
	for (u32 i = 0; i < the_search.options.jobs; i++)
		if (common->workers[i].event == common->first_event && common->first_event != ~0ull)
			return &common->workers[i];
	return NULL;
}

static void add_counts(struct counts *counts, const struct counts *other)
{
	counts->executions += other->executions;
	counts->pruned += other->pruned;
	counts->steps += other->steps;
	counts->visible += other->visible;
	the_search.executions += other->executions;
}

static void merge_reasons(void)
{
	u32 at[MAX_JOBS] = { 0 }, jobs = the_search.options.jobs, best;

	do {
		best = jobs;
		for (u32 i = 0; i < jobs; i++) {
			const struct worker *w = &common->workers[i];

			if (at[i] < w->reasons.count &&
			    (best == jobs ||
			     w->reason_subtree[at[i]] <
				     common->workers[best].reason_subtree[at[best]]))
				best = i;
		}
		if (best < jobs)
			note_reason(&the_search.reasons,
				    common->workers[best].reasons.text[at[best]++]);
	} while (best < jobs);
}

static enum verdict take_event(const struct worker *w)
{
	if (w->verdict == GROWN) {
		the_search.executions++; /* counted by no part */
		if (w->failed && !the_search.has_spare) {
			the_search.has_spare = true;
			the_search.spare = w->failure;
		}
		for (u64 i = 0; i < w->found_count; i++)
			memory_share(w->found[i]);
		return GROWN;
	}
	the_search.failed = true;
	the_search.failures = 1;
	the_search.failure = w->failure;
	return STOP;
}

static enum verdict collect(struct counts *counts, bool *complete)
{
	const struct worker *event = first_worker();
	u64 end = event ? event->event + 1 : subtree_count;
	bool refused = event ? subtrees[event->event].refused : the_tree.refused;

	*complete = !event;
	for (u64 i = 0; i < end; i++) {
		add_counts(counts, &common->parts[i].counts);
		refused |= common->parts[i].refused;
		*complete &= common->parts[i].finished;
	}
	the_tree.refused = refused;
	if (event)
		return take_event(event);
	merge_reasons();
	return GO_ON;
}

static enum verdict explore_rest(struct counts *counts, bool *complete, struct node *way,
				 u64 length)
{
	u64 size = sizeof(*common) + subtree_count * sizeof(struct part);
	pid_t processes[MAX_JOBS];
	enum verdict verdict;

	common = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (common == MAP_FAILED)
		exit(4);
	common->first_event = ~0ull;
	common->executions = the_search.executions;
	jobs_executions = &common->executions;
	start_all(way, length, processes);
	wait_all(processes);
	jobs_executions = NULL;
	verdict = collect(counts, complete);
	munmap(common, size);
	return verdict;
}

enum verdict jobs_explore(struct counts *counts, bool *complete)
{
	enum verdict verdict;
	struct node *way;
	u64 length;

	if (search_is_spent())
		return GO_ON;
	verdict = search_one(counts);
	if (verdict != GO_ON)
		return verdict;
	length = the_tree.size;
	way = malloc((length + 1) * sizeof(*way));
	if (!way)
		exit(4);
	memcpy(way, the_tree.stack, length * sizeof(*way));
	if (list_subtrees())
		verdict = explore_rest(counts, complete, way, length);
	else
		*complete = true;
	free(way);
	return verdict;
}
