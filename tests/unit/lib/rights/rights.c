// SPDX-License-Identifier: Apache-2.0
/* The kernel's view of a process that gave up rights. Each test is a separate process. */
#include "lib/rights/rights.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A number of /proc/self/status, read by `base`. */
static unsigned long long status_number(const char *key, int base)
{
	FILE *status = fopen("/proc/self/status", "r");
	unsigned long long number = ~0ull;
	char line[256];

	cr_assert_not_null(status);
	while (fgets(line, sizeof(line), status)) {
		if (strncmp(line, key, strlen(key)) == 0)
			number = strtoull(line + strlen(key), NULL, base);
	}
	fclose(status);
	return number;
}

static void expect_nothing(void)
{
	cr_expect_eq(status_number("CapEff:", 16), 0);
	cr_expect_eq(status_number("CapPrm:", 16), 0);
	cr_expect_eq(status_number("CapInh:", 16), 0);
	cr_expect_eq(status_number("CapAmb:", 16), 0);
	cr_expect_eq(status_number("NoNewPrivs:", 10), 1);
}

static void need_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
}

Test(rights, drop_all_of_root)
{
	need_root();
	cr_assert_eq(rights_drop_all(), 0);
	expect_nothing();
	cr_expect_eq(status_number("CapBnd:", 16), 0);
	cr_expect_eq(status_number("Uid:", 10), 65534);
	cr_expect_eq(status_number("Gid:", 10), 65534);
	cr_expect_eq(getgroups(0, NULL), 0);
	cr_expect_eq(setuid(0), -1, "for good");
}

Test(rights, drop_all_without_root)
{
	if (geteuid() == 0)
		cr_assert_eq(setresuid(1000, 1000, 1000), 0);
	cr_assert_eq(rights_drop_all(), 0);
	expect_nothing();
	cr_expect_eq(status_number("Uid:", 10), geteuid());
}

Test(rights, drop_all_twice)
{
	cr_assert_eq(rights_drop_all(), 0);
	cr_assert_eq(rights_drop_all(), 0);
	expect_nothing();
}

/* A number that says which of its steps failed. */
static int container_root_drops_all(void)
{
	static const int few[] = { CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN };

	if (rights_keep(few, 3) != 0 || status_number("CapEff:", 16) == 0)
		return 1;
	if (rights_drop_all() != 0)
		return 2;
	if (status_number("CapEff:", 16) || status_number("CapPrm:", 16) ||
	    status_number("NoNewPrivs:", 10) != 1)
		return 3;
	return geteuid() == 0 ? 0 : 4; /* it cannot change its user */
}

/*
 * A container's root with only the capabilities of a sidecar: no CAP_SETUID, no CAP_SETPCAP. The
 * test forks, because threads of Criterion keep their capabilities, and libc aborts if setgroups
 * works in one thread and not in another.
 */
Test(rights, drop_all_of_a_container_root)
{
	int status;
	pid_t pid;

	need_root();
	pid = fork();
	if (pid == 0)
		_exit(container_root_drops_all());
	waitpid(pid, &status, 0);
	cr_expect(WIFEXITED(status));
	cr_expect_eq(WEXITSTATUS(status), 0, "step %d", WEXITSTATUS(status));
}

Test(rights, keep_some)
{
	static const int some[] = { CAP_NET_ADMIN, CAP_BPF };
	unsigned long long wanted = 1ull << CAP_NET_ADMIN | 1ull << CAP_BPF;

	need_root();
	cr_assert_eq(rights_keep(some, 2), 0);
	cr_expect_eq(status_number("CapEff:", 16), wanted);
	cr_expect_eq(status_number("CapPrm:", 16), wanted);
	cr_expect_eq(status_number("CapBnd:", 16), wanted);
	cr_expect_eq(status_number("CapInh:", 16), 0);
	cr_expect_eq(status_number("NoNewPrivs:", 10), 1);
	cr_expect_eq(geteuid(), 0);
}

Test(rights, keep_only_what_is_there)
{
	static const int one[] = { CAP_NET_ADMIN };
	static const int two[] = { CAP_NET_ADMIN, CAP_BPF };

	need_root();
	cr_assert_eq(rights_keep(one, 1), 0);
	cr_assert_eq(rights_keep(two, 2), 0);
	cr_expect_eq(status_number("CapEff:", 16), 1ull << CAP_NET_ADMIN);
}

Test(rights, keep_without_root)
{
	static const int some[] = { CAP_NET_ADMIN };

	if (geteuid() == 0)
		cr_assert_eq(setresuid(1000, 1000, 1000), 0);
	cr_assert_eq(rights_keep(some, 1), 0);
	expect_nothing();
}

Test(rights, keep_refuses_nonsense)
{
	static const int bad[] = { 64 };

	cr_expect_eq(rights_keep(bad, 1), -EINVAL);
}

#define ALLOWED SCMP_SYS(exit_group), SCMP_SYS(write), SCMP_SYS(rt_sigreturn)

/* The status of a child that does this under the filter. */
static int under_seccomp(void (*work)(void))
{
	static const int syscalls[] = { ALLOWED, -10001 /* of another architecture */ };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (rights_drop_all() < 0 ||
		    rights_seccomp(syscalls, sizeof(syscalls) / sizeof(*syscalls)) < 0)
			_exit(1);
		work();
		syscall(SYS_exit_group, 42);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void work_allowed(void)
{
	if (syscall(SYS_write, -1, "", 1) != -1)
		syscall(SYS_exit_group, 2);
}

static void work_forbidden(void)
{
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

#ifdef __x86_64__
/* getpid of the 32-bit architecture: 20. */
static void work_of_another_architecture(void)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
}
#endif

Test(rights, seccomp_allows_what_is_listed_and_kills_for_the_rest)
{
	int status = under_seccomp(work_allowed);

	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 42, "%x", (unsigned int)status);
	status = under_seccomp(work_forbidden);
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%x", (unsigned int)status);
#ifdef __x86_64__
	status = under_seccomp(work_of_another_architecture);
	/* SIGSEGV where the kernel has no 32-bit entry at all. */
	cr_expect(WIFSIGNALED(status), "%x", (unsigned int)status);
#endif
}
