// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first store to a page that nobody has mapped yet and no transaction has, while a commit runs.
 * The fault puts the page into a transaction; nothing has marked it as dirty before.
 */
#include <sim/oracle.h>

static void writer(void *unused)
{
	store(OFFSET, 'b');
	sim_thread_ends();
}

static void power_cut(void)
{
	expect_written(OFFSET, 'b');
}

void setup(void)
{
	mount_file();
	/* All is at home, so that no page is dirty; then something to commit, in another page. */
	sync_file();
	if (SIM_PAGE && sim_write(17, 'b'))
		sim_inconclusive("the page cannot be written during setup");
	sim_on_write(power_cut);
	sim_thread("writer", writer, 0, 0);
	sim_thread("commit", committer, 0, 0);
}

void check(void)
{
	sim_end();
	expect_kept(OFFSET, 'b');
	sync_file();
	expect_synced(OFFSET, 'b');
}
