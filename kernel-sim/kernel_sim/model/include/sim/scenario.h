/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scenario can do with a file system, whatever the tree: a mount, a file of some pages, a
 * shared mapping of it. Each kind of tree has its own version of these (bundled/, linux/).
 */
#ifndef _SIM_SCENARIO_H
#define _SIM_SCENARIO_H

#include <sim/engine.h>

enum sim_data_mode { SIM_JOURNAL, SIM_ORDERED, SIM_WRITEBACK };

/* Mount, make a file of so many pages full of 'a', map it, and commit all that. */
void sim_mount(enum sim_data_mode mode, int journal_flag, int pages);

/* A processor's store to the mapping: faults as often as it has to. 0, or a negative error. */
int sim_store(long offset, unsigned char value);

/* write(2) of one byte. */
int sim_write(long offset, unsigned char value);

/* What jbd2's thread does when a commit is due; nothing where no transaction runs. */
void sim_commit(void);

/* Write the file's dirty pages back, as the flusher does. */
void sim_writeback(void);

/*
 * The power is cut now: recover a copy of the disk as it stands, and look at a byte of the file.
 * Recovery that fails is a failure of its own. The byte.
 */
unsigned char sim_power_cut(long offset);

/* The byte as the file shows it now. */
unsigned char sim_cached(long offset);

/* Is everything in the cache that differs from the disk going to be written by somebody? */
int sim_will_be_written(long offset);

/* Fails where a lock or a handle is still held by a thread that ended. */
void sim_thread_ends(void);

#endif
