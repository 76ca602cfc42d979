// SPDX-License-Identifier: GPL-2.0-or-later
/* A store through a mapping while a commit runs, and the power cut at any moment. */
#include <sim/scenario.h>

#define OFFSET	(SIM_PAGE * 4096L + 17)

static void writer(void *unused)
{
	if (sim_store(OFFSET, 'c'))
		sim_fail("store", "a store to the mapping failed");
	sim_thread_ends();
}

static void committer(void *unused)
{
	sim_commit();
	sim_thread_ends();
}

static void power(void *unused)
{
	unsigned char found = sim_power_cut(OFFSET);

	if (found != 'a' && found != 'b' && found != 'c')
		sim_fail("recovery", "the file shows what was never written");
}

void setup(void)
{
	sim_mount(SIM_MODE, SIM_JOURNAL_FLAG, SIM_PAGE + 1);
	/* The page is in the running transaction, and mapped writable. */
	if (sim_write(OFFSET, 'b') || sim_store(OFFSET, 'b'))
		sim_inconclusive("the page cannot be written during setup");
	sim_thread("commit", committer, 0, 0);
	sim_thread("writer", writer, 0, 0);
	sim_thread("power", power, 0, 0);
}

void check(void)
{
	if (sim_cached(OFFSET) != 'c')
		sim_fail("lost store", "the file does not show the last store");
	if (sim_power_cut(OFFSET) != 'c' && !sim_will_be_written(OFFSET))
		sim_fail("lost store", "nobody is going to write the last store");
}
