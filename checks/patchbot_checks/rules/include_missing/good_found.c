/* file: fs/demo/Makefile */
ccflags-y := -I $(srctree)/fs/other
/* file: fs/other/other.h */
int demo_other(void);
/* file: fs/demo/internal.h */
int demo_internal(void);
/* file: fs/demo/c.c */
#include <linux/none_of_which_is_known.h>
#include "internal.h"
#include "./internal.h"
#include "../other/other.h"
#include "other.h"
#include "generated/bounds.h"
#ifdef CONFIG_DEMO_DEBUG
#include "only_when_configured.h"
#endif

int demo_c(void)
{
	return demo_other() + demo_internal();
}
