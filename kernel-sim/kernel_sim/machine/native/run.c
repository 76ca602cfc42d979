/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One execution: setup, the concurrent part, check; who can go on; how it ends.
 *
 * Setup runs alone and always in the same way, so what it leaves is kept and gone back to, unless
 * it makes choices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "engine.h"

struct thread threads[MAX_THREADS];
struct outcome outcome;
u32 thread_count, self, last_thread, sim_depth;
u64 visible_steps, sim_steps, sim_step_limit = 2000000, sim_stack_next;
u8 *sim_ran;
bool concurrent, in_setup;

static char names[MAX_THREADS][4104];
static bool setup_kept, chose;
static struct {
	struct thread threads[MAX_THREADS];
	u32 thread_count;
	u64 steps;
} after_setup;

/* ---- endings ---- */

static _Noreturn void leave(void)
{
	fiber_switch(self, MAX_THREADS);
	__builtin_unreachable();
}

static _Noreturn void end_with(enum end end, u32 thread, const char *kind, const char *text,
			       u32 site)
{
	outcome.end = end;
	outcome.thread = thread;
	outcome.site = site;
	snprintf(outcome.kind, sizeof(outcome.kind), "%s", kind);
	snprintf(outcome.text, sizeof(outcome.text), "%s", text);
	leave();
}

_Noreturn void run_fail(const char *kind, const char *text, u32 site)
{
	end_with(FAILED, self, kind, text, site);
}

_Noreturn void run_unsure(const char *reason, u32 site)
{
	end_with(UNSURE, self, "", reason, site);
}

static _Noreturn void deadlock(u32 stuck)
{
	char text[sizeof(outcome.text)] = "";
	u64 at = 0;

	for (u32 i = 0; i < thread_count && at < sizeof(text); i++) {
		const struct sim_site *site = &sim_sites[threads[i].site];

		if (threads[i].kind == IDLE)
			continue;
		at += (u64)snprintf(text + at, sizeof(text) - at, "%s%s (%u) waits at %s:%u",
				    at ? "; " : "", names[i], i,
				    sim_functions[site->function].path, site->line);
	}
	end_with(FAILED, stuck, "deadlock", text, threads[stuck].site);
}

/* ---- who goes on ---- */

static u32 enabled_threads(void)
{
	u32 found = 0;

	for (u32 i = 0; i < thread_count; i++)
		if (threads[i].kind != IDLE && access_ready(&threads[i]))
			found |= 1u << i;
	return found;
}

static void check_rest(void)
{
	for (u32 i = 0; i < thread_count; i++)
		if (threads[i].kind != IDLE && !threads[i].daemon)
			deadlock(i);
}

/* The thread that goes on, or 0 where the concurrent part has ended well. */
static u32 pick(void)
{
	u32 candidates = enabled_threads(), next;

	if (!candidates) {
		check_rest();
		return 0;
	}
	keep_point();
	next = decide_next(last_thread, last_thread ? threads[last_thread].count : 0, candidates);
	if (next == NO_THREAD)
		end_with(CUT, self, "", "", 0);
	last_thread = next;
	visible_steps++;
	return next;
}

static void switch_to(u32 next)
{
	u32 from = self;

	if (next == from)
		return;
	threads[from].depth = sim_depth;
	threads[from].stack_next = sim_stack_next;
	self = next;
	sim_depth = threads[next].depth;
	sim_stack_next = threads[next].stack_next;
	keep_switched(from);
	fiber_switch(from, next);
}

void run_switch(u32 ranges, const struct range *range, enum kind kind, u64 mask, u64 want)
{
	struct thread *t = &threads[self];
	char text[80];

	if (!concurrent) {
		snprintf(text, sizeof(text), "%s waits for what nobody else can do",
			 in_setup ? "setup" : "check");
		run_fail("deadlock", text, t->site);
	}
	t->kind = kind;
	t->ranges = ranges;
	memcpy(t->range, range, ranges * sizeof(*range));
	t->mask = mask;
	t->want = want;
	switch_to(pick());
	t->kind = IDLE;
}

/* ---- the life of a thread ---- */

void run_thread(void)
{
	struct thread *t = &threads[self];

	t->kind = IDLE;
	((u64 (*)(u64))sim_functions[t->function].code)(t->argument);
	switch_to(pick());
	__builtin_unreachable();
}

u32 run_create(const char *name, u64 function, u64 argument, bool daemon)
{
	u32 number = thread_count++;
	struct thread *t = &threads[number];

	memset(t, 0, sizeof(*t));
	snprintf(names[number], sizeof(names[number]), "%s", name);
	t->kind = START;
	t->daemon = daemon;
	t->function = function;
	t->argument = argument;
	t->stack_next = STACKS + number * STACK_SIZE;
	fiber_prepare(number, run_thread);
	return number;
}

static void first_thread(void)
{
	memset(&threads[0], 0, sizeof(threads[0]));
	strcpy(names[0], "main");
	thread_count = 1;
	sim_steps = 0;
	sim_depth = 0;
	sim_stack_next = STACKS;
}

static void call_function(u32 number)
{
	if (number == SIM_NONE)
		return;
	((u64 (*)(void))sim_functions[number].code)();
}

/* ---- one execution ---- */

static void keep_setup(void)
{
	if (chose)
		return;
	memory_root();
	memcpy(after_setup.threads, threads, sizeof(threads));
	after_setup.thread_count = thread_count;
	after_setup.steps = sim_steps;
	setup_kept = true;
}

static void take_setup(void)
{
	memcpy(threads, after_setup.threads, sizeof(threads));
	thread_count = after_setup.thread_count;
	sim_steps = after_setup.steps;
	sim_depth = 0;
	sim_stack_next = STACKS;
	for (u32 i = 1; i < thread_count; i++)
		fiber_prepare(i, run_thread);
}

static void run_check(void)
{
	u64 before = sim_steps;

	if (setup_kept && !tracing && checked_before())
		return;
	chose = false;
	call_function(sim_check);
	if (setup_kept && !tracing && !chose)
		checked_well(sim_steps - before);
}

static void main_thread(void)
{
	if (!setup_kept) {
		call_function(sim_setup);
		keep_setup();
	}
	in_setup = false;
	concurrent = memory_concurrent = true;
	switch_to(pick());
	concurrent = memory_concurrent = false;
	run_check();
	end_with(PASSED, 0, "", "", 0);
}

/* An access that was not made says what its thread would touch. */
static void touch_waiting(void)
{
	memory_concurrent = true;
	for (self = 1; self < thread_count; self++) {
		const struct thread *t = &threads[self];

		for (u32 i = 0; t->kind >= ACCESS && i < t->ranges; i++)
			memory_touch(t->range[i].address, t->range[i].size, t->range[i].write);
	}
	memory_concurrent = false;
}

static void start_execution(void)
{
	memory_reset();
	concurrent = memory_concurrent = chose = false;
	in_setup = true;
	self = last_thread = 0;
	visible_steps = 0;
	if (setup_kept)
		take_setup();
	else
		first_thread();
	fiber_prepare(0, main_thread);
	fiber_switch(MAX_THREADS, 0);
}

void run_execution(void)
{
	if (!setup_kept || !keep_resume())
		start_execution();
	concurrent = false;
	touch_waiting();
}

void run_setup(void)
{
	memory_setup();
	fiber_setup();
	/* Shared, so that what other processes of the search run counts. */
	sim_ran = mmap(NULL, sim_site_count + 1, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sim_ran == MAP_FAILED)
		exit(3);
	memory_root();
}

bool keep_histories;

static u64 mix(u64 history, u64 value)
{
	history = (history ^ value) + 0x9e3779b97f4a7c15ull;
	history = (history ^ history >> 30) * 0xbf58476d1ce4e5b9ull;
	history = (history ^ history >> 27) * 0x94d049bb133111ebull;
	return history ^ history >> 31;
}

void run_log(u64 value)
{
	if (keep_histories)
		threads[self].history = mix(threads[self].history, value);
}

void run_state(u64 state[2], u32 ran_last)
{
	state[0] = mix(1, ran_last);
	state[1] = mix(2, ran_last);
	for (u32 i = 0; i < thread_count; i++) {
		state[0] = mix(state[0], threads[i].history);
		state[1] = mix(state[1], threads[i].history + 1);
	}
	for (u64 i = 0; i < memory_shared_count; i++) {
		u64 value = *(u64 *)memory_shared[i];

		state[0] = mix(state[0], value);
		state[1] = mix(state[1], value + 1);
	}
}

u64 sim_choose(u64 values, u32 site)
{
	struct thread *t = &threads[self];
	char text[64];
	u32 value;

	if (!values || values > 0x7fffffff) {
		snprintf(text, sizeof(text), "sim_choose of %llu values", (unsigned long long)values);
		run_unsure(text, site);
	}
	chose |= !concurrent;
	value = decide_value(self, t->count, (u32)values);
	t->count++;
	run_log(value);
	trace_access(site, "choose", 0, 0, value);
	return value;
}

