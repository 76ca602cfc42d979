// SPDX-License-Identifier: GPL-2.0-or-later
/* What scenarios may ask for, and what this tree has nothing of. */
#include <sim/scenario.h>

int sim_truncate(long size)
{
	sim_inconclusive("this tree has no truncation");
	return 0;
}

int sim_reclaim(long offset)
{
	sim_inconclusive("this tree keeps its pages");
	return 0;
}

int sim_pin(long offset, unsigned char there, enum sim_hold how)
{
	sim_inconclusive("this tree's pages cannot be pinned");
	return 0;
}

void sim_store_pinned(long offset, unsigned char value)
{
}

void sim_unpin(void)
{
}
