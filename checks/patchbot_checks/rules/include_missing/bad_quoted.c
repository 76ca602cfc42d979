/* file: fs/demo/Makefile */
obj-y := inode.o
/* file: fs/demo/demo.h */
#include "demo_types.h" /* expect: include-missing */
int demo_count(void);
/* file: fs/demo/inode.c */
#include <linux/fs.h>
#include "demo.h"
#include "demo_debug.h" /* expect: include-missing */
#  include "sub/none.h" /* expect: include-missing */

int demo_count(void)
{
	return 0;
}
