// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A page that is held for I/O into memory (pin_user_pages, get_user_pages) is changed without a fault, at any time until
 * its holder marks it as dirty and gives it back. A commit, or the flusher, may be at the page then.
 */
#include <sim/oracle.h>

static void holder(void *unused)
{
	if (sim_pin(OFFSET, 'b', SIM_HOLD))
		sim_fail("pin", "a page could not be pinned");
	sim_store_pinned(OFFSET, 'c');
	sim_unpin();
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
	sim_on_write(power_cut);
	sim_thread("holder", holder, 0, 0);
	if (SIM_COMMIT)
		sim_thread("commit", committer, 0, 0);
	if (SIM_FLUSH)
		sim_thread("flusher", flusher, 0, 0);
	if (SIM_RECLAIM)
		sim_thread("reclaim", reclaimer, 0, 0);
}

void check(void)
{
	sim_end();
	expect_kept(OFFSET, 'c');
	sync_file();
	expect_synced(OFFSET, 'c');
}
