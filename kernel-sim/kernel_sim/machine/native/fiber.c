/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A stack of machine code for each simulated thread, with a wide page of guard below, and the
 * switch between them: own code on x86-64, ucontext elsewhere.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "engine.h"

#define FIBER_SIZE (32ull << 20)
#define GUARD_SIZE (1ull << 20)

static char *stacks; /* guard and stack of thread 0, of thread 1, ... */

static char *stack_end(u32 thread)
{
	return stacks + (thread + 1) * (FIBER_SIZE + GUARD_SIZE);
}

static void map_stacks(void)
{
	u64 size = MAX_THREADS * (FIBER_SIZE + GUARD_SIZE);

	stacks = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stacks == MAP_FAILED)
		exit(3);
	for (u32 thread = 0; thread < MAX_THREADS; thread++)
		if (mprotect(stacks + thread * (FIBER_SIZE + GUARD_SIZE), GUARD_SIZE, PROT_NONE))
			exit(3);
}

#if defined(__x86_64__) && !defined(SIM_UCONTEXT)

static void *stack_pointer[MAX_THREADS + 1];

void sim_fiber_jump(void **save, void *to);

/* The six registers that a call preserves; the program uses no floating point. */
__asm__(".text\n"
	".type sim_fiber_jump, @function\n"
	"sim_fiber_jump:\n"
	"	pushq %rbp\n	pushq %rbx\n	pushq %r12\n"
	"	pushq %r13\n	pushq %r14\n	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n	popq %r14\n	popq %r13\n"
	"	popq %r12\n	popq %rbx\n	popq %rbp\n"
	"	movl $1, %eax\n"
	"	ret\n"
	".size sim_fiber_jump, .-sim_fiber_jump\n");

int sim_fiber_mark(void);
void sim_fiber_copy(void *top);

/* 0, and 1 when sim_fiber_jump() comes to the stack as sim_fiber_copy() found it. */
__asm__(".text\n"
	".type sim_fiber_mark, @function\n"
	"sim_fiber_mark:\n"
	"	pushq %rbp\n	pushq %rbx\n	pushq %r12\n"
	"	pushq %r13\n	pushq %r14\n	pushq %r15\n"
	"	movq %rsp, %rdi\n"
	"	subq $8, %rsp\n"
	"	call sim_fiber_copy\n"
	"	addq $8, %rsp\n"
	"	popq %r15\n	popq %r14\n	popq %r13\n"
	"	popq %r12\n	popq %rbx\n	popq %rbp\n"
	"	xorl %eax, %eax\n"
	"	ret\n"
	".size sim_fiber_mark, .-sim_fiber_mark\n");

static char *kept;
static u64 kept_count, kept_room;
static struct image *own;
static u32 own_thread;

static void keep(u32 thread, void *top, struct image *image)
{
	u64 length = (u64)(stack_end(thread) - (char *)top);

	if (kept_count + length > kept_room) {
		kept_room = 2 * (kept_count + length);
		kept = realloc(kept, kept_room);
		if (!kept)
			exit(4);
	}
	*image = (struct image){ top, kept_count, length };
	memcpy(kept + kept_count, top, length);
	kept_count += length;
}

__attribute__((used)) void sim_fiber_copy(void *top)
{
	keep(own_thread, top, own);
}

bool fiber_can_keep(void)
{
	return true;
}

void fiber_keep(u32 thread, struct image *image)
{
	keep(thread, stack_pointer[thread], image);
}

bool fiber_keep_own(u32 thread, struct image *image)
{
	own = image;
	own_thread = thread;
	return sim_fiber_mark();
}

void fiber_put_back(u32 thread, const struct image *image)
{
	memcpy(image->top, kept + image->at, image->length);
	stack_pointer[thread] = image->top;
}

u64 fiber_kept(void)
{
	return kept_count;
}

void fiber_forget(u64 count)
{
	kept_count = count;
}

void fiber_setup(void)
{
	map_stacks();
}

void fiber_prepare(u32 thread, void (*entry)(void))
{
	void **top = (void **)stack_end(thread);

	*--top = NULL; /* entry never returns; this keeps its stack aligned as after a call */
	*--top = (void *)entry;
	for (int i = 0; i < 6; i++)
		*--top = NULL;
	stack_pointer[thread] = top;
}

void fiber_switch(u32 from, u32 to)
{
	sim_fiber_jump(&stack_pointer[from], stack_pointer[to]);
}

#else

#include <ucontext.h>

static ucontext_t contexts[MAX_THREADS + 1];

void fiber_setup(void)
{
	map_stacks();
}

void fiber_prepare(u32 thread, void (*entry)(void))
{
	getcontext(&contexts[thread]);
	contexts[thread].uc_stack.ss_sp = stack_end(thread) - FIBER_SIZE;
	contexts[thread].uc_stack.ss_size = FIBER_SIZE;
	makecontext(&contexts[thread], entry, 0);
}

void fiber_switch(u32 from, u32 to)
{
	swapcontext(&contexts[from], &contexts[to]);
}

bool fiber_can_keep(void)
{
	return false;
}

void fiber_keep(u32 thread, struct image *image)
{
	(void)thread;
	(void)image;
}

bool fiber_keep_own(u32 thread, struct image *image)
{
	(void)thread;
	(void)image;
	return false;
}

void fiber_put_back(u32 thread, const struct image *image)
{
	(void)thread;
	(void)image;
}

u64 fiber_kept(void)
{
	return 0;
}

void fiber_forget(u64 count)
{
	(void)count;
}

#endif
