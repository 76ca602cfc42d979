/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A seccomp filter: any system call that is not in the list ends the process. Without seccomp, or
 * on another machine than x86-64 and arm64, the resource limits of main.c are all there is.
 */
#include <stddef.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "sandbox.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

#define ALLOW(call)                                             \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

void sandbox_enter(void)
{
#ifdef ARCH
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(write), ALLOW(exit), ALLOW(exit_group), ALLOW(mmap), ALLOW(munmap),
		ALLOW(mremap), ALLOW(madvise), ALLOW(brk), ALLOW(rt_sigreturn),
		ALLOW(rt_sigprocmask), ALLOW(clock_gettime), ALLOW(clone), ALLOW(wait4),
		ALLOW(set_robust_list), ALLOW(rseq), ALLOW(futex), ALLOW(fstat), ALLOW(newfstatat),
		ALLOW(gettid), ALLOW(getpid), ALLOW(getrandom),
		ALLOW(prctl),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
#endif
}
