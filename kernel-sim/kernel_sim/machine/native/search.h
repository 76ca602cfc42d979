/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The search: a port of kernel_sim/explore (tree.py, races.py, search.py, pct.py), which says what
 * every part means. Sets of threads are bit masks.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include "engine.h"

#define NO_BOUND (-1)

enum mode { MODE_NONE, MODE_SLEEP, MODE_DPOR, MODE_STATES };

struct pending {
	bool present, blocking;
	u8 ranges;
	struct range range[2];
};

struct node {
	u64 position;
	u32 thread, chosen, values; /* values is 0 at a point */
	u32 candidates, used, sleep, backtrack, done;
	u32 count, clock[MAX_THREADS];
	struct pending *pending; /* MAX_THREADS of them, in modes sleep and dpor */
};

struct tree {
	enum mode mode;
	int bound;
	bool sleeping, refused, repeat_error, growing;
	struct node *stack;
	u64 depth, size, room, floor; /* nodes below `floor` are not advanced */
	u32 used;
	u64 parent; /* number of the last point on the way, or NO_PARENT */
};

#define NO_PARENT (~0ull)

void tree_start(struct tree *tree, enum mode mode, int bound);
void tree_begin(struct tree *tree);
void tree_from(struct tree *tree, u64 node); /* as tree_begin(), when all before this node was met */
u32 tree_pick(struct tree *tree, u32 last, u64 position, u32 candidates);
u32 tree_choose(struct tree *tree, u32 thread, u64 position, u32 values);
void tree_learn(struct tree *tree, u64 first, bool cut);
bool tree_grow(struct tree *tree, u64 first);
bool tree_advance(struct tree *tree);
void tree_schedule(const struct tree *tree, char *text, u64 room);

u32 first_candidate(u32 candidates, u32 last);
u32 cost_of(const struct node *node, u32 thread);
void pending_now(struct pending *pending); /* of every thread, as it stands */
bool pending_conflict(const struct pending *one, const struct pending *other);

void races_add_points(struct node **events, u64 count, u64 first, const struct pending *pending,
		      bool bounded);

void seen_clear(void);
bool seen_before(const u64 state[2], int left); /* and enters it if not */

/* ---- search.c ---- */

struct options {
	enum mode mode;
	int highest; /* bounds 0..highest in turn, or NO_BOUND for one without */
	u64 executions;
	double seconds; /* 0: no limit, as for executions */
	u32 jobs;
	bool keep_going;
	const char *replay;
	u64 seed;
	u32 pct_depth; /* 0: not a random search */
};

struct counts {
	u64 executions, pruned, steps, visible;
};

struct covered {
	int bound;
	struct counts counts;
	bool complete, refused;
};

#define MAX_SCHEDULE (256u << 10)

struct failure {
	char kind[4200], text[4200], schedule[MAX_SCHEDULE];
	u32 thread, site;
};

#define MAX_REASONS 32

struct reasons {
	u32 count;
	char text[MAX_REASONS][4200];
};

struct search {
	struct options options;
	struct covered covered[64];
	u32 covered_count;
	u64 rounds, executions, failures;
	double end;
	bool failed, has_spare;
	struct failure failure;
	struct failure spare; /* came with new shared locations: only where nothing else is found */
	struct reasons reasons;
};

extern struct tree the_tree;
extern struct search the_search;

enum verdict { GO_ON, GROWN, STOP };

void search_explore(void);
void search_replay(void);
bool search_is_spent(void);
enum verdict search_one(struct counts *counts); /* run one execution and take note of it */
void note_reason(struct reasons *reasons, const char *text);
void note_failure(bool grown);
void progress(void);
double now(void);

/* ---- jobs.c: the rest of the tree after its first execution, in several processes ---- */

enum verdict jobs_explore(struct counts *counts, bool *complete);
extern u64 *jobs_executions; /* of all processes; NULL where there is one alone */
extern bool jobs_silent;     /* another process tells the progress */

/* ---- pct.c ---- */

void pct_explore(void);
u32 pct_pick(u32 last, u64 position, u32 candidates);
u32 pct_choose(u32 thread, u64 position, u32 values);
const char *pct_schedule(void);

/* ---- replay.c ---- */

void replay_start(const char *schedule);
u32 replay_pick(u32 last, u64 position, u32 candidates);
u32 replay_choose(u32 thread, u64 position, u32 values);
bool replay_stop(u32 thread, u64 position);
const char *replay_error(void); /* why the program does not run by the schedule, or NULL */

/* ---- report.c ---- */

void report_search(void);
void report_replay(void);
void report_error(const char *text);

#endif
