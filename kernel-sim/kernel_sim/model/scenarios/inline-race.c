// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small file whose data stands in its inode, stored to through a mapping: the fault has to move the
 * data to a block. With SIM_WRITE somebody writes with write(2) meanwhile; what does not fit into the
 * inode (SIM_FAR) moves the data as well.
 */
#include <sim/oracle.h>

#define WRITTEN	(OFFSET + 20)
#define FAR	(OFFSET + 1000)

static void mapped_writer(void *unused)
{
	if (SIM_LAST_TRY)
		sim_forbid_retry();
	store(OFFSET, 'c');
	sim_thread_ends();
}

static void writer(void *unused)
{
	write_byte(SIM_FAR ? FAR : WRITTEN, 'c');
	sim_thread_ends();
}

void setup(void)
{
	sim_device(SIM_DEVICE);
	sim_mount(SIM_MODE, SIM_JOURNAL_FLAG, 0);
	sim_keep_inline();
	if (sim_write(OFFSET, 'a') || sim_write(WRITTEN, 'a'))
		sim_inconclusive("the file cannot be written during setup");
	sim_commit();
	if (!sim_is_inline())
		sim_inconclusive("the file's data is not in its inode");
	sim_map_readable(OFFSET);
	if (SIM_STORE)
		sim_thread("store", mapped_writer, 0, 0);
	if (SIM_WRITE)
		sim_thread("write", writer, 0, 0);
}

void check(void)
{
	unsigned char stored = SIM_STORE ? 'c' : 'a';
	unsigned char written = SIM_WRITE && !SIM_FAR ? 'c' : 'a';

	sim_end();
	expect_kept(OFFSET, stored);
	expect_kept(WRITTEN, written);
	if (SIM_FAR)
		expect_kept(FAR, 'c');
	sync_file();
	if (!SIM_SYNCED)
		return;
	expect_synced(OFFSET, stored);
	if (SIM_FAR)
		expect_synced(FAR, 'c');
	expect_synced(WRITTEN, written);
}
