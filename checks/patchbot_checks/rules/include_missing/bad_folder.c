/* file: fs/demo/Makefile */
ccflags-y += -I$(src)/inc
/* file: fs/demo/inc/there.h */
int demo_there(void);
/* file: fs/demo/a.c */
#include "there.h"
#include "inc/there.h"
#include "not_there.h" /* expect: include-missing */

int demo_a(void)
{
	return demo_there();
}
