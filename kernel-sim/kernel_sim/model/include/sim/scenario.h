/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scenario can do with a file system, whatever the tree: a mount, files of some pages, a
 * shared mapping of each. Each kind of tree has its own version of these (bundled/, linux/).
 */
#ifndef _SIM_SCENARIO_H
#define _SIM_SCENARIO_H

#include <sim/engine.h>
#include <sim/kernel.h>

enum sim_data_mode { SIM_JOURNAL, SIM_ORDERED, SIM_WRITEBACK };

/* The device reads memory in a thread of its own, some time after the submission. */
#define SIM_DEVICE_THREAD	1
/* It wants what it reads to be what was submitted (the kernel calls this stable writes). */
#define SIM_DEVICE_STABLE	2

/* What kind of device there is, a sum of the above; before sim_mount(). Without it: 0. */
void sim_device(int settings);

/* Bytes of a block, a power of two; before sim_mount(). Without it: 4096. */
void sim_block_size(int bytes);

/* Mount, make a file of so many pages full of 'a', map it, and commit all that. It is file 0. */
void sim_mount(enum sim_data_mode mode, int journal_flag, int pages);

/* Make one more file in the same way, during setup; returns its number, 1 and up. */
int sim_file(int journal_flag, int pages);

/* From now on the calling thread means this file; returns the one before. At first it is file 0. */
int sim_use(int file);

/* A processor's store to the mapping: faults as often as it has to. 0, or a negative error. */
int sim_store(long offset, unsigned char value);

/* write(2) of one byte; one past the end makes the file longer, in setup or not. */
int sim_write(long offset, unsigned char value);

/* truncate(2): the file ends after so many bytes. 0, or a negative error. */
int sim_truncate(long size);

/* Take the page out of memory if it is clean and nobody needs it; whether it is gone. */
int sim_reclaim(long offset);

/*
 * What get_user_pages() or pin_user_pages() does for writing: fault the page in, by a store of the byte
 * that is there, and hold it. One page for each thread. Then stores to it, past the mapping, and the
 * end: the page is marked as dirty and given back.
 */
enum sim_hold { SIM_GET_USER_PAGES, SIM_PIN_USER_PAGES };
int sim_pin(long offset, unsigned char there, enum sim_hold how);
void sim_store_pinned(long offset, unsigned char value);
void sim_unpin(void);

/* What jbd2's thread does when a commit is due; nothing where no transaction runs. */
void sim_commit(void);

/* Write the file's dirty pages back, as the flusher does. */
void sim_writeback(void);

/*
 * Call this after each block that the device has written, from the end of setup on: as the disk
 * does not change in between, a power cut is looked at at every moment that there is. It may use
 * sim_power_cut() and sim_fail() only.
 */
void sim_on_write(void (*look)(void));

/*
 * The power is cut now: recover a copy of the disk as it stands, and look at a byte of the file.
 * Recovery that fails is a failure of its own. The byte. From sim_on_write() or check() only.
 */
unsigned char sim_power_cut(long offset);

/* The byte as the file shows it now. */
unsigned char sim_cached(long offset);

/*
 * Is everything of this page that differs from the disk going to be written by somebody: by the
 * flusher, which looks for dirty pages, or by a commit? A checkpoint does not count: it comes when
 * the log is full, if ever.
 */
int sim_will_be_written(long offset);

/* Fails where a lock or a handle is still held by a thread that ended, and names it. */
void sim_thread_ends(void);

/*
 * Fails where what the threads did does not go together: they took locks in different orders, in
 * a way that can end in a deadlock, whether one came of it or not. Once, from check().
 */
void sim_end(void);

#endif
