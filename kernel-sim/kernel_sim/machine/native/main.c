/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The program: options as name=value words, limits, the search, one JSON document.
 *
 * Exit codes: 0 a document; 2 bad options; 3 memory could not be mapped; 4 out of memory;
 * 5 a global outside its area; 6 an error, which the document names; 7 a crash, likewise.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "sandbox.h"
#include "search.h"

static u64 address_space = 8ull << 30, cpu_seconds;

static void set_mode(const char *text)
{
	static const char *const names[] = { "none", "sleep", "dpor", "states" };

	for (u32 i = 0; i < 4; i++)
		if (!strcmp(text, names[i])) {
			the_search.options.mode = (enum mode)i;
			return;
		}
	exit(2);
}

static void set_shared(const char *text)
{
	char *end;

	for (; *text; text = *end ? end + 1 : end) {
		u64 address = strtoull(text, &end, 10) << 3;

		if (end == text || !IN_MEMORY(address))
			exit(2);
		memory_share(address);
	}
}

static void set_option(char *word)
{
	struct options *o = &the_search.options;
	char *value = strchr(word, '=');

	if (!value)
		exit(2);
	*value++ = 0;
	if (!strcmp(word, "mode"))
		set_mode(value);
	else if (!strcmp(word, "highest"))
		o->highest = atoi(value);
	else if (!strcmp(word, "executions"))
		o->executions = strtoull(value, NULL, 10);
	else if (!strcmp(word, "seconds"))
		o->seconds = strtod(value, NULL);
	else if (!strcmp(word, "steps"))
		sim_step_limit = strtoull(value, NULL, 10);
	else if (!strcmp(word, "jobs"))
		o->jobs = (u32)atoi(value) < 64 ? (u32)atoi(value) : 64;
	else if (!strcmp(word, "keep_going"))
		o->keep_going = atoi(value);
	else if (!strcmp(word, "replay"))
		o->replay = value;
	else if (!strcmp(word, "seed"))
		o->seed = strtoull(value, NULL, 10);
	else if (!strcmp(word, "pct_depth"))
		o->pct_depth = (u32)atoi(value);
	else if (!strcmp(word, "address_space"))
		address_space = strtoull(value, NULL, 10);
	else if (!strcmp(word, "cpu_seconds"))
		cpu_seconds = strtoull(value, NULL, 10);
	else if (!strcmp(word, "shared"))
		set_shared(value);
	else
		exit(2);
}

static void limit(int resource, u64 value)
{
	struct rlimit limits = { value, value };

	if (setrlimit(resource, &limits))
		exit(3);
}

static void crashed(int number)
{
	static const char text[] = "{\"error\": \"the native engine crashed\"}\n";
	ssize_t written = write(1, text, sizeof(text) - 1);

	(void)written;
	(void)number;
	_exit(7);
}

static void catch_crashes(void)
{
	static char stack[64 << 10];
	stack_t where = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = crashed, .sa_flags = SA_ONSTACK };
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };

	sigaltstack(&where, NULL);
	for (u32 i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}

int main(int count, char **words)
{
	static char out[1 << 16];

	the_search.options = (struct options){ .highest = 2, .jobs = 1 };
	setvbuf(stdout, out, _IOFBF, sizeof(out));
	run_setup();
	for (int i = 1; i < count; i++)
		set_option(words[i]);
	limit(RLIMIT_AS, address_space);
	if (cpu_seconds)
		limit(RLIMIT_CPU, cpu_seconds);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0);
	limit(RLIMIT_NOFILE, 3);
	catch_crashes();
	sandbox_enter();
	if (the_search.options.replay)
		search_replay();
	else if (the_search.options.pct_depth)
		pct_explore();
	else
		search_explore();
	fflush(stdout);
	return 0;
}
