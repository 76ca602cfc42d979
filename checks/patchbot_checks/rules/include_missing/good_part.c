/* No Makefile and no include/linux: this is only a part of a tree. */
#include <linux/fs.h>
#include "somewhere.h"

int demo_part(void)
{
	return 0;
}
