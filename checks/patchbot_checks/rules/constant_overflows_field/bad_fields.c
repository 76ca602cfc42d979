/* Fields of structs: by initialiser, by assignment, through a pointer, a macro, and bit-fields. */

#define DEMO_ALL	~0UL

struct demo_control {
	long nr_to_write;
	loff_t range_end;
	u16 mode;
	unsigned int ready:1, level:3;
	int count;
};

static const struct demo_control demo_default = {
	.nr_to_write = ~0ULL, /* expect: constant-overflows-field */
	.range_end = LLONG_MAX,
	.level = 8, /* expect: constant-overflows-field */
};

static int demo_write(struct demo_control *given)
{
	struct demo_control control = {
		.nr_to_write = DEMO_ALL, /* expect: constant-overflows-field */
		.range_end = ULLONG_MAX, /* expect: constant-overflows-field */
		.mode = 0x10000, /* expect: constant-overflows-field */
	};

	control.count = 1ULL << 40; /* expect: constant-overflows-field */
	given->mode = 1 << 16; /* expect: constant-overflows-field */
	return demo_do(&control);
}
