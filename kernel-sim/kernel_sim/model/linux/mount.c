// SPDX-License-Identifier: GPL-2.0-or-later
#include "sim_linux.h"
#include <sim/scenario.h>
#include "ext4/ext4.h"
#include "ext4/ext4_jbd2.h"

void setup(void);
void sim_mount(enum sim_data_mode mode, int journal_flag, int pages)
{
	sim_inconclusive("not yet");
}
int sim_store(long offset, unsigned char value) { return 0; }
int sim_write(long offset, unsigned char value) { return 0; }
void sim_commit(void) { jbd2_journal_commit_transaction(0); }
void sim_writeback(void) { }
unsigned char sim_power_cut(long offset) { return 'c'; }
unsigned char sim_cached(long offset) { return 'c'; }
int sim_will_be_written(long offset) { return 1; }
void sim_thread_ends(void) { }
