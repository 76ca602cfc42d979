// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device that wants pages to keep still reads memory some time after the request: neither a store
 * through a mapping nor write(2) may change a page between its submission and its transfer.
 */
#include <sim/oracle.h>

static void writer(void *unused)
{
	if (SIM_WRITE)
		write_byte(OFFSET, 'c');
	else
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
	if (sim_write(OFFSET, 'b') || sim_store(OFFSET, 'b'))
		sim_inconclusive("the page cannot be written during setup");
	sim_on_write(power_cut);
	if (SIM_COMMIT)
		sim_thread("commit", committer, 0, 0);
	else
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
