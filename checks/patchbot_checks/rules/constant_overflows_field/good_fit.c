/* All that fits, all bits set in unsigned types, -1, error numbers, and unknown types. */

struct demo_control {
	long nr_to_write;
	unsigned long flags;
	u16 mode;
	unsigned int ready:1;
	u64 start;
	demo_t other;
};

static int demo_write(struct demo_control *given, struct demo_unknown *unknown)
{
	struct demo_control control = {
		.nr_to_write = LONG_MAX,
		.flags = ~0UL,
		.mode = 0xffff,
		.ready = 1,
		.start = -1,
		.other = ~0ULL,
	};
	unsigned int ret = -EINVAL;
	u32 all = ~0;
	u16 ones = ~0U;
	int least = -2147483648;

	given->nr_to_write = -1;
	given->flags = ULONG_MAX;
	unknown->count = 1ULL << 60;
	control.start = 1ULL << 63;
	return demo_use(&control, ret, all, ones, least);
}
