// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file's journal flag is set (SIM_SET) or cleared, and then its data is committed, while somebody
 * else stores through a mapping or writes (SIM_WRITE). With SIM_CLEAN its page has never been touched,
 * else it is dirty, mapped writable, and what is journalled is in the log. At every block that is
 * written one more processor stores, if it can without a fault.
 */
#include <sim/oracle.h>

#define BESIDE	(SIM_CLEAN ? 17 : OFFSET + 64)
#define ANYTIME	(OFFSET + 128)

static int counts[16];	/* of those stores, a word for each thread, so that none is shared */

static void flip(void *unused)
{
	if (sim_set_journal(SIM_SET))
		sim_fail("flip", "the journal flag cannot be changed");
	write_byte(BESIDE, 'c');
	sim_commit();
	sim_thread_ends();
}

static void writer(void *unused)
{
	if (SIM_WRITE)
		write_byte(OFFSET, 'c');
	else
		store(OFFSET, 'c');
	sim_thread_ends();
}

static void block_written(void)
{
	/* Another value each time; one block is written at a time. */
	if (sim_store_now(ANYTIME, sim_cached(ANYTIME) + 1))
		counts[sim_self()]++;
}

void setup(void)
{
	mount_file();
	if (!SIM_CLEAN) {
		if (sim_write(OFFSET, 'b') || sim_store(OFFSET, 'b'))
			sim_inconclusive("the page cannot be written during setup");
		if (!SIM_SET)
			sim_commit();
	}
	sim_on_write(block_written);
	sim_thread("flip", flip, 0, 0);
	sim_thread("writer", writer, 0, 0);
}

void check(void)
{
	unsigned char last = 'a';
	int i;

	sim_end();
	expect_kept(OFFSET, 'c');
	expect_kept(BESIDE, 'c');
	for (i = 0; i < 16; i++)
		last += counts[i];
	expect_kept(ANYTIME, last);
	expect_written(OFFSET, 'c');
	sync_file();
	expect_synced(OFFSET, 'c');
	expect_synced(BESIDE, 'c');
	expect_synced(ANYTIME, last);
}
