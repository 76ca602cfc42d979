/* What is not a constant is not judged. */

struct demo_sizes {
	u8 bits;
	int count;
};

static void demo_set(struct demo_sizes *sizes, u64 length, unsigned int shift)
{
	sizes->count = length >> shift;
	sizes->bits = 1 << shift;
	sizes->count = sizeof(struct demo_sizes) * 2;
	sizes->count = DEMO_SOMETHING | 1;
}
