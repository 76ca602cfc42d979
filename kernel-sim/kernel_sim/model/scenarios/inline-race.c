// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A small file whose data stands in its inode, stored to through a mapping: the fault has to move the
 * data to a block. With SIM_WRITE somebody writes with write(2) meanwhile.
 */
#include <sim/kernel.h>
#include <sim/oracle.h>

#define WRITTEN	(OFFSET + 20)

static void mapped_writer(void *unused)
{
	if (SIM_LAST_TRY)
		sim_forbid_retry();
	store(OFFSET, 'c');
	sim_thread_ends();
}

static void writer(void *unused)
{
	write_byte(WRITTEN, 'c');
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
	sim_thread("store", mapped_writer, 0, 0);
	if (SIM_WRITE)
		sim_thread("write", writer, 0, 0);
}

void check(void)
{
	unsigned char written = SIM_WRITE ? 'c' : 'a';

	sim_end();
	expect_kept(OFFSET, 'c');
	expect_kept(WRITTEN, written);
	sync_file();
	if (!SIM_SYNCED)
		return;
	expect_synced(OFFSET, 'c');
	expect_synced(WRITTEN, written);
}
