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

/* file: fs/demo/nested.h */
struct demo_range {
	unsigned int r_len;
	__le16 r_disk_len;
};

typedef struct demo_log_s demo_log_t;

struct demo_log_s {
	struct demo_range l_range;
	int l_size;
};

static inline struct demo_range *DEMO_R(struct inode *inode)
{
	return inode->i_private;
}
/* file: fs/demo/nested.c */
#include "nested.h"

static void demo_nested(struct inode *inode, demo_log_t *log)
{
	log->l_size = 0x100000000LL; /* expect: constant-overflows-field */
	log->l_range.r_len = 1ULL << 40; /* expect: constant-overflows-field */
	DEMO_R(inode)->r_disk_len = 0x10000; /* expect: constant-overflows-field */
	DEMO_R(inode)->r_len = 0xffffffff;
}
