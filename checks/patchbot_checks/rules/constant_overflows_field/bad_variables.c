/* Variables, with casts and in an arm that is configured out. */

static int demo_sizes(void)
{
	u8 small = 256; /* expect: constant-overflows-field */
	int blocks;
	s16 level;

	blocks = 0x100000000; /* expect: constant-overflows-field */
	level = (u16)-1; /* expect: constant-overflows-field */
#ifndef CONFIG_DEMO
	blocks = ~0U; /* expect: constant-overflows-field */
#endif
	return demo_use(small, blocks, level);
}
