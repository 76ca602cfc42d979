/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The one JSON document on standard output, and the trace that is part of it. Bytes of strings
 * from 0x80 on are written as the code points of the same numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "search.h"

typedef unsigned long long ull;

struct line {
	u32 thread, site;
	char *kind;
	u64 address, size, value;
};

bool tracing;

static struct line *lines;
static u64 line_count, line_room;

void trace_access(u32 site, const char *kind, u64 address, u64 size, u64 value)
{
	if (!tracing)
		return;
	if (line_count == line_room) {
		line_room = line_room ? 2 * line_room : 1024;
		lines = realloc(lines, line_room * sizeof(*lines));
		if (!lines)
			exit(4);
	}
	lines[line_count++] = (struct line){ self, site, strdup(kind), address, size, value };
}

static void string(const char *text)
{
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c < 32 || *c > 126 || *c == '"' || *c == '\\')
			printf("\\u%04x", *c);
		else
			putchar(*c);
	putchar('"');
}

static void place(u32 site)
{
	const struct sim_site *s = &sim_sites[site];

	string(sim_functions[s->function].path);
	printf(", %u", s->line);
}

static void failure(const char *kind, const char *text, u32 thread, u32 site)
{
	printf("\"failure\": [");
	string(kind);
	printf(", ");
	string(text);
	printf(", %u, ", thread);
	place(site);
	printf("]");
}

static void reasons(void)
{
	const struct reasons *r = &the_search.reasons;

	printf("\"reasons\": [");
	for (u32 i = 0; !the_search.failed && i < r->count; i++) {
		printf(i ? ", " : "");
		string(r->text[i]);
	}
	printf("]");
}

static void covered(void)
{
	printf("\"covered\": [");
	for (u32 i = 0; i < the_search.covered_count; i++) {
		const struct covered *c = &the_search.covered[i];

		printf("%s[%d, %llu, %llu, %llu, %llu, %d, %d]", i ? ", " : "", c->bound,
		       (ull)c->counts.executions, (ull)c->counts.pruned, (ull)c->counts.steps,
		       (ull)c->counts.visible, c->complete, c->refused);
	}
	printf("]");
}

static void shared(void)
{
	printf("\"shared\": [");
	for (u64 i = 0; i < memory_shared_count; i++)
		printf("%s%llu", i ? ", " : "", (ull)memory_shared[i] >> 3);
	printf("]");
}

static void ran(void)
{
	u32 last = sim_function_count;

	/* Sites stand function by function. */
	printf("\"ran\": [");
	for (u32 i = 0; i < sim_site_count; i++) {
		if (!sim_ran[i])
			continue;
		if (sim_sites[i].function != last) {
			printf(last == sim_function_count ? "[" : "], [");
			last = sim_sites[i].function;
			string(sim_functions[last].name);
		}
		printf(", %u", sim_sites[i].line);
	}
	printf(last == sim_function_count ? "]" : "]]");
}

void report_search(void)
{
	const struct search *s = &the_search;
	bool complete = s->covered_count && s->covered[s->covered_count - 1].complete;

	printf("{");
	if (s->failed) {
		failure(s->failure.kind, s->failure.text, s->failure.thread, s->failure.site);
		printf(", \"schedule\": ");
		string(s->failure.schedule);
		printf(", ");
	}
	reasons();
	printf(", ");
	covered();
	printf(", ");
	shared();
	printf(", ");
	ran();
	printf(", \"rounds\": %llu, \"executions\": %llu, \"failures\": %llu, \"complete\": %s}\n",
	       (ull)s->rounds, (ull)s->executions, (ull)s->failures, complete ? "true" : "false");
}

static void trace(void)
{
	printf("\"trace\": [");
	for (u64 i = 0; i < line_count; i++) {
		const struct line *l = &lines[i];

		printf("%s[%u, ", i ? ",\n" : "", l->thread);
		string(sim_functions[sim_sites[l->site].function].name);
		printf(", ");
		place(l->site);
		printf(", ");
		string(l->kind);
		printf(", %llu, %llu, %llu]", (ull)l->address, (ull)l->size, (ull)l->value);
	}
	printf("]");
}

void report_replay(void)
{
	static const char *const ends[] = { "done", "failure", "inconclusive", "cut" };

	printf("{");
	if (replay_error()) {
		printf("\"schedule_error\": ");
		string(replay_error());
		printf("}\n");
		return;
	}
	printf("\"end\": \"%s\", ", ends[outcome.end]);
	if (outcome.end == FAILED) {
		failure(outcome.kind, outcome.text, outcome.thread, outcome.site);
		printf(", ");
	}
	printf("\"reason\": ");
	string(outcome.end == UNSURE ? outcome.text : "");
	printf(", \"steps\": %llu, \"visible\": %llu, ", (ull)sim_steps, (ull)visible_steps);
	trace();
	printf("}\n");
}

void report_error(const char *text)
{
	printf("{\"error\": ");
	string(text);
	printf("}\n");
	fflush(stdout);
	_exit(6);
}
