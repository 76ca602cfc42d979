// SPDX-License-Identifier: GPL-2.0-or-later
/* A store through a mapping while a commit runs, and the power cut at any moment. */
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
	/* The page is in the running transaction, and mapped writable. */
	if (sim_write(OFFSET, 'b') || sim_store(OFFSET, 'b'))
		sim_inconclusive("the page cannot be written during setup");
	sim_on_write(power_cut);
	sim_thread("commit", committer, 0, 0);
	sim_thread("writer", writer, 0, 0);
}

void check(void)
{
	sim_end();
	expect_kept(OFFSET, 'c');
	sync_file();
	expect_synced(OFFSET, 'c');
}
