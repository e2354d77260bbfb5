// SPDX-License-Identifier: Apache-2.0
#include "confine.h"

#include <malloc.h>
#include <seccomp.h>
#include <time.h>

#include "wgsocks/log.h"
#include "wgsocks/rights.h"

/* No file is opened, no socket made, nobody connected to, nothing executed. */
static const int syscalls[] = {
	/* the loop */
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
	/* libmicrohttpd's eventfd, signals */
	SCMP_SYS(read),
	/* the snapshot's memory */
	SCMP_SYS(pread64),
	SCMP_SYS(lseek),
	/* clocks of the other processes */
	SCMP_SYS(clock_getres),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	/* the end */
	SCMP_SYS(exit_group),
	SCMP_SYS(exit),
	SCMP_SYS(rt_sigreturn),
	PROCESS_BEAT_SYSCALLS,
};

/* What would want a file later: the C library reads the time zone once, before the first date. */
static void files_read(void)
{
	time_t now = time(NULL);
	struct tm broken_down;

	tzset();
	gmtime_r(&now, &broken_down);
}

int confine(const struct child *child, int (*threads)(void *closure), void *closure)
{
	int err;

	process_beat_open();
	files_read();
	err = rights_drop_all();
	if (err)
		return err;
	child_bind_to_parent(child);
	err = threads(closure);
	if (err)
		return err;
	err = rights_seccomp(syscalls, sizeof(syscalls) / sizeof(*syscalls));
	if (err)
		return err;
	malloc_trim(0); /* the filter's making took more than serving does */
	return 0;
}
