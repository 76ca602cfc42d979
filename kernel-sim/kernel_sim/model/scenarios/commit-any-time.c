// SPDX-License-Identifier: GPL-2.0-or-later
/* Two commits that may start at any moment, while one thread writes and stores. */
#include <sim/oracle.h>

static void writer(void *unused)
{
	write_byte(OFFSET, 'c');
	store(OFFSET, 'd');
	sim_thread_ends();
}

static void two_commits(void *unused)
{
	sim_commit();
	sim_commit();
	sim_thread_ends();
}

static void power_cut(void)
{
	expect_written(OFFSET, 'd');
}

void setup(void)
{
	mount_file();
	if (sim_write(OFFSET, 'b') || sim_store(OFFSET, 'b'))
		sim_inconclusive("the page cannot be written during setup");
	sim_on_write(power_cut);
	sim_thread("commits", two_commits, 0, 0);
	sim_thread("writer", writer, 0, 0);
}

void check(void)
{
	sim_end();
	expect_kept(OFFSET, 'd');
	sync_file();
	expect_synced(OFFSET, 'd');
}
