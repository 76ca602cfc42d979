// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * truncate(2) against a commit and a writer. The writer stores to the page that goes, and gets SIGBUS
 * once it is gone, or to what stays of a page that is cut in two; then it makes the file longer again.
 */
#include <sim/oracle.h>

#define LENGTH	(SIM_PAGE * 4096L + SIM_KEPT)	/* afterwards, until somebody writes */

static void writer(void *unused)
{
	if (SIM_STORE)
		sim_store(OFFSET, 'c');
	if (SIM_WRITE)
		write_byte(OFFSET, 'd');
	sim_thread_ends();
}

static void truncater(void *unused)
{
	if (sim_truncate(LENGTH))
		sim_fail("truncate", "truncate(2) failed");
	sim_thread_ends();
}

/* 0 is what lies behind the end, and in a hole. */
static void power_cut(void)
{
	if (sim_power_cut(OFFSET))
		expect_written(OFFSET, SIM_WRITE ? 'd' : 'c');
	expect_written(17, 'b');
}

void setup(void)
{
	mount_file();
	if (sim_write(17, 'b') || sim_write(OFFSET, 'b') || sim_store(OFFSET, 'b'))
		sim_inconclusive("the page cannot be written during setup");
	sim_on_write(power_cut);
	sim_thread("truncate", truncater, 0, 0);
	if (SIM_COMMIT)
		sim_thread("commit", committer, 0, 0);
	else
		sim_thread("flusher", flusher, 0, 0);
	if (SIM_STORE || SIM_WRITE)
		sim_thread("writer", writer, 0, 0);
}

void check(void)
{
	unsigned char last = sim_cached(OFFSET);

	sim_end();
	if (last && (last < 'a' || last > (SIM_WRITE ? 'd' : 'c')))
		sim_fail("stale data", "the file shows what was never written");
	if (last && !SIM_WRITE && OFFSET >= LENGTH)
		sim_fail("stale data", "the file shows what was cut off");
	expect_kept(OFFSET, last);
	expect_kept(17, 'b');
	sync_file();
	expect_synced(OFFSET, last);
	expect_synced(17, 'b');
}
