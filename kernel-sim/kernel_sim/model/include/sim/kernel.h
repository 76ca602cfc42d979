/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What scenarios can do on a kernel's tree alone. Every scenario declares it, by <sim/scenario.h>, so
 * that all are linked with the same functions of the model.
 */
#ifndef _SIM_KERNEL_H
#define _SIM_KERNEL_H

/* From now on faults of the calling thread are made without FAULT_FLAG_ALLOW_RETRY. */
void sim_forbid_retry(void);

/* FS_IOC_SETFLAGS: the file's data is journalled from now on, or not. 0, or a negative error. */
int sim_set_journal(int on);

/* Whether the file has that flag. */
int sim_journals(void);

/* During setup: the file is read and written past the page cache from now on, as DAX does it. */
void sim_use_dax(void);

/* During setup, of a file without pages: what is written to it first goes to its inode. */
void sim_keep_inline(void);

/* Whether the file's data stands in its inode. */
int sim_is_inline(void);

/* During setup: the page is mapped read-only, as after a load. */
void sim_map_readable(long offset);

/*
 * A store of some other processor, right now, by whoever runs: it goes through where the page is
 * mapped writable, and does nothing where it would fault. Whether it went through.
 */
int sim_store_now(long offset, unsigned char value);

#endif
