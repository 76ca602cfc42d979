/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Between the parts of the native engine: memory, threads, one execution, the search.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include "sim.h"

/* The layout of kernel_sim/ir.py. */
#define NULL_END 0x10000ull
#define FUNCTIONS 0x08000000ull
#define FUNCTION_STRIDE 16ull
#define GLOBALS 0x10000000ull
#define STACKS 0x20000000ull
#define STACK_SIZE 0x10000ull
#define HEAPS 0x30000000ull
#define HEAP_SIZE 0x1000000ull
#define MAX_THREADS 16
#define MEMORY_END (HEAPS + MAX_THREADS * HEAP_SIZE)

#define IN_MEMORY(a) ((u64)(a) - GLOBALS < MEMORY_END - GLOBALS)

struct range {
	u64 address, size;
	bool read, write;
};

/* ---- memory.c, live.c, undo.c: bytes, which are live, who touched them; taking it back ---- */

enum { DEAD = 0, LIVE = 1, CONSTANT = 3, FREED = 128 }; /* odd: may be read */

struct memory_mark {
	u64 undone, heap_next[MAX_THREADS];
	u64 stack_next[MAX_THREADS]; /* where each thread's next frame begins: the caller says it */
};

void memory_setup(void);
void memory_root(void);	 /* what stands now is what memory_reset() returns to */
void memory_reset(void); /* take back everything that was done since the root */
void memory_mark(struct memory_mark *mark);
void memory_back(const struct memory_mark *mark); /* one that is still in the past */
bool memory_is_old(void);	    /* no more marks, but a reset */
u64 memory_kept(void);	    /* bytes that going back needs */
void memory_state(u64 state[2]); /* a hash of all that may be read and is not as at the root */
void memory_share(u64 address); /* accesses of these 8 bytes are switch points from now on */
void memory_share_clear(void);
extern bool memory_concurrent; /* the concurrent part runs: who touches what is noted */
extern u64 *memory_found, memory_found_count;	/* newly seen to be shared, in this execution */
extern u64 *memory_shared, memory_shared_count; /* those of memory_share() */

bool memory_is_shared(u64 address, u64 size);
/* The kind of failure, or NULL; `constant`: a write to bytes that may be read. */
const char *memory_fault(u64 address, u64 size, bool write, bool *constant);
void memory_touch(u64 address, u64 size, bool write); /* before each access */
u64 memory_allocate(u32 thread, u64 size); /* 0: this thread's heap is full */
u64 memory_object(u64 address); /* the size of the object that began there, or 0 */
void memory_release(u64 address, u64 size);
bool memory_frame(u64 address, u64 size, bool live);

/* ---- fiber.c: stacks of machine code ---- */

void fiber_setup(void);
void fiber_prepare(u32 thread, void (*entry)(void)); /* begin anew at its next switch */
void fiber_switch(u32 from, u32 to);		     /* MAX_THREADS is the main program */

struct image {
	void *top;	/* the stack pointer */
	u64 at, length; /* where the stack's bytes are among those that are kept */
};

bool fiber_can_keep(void);
/* Keep the stack of a thread that does not run. */
void fiber_keep(u32 thread, struct image *image);
/* Keep that of the running thread: false; true when it was put back, and runs from here again. */
bool fiber_keep_own(u32 thread, struct image *image);
void fiber_put_back(u32 thread, const struct image *image);
u64 fiber_kept(void);		 /* so many bytes are kept */
void fiber_forget(u64 kept); /* all but so many */

/* ---- run.c: one execution ---- */

enum kind { IDLE, START, ACCESS, ACQUIRE, WAIT, WAIT32 }; /* IDLE: it runs, has ended, never was */
enum end { PASSED, FAILED, UNSURE, CUT };

struct thread {
	enum kind kind; /* of the pending access */
	bool daemon;
	u32 depth, site, ranges;
	struct range range[2]; /* of the pending access */
	u64 mask, want;	       /* of a pending acquire or wait */
	u64 stack_next, count, history, function, argument;
};

struct outcome {
	enum end end;
	char kind[4200], text[4200]; /* the text is the reason where end is UNSURE */
	u32 thread, site;
};

extern struct thread threads[MAX_THREADS];
extern u32 thread_count, self, last_thread; /* the one that runs; the one that was picked last */
extern struct outcome outcome;
extern u64 visible_steps;
extern bool concurrent, in_setup;

void run_setup(void);	  /* once */
void run_execution(void); /* one execution, as decide_next() and decide_value() say */
void run_thread(void);	  /* where a thread begins */
void run_state(u64 state[2], u32 last); /* what mode states compares */
void run_log(u64 value); /* the running thread has seen this value by a visible access */
extern bool keep_histories; /* only states are compared by them: long copies cost time */
_Noreturn void run_fail(const char *kind, const char *text, u32 site);
_Noreturn void run_unsure(const char *reason, u32 site);
u32 run_create(const char *name, u64 function, u64 argument, bool daemon);


void run_switch(u32 ranges, const struct range *range, enum kind kind, u64 mask, u64 want);

/* ---- keep.c: moments of the execution that ran last, to begin the next one from ---- */

void keep_point(void);	 /* before a thread is picked: this may be worth coming back to */
bool keep_resume(void);	 /* run an execution from the last moment that it has in common; false: none */
void keep_switched(u32 from); /* this thread's stack will change no more before it runs again */
void keep_forget(void);	 /* from now on all is run from the start */

/* ---- checked.c ---- */

bool checked_before(void); /* check() was content with the memory as it is: its steps are added */
void checked_well(u64 steps); /* it was content with what checked_before() saw */

/* ---- access.c: be about to make an access; each returns whether it was visible ---- */

bool access_ready(const struct thread *thread); /* its pending access can go on */
bool access_point(u32 ranges, const struct range *range, u32 site);
bool access_blocking(enum kind kind, u64 word, u64 mask, u64 want, u32 site);
bool access_freeing(u64 address, u64 size, u32 site); /* may be freed already */
void access_check(u64 address, u64 size, bool write, u32 site);

/* ---- trace.c ---- */

extern bool tracing;
void trace_access(u32 site, const char *kind, u64 address, u64 size, u64 value);

/* ---- what the search supplies to an execution ---- */

#define NO_THREAD 255u
/* The thread that goes on, or NO_THREAD to cut the execution short. */
u32 decide_next(u32 last, u64 position, u32 candidates);
u32 decide_value(u32 thread, u64 position, u32 values);
bool decide_stop(u32 thread, u64 position); /* a replay switches here, shared or not */
#define NO_NODE (~0ull)
u64 decide_node(void);		/* the number of the node that comes, if it is new and in a tree */
u64 decide_changed(void);	/* up to this node the next execution is as the last one was */
void decide_from(u64 node); /* the next decision is about this node */

#endif
