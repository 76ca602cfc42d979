/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SANDBOX_H
#define SANDBOX_H

/* From now on only what the search needs: memory, writing to open files, clocks, own processes. */
void sandbox_enter(void);

#endif
