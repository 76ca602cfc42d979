// SPDX-License-Identifier: GPL-2.0-or-later
/* Two files in one transaction: a mapped writer for each, and a commit. */
#include <sim/oracle.h>

static void writer(void *unused)
{
	store(OFFSET, 'c');
	sim_thread_ends();
}

static void other_writer(void *unused)
{
	sim_use(1);
	store(OFFSET, 'c');
	sim_thread_ends();
}

static void power_cut(void)
{
	int before = sim_use(0);

	expect_written(OFFSET, 'c');
	sim_use(1);
	expect_written(OFFSET, 'c');
	sim_use(before);
}

static void dirty(int file)
{
	sim_use(file);
	if (sim_write(OFFSET, 'b') || sim_store(OFFSET, 'b'))
		sim_inconclusive("the page cannot be written during setup");
}

void setup(void)
{
	mount_file();
	sim_file(SIM_OTHER_FLAG, SIM_PAGE + 1);
	dirty(1);
	dirty(0);
	sim_on_write(power_cut);
	sim_thread("commit", committer, 0, 0);
	sim_thread("writer", writer, 0, 0);
	sim_thread("other", other_writer, 0, 0);
}

static void expect_file(int file)
{
	sim_use(file);
	expect_kept(OFFSET, 'c');
	sync_file();
	expect_synced(OFFSET, 'c');
}

void check(void)
{
	sim_end();
	expect_file(0);
	expect_file(1);
}
