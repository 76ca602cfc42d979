/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What scenarios ask at their end and at power cuts, in terms of <sim/scenario.h> alone. */
#ifndef _SIM_ORACLE_H
#define _SIM_ORACLE_H

#include <sim/scenario.h>

#ifndef SIM_MODE
#define SIM_MODE SIM_JOURNAL
#endif
#ifndef SIM_JOURNAL_FLAG
#define SIM_JOURNAL_FLAG 0
#endif
#ifndef SIM_PAGE
#define SIM_PAGE 0
#endif
#ifndef SIM_TAIL
#define SIM_TAIL 0
#endif
#ifndef SIM_DEVICE
#define SIM_DEVICE 0
#endif

#ifndef SIM_BLOCK_SIZE
#define SIM_BLOCK_SIZE 4096
#endif

#ifndef SIM_AT
#define SIM_AT 17
#endif

#define OFFSET	(SIM_PAGE * 4096L + SIM_AT)

/*
 * Mount, with a file that has SIM_PAGE as its last page; with SIM_TAIL it ends behind OFFSET. What
 * is mounted with data=writeback is on the disk from the start, as nobody promises it there.
 */
static inline void mount_file(void)
{
	sim_device(SIM_DEVICE);
	sim_block_size(SIM_BLOCK_SIZE);
	sim_mount(SIM_MODE, SIM_JOURNAL_FLAG, SIM_PAGE + !SIM_TAIL);
	if (SIM_TAIL) {
		if (sim_write(OFFSET, 'a'))
			sim_inconclusive("the file cannot be made longer during setup");
		sim_commit();
	}
	if (SIM_MODE == SIM_WRITEBACK)
		sim_writeback();
}

/* At a power cut the byte is one of the file's states, 'a' up to `last`. */
static inline void expect_written(long offset, unsigned char last)
{
	unsigned char found = sim_power_cut(offset);

	if (found < 'a' || found > last)
		sim_fail("recovery", "the file shows what was never written");
}

/* All is over: the last value is there, somebody will write it, and sync makes it last. */
static inline void expect_kept(long offset, unsigned char last)
{
	if (sim_cached(offset) != last)
		sim_fail("lost store", "the file does not show the last store");
	if (!sim_will_be_written(offset))
		sim_fail("lost store", "nobody is going to write the last store");
}

static inline void expect_synced(long offset, unsigned char last)
{
	if (sim_power_cut(offset) != last)
		sim_fail("lost store", "after a sync and a power cut the last store is gone");
}

/* What sync(2) does: data, the log, and what the log let go. */
static inline void sync_file(void)
{
	sim_writeback();
	sim_commit();
	sim_writeback();
}

/* A thread that commits, and one that writes back. */
static inline void committer(void *unused)
{
	sim_commit();
	sim_thread_ends();
}

static inline void flusher(void *unused)
{
	sim_writeback();
	sim_thread_ends();
}

/* Stores that must work. */
static inline void store(long offset, unsigned char value)
{
	if (sim_store(offset, value))
		sim_fail("store", "a store to the mapping failed");
}

static inline void write_byte(long offset, unsigned char value)
{
	if (sim_write(offset, value))
		sim_fail("write", "write(2) failed");
}

#endif
