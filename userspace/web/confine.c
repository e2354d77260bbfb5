// SPDX-License-Identifier: Apache-2.0
#include "web/confine.h"

#include <malloc.h>
#include <seccomp.h>
#include <stdlib.h>

#include "lib/log/log.h"
#include "lib/rights/rights.h"

/* No call here opens a file, creates a socket, connects or executes a program. */
static const int syscalls[] = {
	/* event loop */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	LOG_SYSCALLS,
	SCMP_SYS(restart_syscall),
	SCMP_SYS(time),
	SCMP_SYS(gettimeofday),
	/* clients */
	SCMP_SYS(accept4),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(close),
	SCMP_SYS(setsockopt),
	SCMP_SYS(fcntl),
	/* TLS */
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	/* eventfd of libmicrohttpd, signalfd */
	SCMP_SYS(read),
	/* memfd of the snapshot */
	SCMP_SYS(pread64),
	SCMP_SYS(lseek),
	/* CPU clocks of the other processes */
	SCMP_SYS(clock_getres),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	/* exit */
	SCMP_SYS(exit_group),
	SCMP_SYS(exit),
	SCMP_SYS(rt_sigreturn),
	HEARTBEAT_SYSCALLS,
};

static int number_order(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/*
 * Before its first qsort of more than 1 KiB, the C library may read the memory size of the host.
 * It uses sysinfo or a file, and remembers the result. Do this here, so that the filter need not
 * allow it.
 */
static void sort_prepare(void)
{
	int numbers[1024] = { 1 };

	qsort(numbers, sizeof(numbers) / sizeof(*numbers), sizeof(*numbers), number_order);
}

int confine(const struct child *child, int (*threads)(void *closure), void *closure)
{
	int r;

	heartbeat_open();
	sort_prepare();
	r = rights_drop_all();
	if (r)
		return r;
	child_bind_to_parent(child);
	r = threads(closure);
	if (r)
		return r;
	r = rights_seccomp(syscalls, sizeof(syscalls) / sizeof(*syscalls));
	if (r)
		return r;
	malloc_trim(0); /* building the filter needs more memory than serving */
	return 0;
}
