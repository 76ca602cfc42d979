// SPDX-License-Identifier: GPL-2.0-or-later
/* A commit, the flusher and a store through a mapping, all on one page. */
#include <sim/oracle.h>

static void writer(void *unused)
{
	store(OFFSET, 'c');
	sim_thread_ends();
}

static void power_cut(void)
{
	expect_written(OFFSET, 'c');
}

void setup(void)
{
	mount_file();
	/* The page is committed already, and stored to since. */
	if (sim_write(OFFSET, 'b'))
		sim_inconclusive("the page cannot be written during setup");
	sim_commit();
	if (sim_store(OFFSET, 'b'))
		sim_inconclusive("the page cannot be stored to during setup");
	sim_on_write(power_cut);
	sim_thread("commit", committer, 0, 0);
	sim_thread("flusher", flusher, 0, 0);
	sim_thread("writer", writer, 0, 0);
}

void check(void)
{
	sim_end();
	expect_kept(OFFSET, 'c');
	sync_file();
	expect_synced(OFFSET, 'c');
}
