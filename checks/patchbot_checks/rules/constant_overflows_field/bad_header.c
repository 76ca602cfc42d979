/* file: include/linux/writeback.h */
struct writeback_control {
	long nr_to_write;
	loff_t range_start;
};
/* file: fs/demo/super.c */
#include <linux/writeback.h>

int demo_submit(struct address_space *mapping)
{
	struct writeback_control wbc = {
		.nr_to_write = ~0ULL, /* expect: constant-overflows-field */
		.range_start = 0,
	};

	return demo_walk(mapping, &wbc);
}
