// SPDX-License-Identifier: GPL-2.0-or-later
/* write(2) and a store through a mapping on one page, and a commit. */
#include <sim/oracle.h>

#define STORED	(OFFSET + 64)

static void writer(void *unused)
{
	write_byte(OFFSET, 'c');
	sim_thread_ends();
}

static void mapped_writer(void *unused)
{
	store(STORED, 'c');
	sim_thread_ends();
}

static void power_cut(void)
{
	expect_written(OFFSET, 'c');
	expect_written(STORED, 'c');
}

void setup(void)
{
	mount_file();
	if (sim_write(OFFSET, 'b') || sim_store(STORED, 'b'))
		sim_inconclusive("the page cannot be written during setup");
	sim_on_write(power_cut);
	sim_thread("commit", committer, 0, 0);
	sim_thread("write", writer, 0, 0);
	sim_thread("store", mapped_writer, 0, 0);
}

void check(void)
{
	sim_end();
	expect_kept(OFFSET, 'c');
	expect_kept(STORED, 'c');
	sync_file();
	expect_synced(OFFSET, 'c');
	expect_synced(STORED, 'c');
}
