// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A page that somebody holds to write to it without the processor's mapping: as get_user_pages() does it
 * for writing, or pin_user_pages(), without the page table's lock. The entry is looked at again once the
 * page is held. Of the count of references only what pin_user_pages() adds is kept: some trees ask for it.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include "sim_mount.h"
#include "sim_page.h"

#ifdef GUP_PIN_COUNTING_BIAS
#define PINNED	GUP_PIN_COUNTING_BIAS
#else
#define PINNED	1024
#endif

static struct page *pinned[SIM_THREADS];	/* each thread has one at most */
static int shares[SIM_THREADS];	/* what it has added to the count of references */

bool sim_is_pinned(struct page *page)
{
	int i;

	for (i = 0; i < SIM_THREADS; i++)
		if (pinned[i] == page)
			return true;
	return false;
}

static void let_go(void)
{
	unsigned int me = sim_self();

	if (shares[me])
		atomic_sub(shares[me], &pinned[me]->_refcount);
	WRITE_ONCE(pinned[me], NULL);
}

static bool take(pte_t *entry)
{
	pte_t pte = READ_ONCE(*entry);
	unsigned int me = sim_self();

	if (!pte_present(pte) || !pte_write(pte))
		return false;
	WRITE_ONCE(pinned[me], pte_page(pte));
	if (shares[me])
		atomic_add(shares[me], &pinned[me]->_refcount);
	if (pte_val(READ_ONCE(*entry)) == pte_val(pte))
		return true;
	let_go();
	return false;
}

/* The fault is a store's, of the byte that is there. */
int sim_pin(long offset, unsigned char there, enum sim_hold how)
{
	struct mapped_file *one = sim_this_file();
	int ret;

	shares[sim_self()] = how == SIM_PIN_USER_PAGES ? PINNED : 0;
	while (!take(&one->ptes[offset >> PAGE_SHIFT])) {
		ret = sim_store(offset, there);
		if (ret)
			return ret;
	}
	return 0;
}

void sim_store_pinned(long offset, unsigned char value)
{
	((unsigned char *)page_address(pinned[sim_self()]))[offset & ~PAGE_MASK] = value;
}

void sim_unpin(void)
{
	set_page_dirty_lock(pinned[sim_self()]);
	let_go();
}
