/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which bytes are live, constant or freed; objects of the heaps, and frames.
 */
#include <string.h>
#include "memory.h"

/* ---- which bytes are live ---- */

static bool range_live(const u8 *s, u64 size, bool write)
{
	u64 word, words[8];

	if (size > 8 && *s == LIVE && !memcmp(s, s + 1, size - 1))
		return true;
	for (; size >= sizeof(words); s += sizeof(words), size -= sizeof(words)) {
		memcpy(words, s, sizeof(words));
		word = words[0] & words[1] & words[2] & words[3] & words[4] & words[5] & words[6] &
		       words[7];
		if ((word & EACH_BYTE) != EACH_BYTE)
			return false;
	}
	for (; size >= 8; s += 8, size -= 8) {
		memcpy(&word, s, 8);
		if (write ? word != EACH_BYTE * LIVE : (word & EACH_BYTE) != EACH_BYTE)
			return false;
	}
	for (; size; s++, size--)
		if (write ? *s != LIVE : !(*s & 1))
			return false;
	return true;
}

/* What is wrong with an access that is known to be wrong. */
static const char *fault_kind(u64 address, u64 size, bool write, bool *constant)
{
	u64 region = (address | (HEAP_SIZE - 1)) + 1; /* no object crosses its end */
	u64 end = size < region - address ? address + size : region;

	if (address < NULL_END)
		return "null dereference";
	if (!IN_MEMORY(address))
		return "wild access";
	if (memchr(shadow + (address - GLOBALS), FREED, end - address))
		return "use after free";
	*constant = write && end - address == size &&
		    range_live(shadow + (address - GLOBALS), size, false);
	return "wild access";
}

/* All of an object is live, or all of it is freed. */
static bool is_live_object(u64 address, u64 size)
{
	return size > SPAN_BYTES && memory_object(address) >= size &&
	       shadow[address - GLOBALS] == LIVE;
}

const char *memory_fault(u64 address, u64 size, bool write, bool *constant)
{
	*constant = false;
	if (is_live_object(address, size))
		return NULL;
	if (likely(IN_MEMORY(address) && size <= MEMORY_END - address &&
		   range_live(shadow + (address - GLOBALS), size, write)))
		return NULL;
	return fault_kind(address, size, write, constant);
}

/* Objects stand 16 to 31 bytes apart, so that running over the end is seen. */
u64 memory_allocate(u32 thread, u64 size)
{
	u64 end = HEAPS + (thread + 1) * HEAP_SIZE, address = heap_next[thread];

	size = size ? size : 1;
	if (size > HEAP_SIZE || ((size + 15) & ~15ull) + 16 > end - address)
		return 0;
	memset(shadow + (address - GLOBALS), LIVE, size);
	sizes[(address - HEAPS) / 16] = size;
	log_undo(OBJECT, address, size);
	heap_next[thread] += ((size + 15) & ~15ull) + 16;
	return address;
}

u64 memory_object(u64 address)
{
	return address - HEAPS < MEMORY_END - HEAPS && !(address & 15) ?
		       sizes[(address - HEAPS) / 16] : 0;
}

void memory_release(u64 address, u64 size)
{
	log_undo(RELEASE, address, size);
	memset(shadow + (address - GLOBALS), FREED, size);
}

/* What stands in a frame that is older than the last mark has to come back with it. */
static void keep_frame(u64 address, u64 size)
{
	u64 end = address + size < stack_marked[self] ? address + size : stack_marked[self];

	for (u64 at = address; at < end; at += 8)
		if (*(u64 *)at)
			log_undo(WORD, at, *(u64 *)at);
	if (address < stack_marked[self])
		stack_marked[self] = address;
}

/* A frame's bytes are 0 when it begins, since every dead frame is cleared. */
bool memory_frame(u64 address, u64 size, bool live)
{
	u64 end = STACKS + (self + 1) * STACK_SIZE;

	if (live && size > end - address)
		return false;
	if (!live) {
		keep_frame(address, size);
		memset((void *)address, 0, size);
	}
	memset(shadow + (address - GLOBALS), live ? LIVE : DEAD, size);
	if (live && stack_high[self] < address + size)
		stack_high[self] = address + size;
	return true;
}
