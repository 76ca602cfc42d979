// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages around one that was committed, but not written home: it waits for its checkpoint. The
 * commit goes over it; whatever it does there, somebody must write that page in the end.
 */
#include <sim/oracle.h>

#define BETWEEN	(4096L + 17)
#define BEHIND	(2 * 4096L + 17)

static void power_cut(void)
{
	expect_written(17, 'c');
	expect_written(BETWEEN, SIM_STORE ? 'c' : 'b');
}

static void writer(void *unused)
{
	store(SIM_STORE ? BETWEEN : 17, 'c');
	sim_thread_ends();
}

void setup(void)
{
	sim_mount(SIM_MODE, SIM_JOURNAL_FLAG, 3);
	if (sim_write(BETWEEN, 'b'))
		sim_inconclusive("the page cannot be written during setup");
	sim_commit();
	if (sim_store(17, 'b') || sim_store(BEHIND, 'b'))
		sim_inconclusive("the pages cannot be stored to during setup");
	sim_on_write(power_cut);
	sim_thread("commit", committer, 0, 0);
	sim_thread("writer", writer, 0, 0);
}

void check(void)
{
	sim_end();
	expect_kept(17, SIM_STORE ? 'b' : 'c');
	expect_kept(BETWEEN, SIM_STORE ? 'c' : 'b');
	expect_kept(BEHIND, 'b');
	sync_file();
	expect_synced(17, SIM_STORE ? 'b' : 'c');
	expect_synced(BETWEEN, SIM_STORE ? 'c' : 'b');
	expect_synced(BEHIND, 'b');
}
