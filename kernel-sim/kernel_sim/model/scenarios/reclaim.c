// SPDX-License-Identifier: GPL-2.0-or-later
/* A page is taken out of memory while a commit, the flusher and a writer are at it: no store is lost. */
#include <sim/oracle.h>

static void writer(void *unused)
{
	if (SIM_WRITE)
		write_byte(OFFSET, 'c');
	else
		store(OFFSET, 'c');
	sim_thread_ends();
}

static void reclaimer(void *unused)
{
	sim_reclaim(OFFSET);
	sim_thread_ends();
}

static void power_cut(void)
{
	expect_written(OFFSET, 'c');
}

void setup(void)
{
	mount_file();
	if (sim_write(OFFSET, 'b') || sim_store(OFFSET, 'b'))
		sim_inconclusive("the page cannot be written during setup");
	if (SIM_SYNCED)
		sync_file();
	sim_on_write(power_cut);
	if (SIM_COMMIT)
		sim_thread("commit", committer, 0, 0);
	if (SIM_FLUSH)
		sim_thread("flusher", flusher, 0, 0);
	sim_thread("reclaim", reclaimer, 0, 0);
	sim_thread("writer", writer, 0, 0);
}

void check(void)
{
	sim_end();
	expect_kept(OFFSET, 'c');
	sync_file();
	expect_synced(OFFSET, 'c');
	sim_reclaim(OFFSET);
	if (sim_cached(OFFSET) != 'c')
		sim_fail("lost store", "a page that was read again does not show the last store");
}
