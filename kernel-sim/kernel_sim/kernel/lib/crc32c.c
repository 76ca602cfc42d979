// SPDX-License-Identifier: GPL-2.0-or-later
/* CRC-32C, one bit at a time. */
#include <linux/kernel.h>

u32 crc32c(u32 crc, const void *data, size_t n)
{
	const u8 *byte = data;

	while (n--) {
		crc ^= *byte++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
	}
	return crc;
}
