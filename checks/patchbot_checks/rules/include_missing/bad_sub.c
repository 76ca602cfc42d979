/* file: fs/Makefile */
subdir-ccflags-y += -Ifs/common
/* file: fs/common/common.h */
int demo_common(void);
/* file: fs/demo/sub/b.c */
#include "common.h"
#include "../demo.h" /* expect: include-missing */

int demo_b(void)
{
	return demo_common();
}
