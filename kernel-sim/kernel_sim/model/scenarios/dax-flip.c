// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file with DAX cannot journal its data, since what is stored never comes by the page cache: to set
 * its journal flag is refused as busy, and nothing is changed.
 */
#include <sim/oracle.h>

#define BUSY	(-16)

static void flip(void *unused)
{
	if (sim_set_journal(1) != BUSY)
		sim_fail("flip", "the journal flag of a file with DAX is changed, or not refused as busy");
	sim_thread_ends();
}

void setup(void)
{
	mount_file();
	sim_use_dax();
	sim_thread("flip", flip, 0, 0);
	sim_thread("commit", committer, 0, 0);
}

void check(void)
{
	sim_end();
	if (sim_journals())
		sim_fail("flip", "the journal flag of a file with DAX is set");
}
