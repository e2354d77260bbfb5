// SPDX-License-Identifier: Apache-2.0
#include "lib/rights/rights.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/log/log.h"

#define NOBODY 65534

/*
 * Applies the capability sets of libcap-ng. Apply the bounding set before: that needs a capability
 * that is dropped here. Without that capability it stays unchanged, and no_new_privs makes it
 * ineffective.
 */
static int sets_apply(void)
{
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	/*
	 * The kernel clears ambient capabilities with the permitted ones; this also covers a kernel
	 * that does not report them.
	 */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* Asks the kernel: libcap-ng would read /proc three times for this. */
static bool is_without_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	return syscall(SYS_capget, &header, sets) == 0 && !sets[0].effective &&
	       !sets[0].permitted && !sets[0].inheritable && !sets[1].effective &&
	       !sets[1].permitted && !sets[1].inheritable;
}

/*
 * Root in a container can lack CAP_SETUID or CAP_SETGID, and a user namespace may not map nobody.
 * The process then drops what it can, and may stay root without capabilities.
 */
static void user_change(void)
{
	bool changed;

	if (geteuid() != 0 && getuid() != 0)
		return;
	changed = setgroups(0, NULL) == 0;
	changed &= setresgid(NOBODY, NOBODY, NOBODY) == 0;
	changed &= setresuid(NOBODY, NOBODY, NOBODY) == 0;
	if (!changed)
		log_debug("cannot become user nobody", field_signed("user", (int)geteuid()),
			  field_signed("group", (int)getegid()));
}

/*
 * Reduces the bounding set if permitted (CAP_SETPCAP). A failure is not fatal:
 * is_without_capabilities and sets_apply check the result.
 */
static void bounds_apply(void)
{
	if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		log_debug("cannot reduce bounding set of capabilities");
}

int rights_drop_all(void)
{
	int r;

	capng_clear(CAPNG_SELECT_BOTH);
	bounds_apply();
	user_change();
	r = sets_apply();
	if (r < 0)
		return r;
	return is_without_capabilities() ? 0 : -EPERM;
}

int rights_keep(const int *capabilities, size_t count)
{
	bool permitted[CAP_LAST_CAP + 1] = { false };

	if (capng_get_caps_process() != 0)
		return -EPERM;
	for (size_t i = 0; i < count; i++) {
		if (capabilities[i] < 0 || capabilities[i] > CAP_LAST_CAP)
			return -EINVAL;
		permitted[capabilities[i]] =
			capng_have_capability(CAPNG_PERMITTED, (unsigned int)capabilities[i]);
	}
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++) {
		if (permitted[i] &&
		    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
				 i) != 0)
			return -EPERM;
	}
	bounds_apply();
	return sets_apply();
}

static void filter_release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

int rights_seccomp(const int *syscalls, size_t count)
{
	__attribute__((cleanup(filter_release))) scmp_filter_ctx filter =
		seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	/* The default for a call of another architecture is to kill only the thread. */
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; r == 0 && i < count; i++) {
		/* A negative number means that this architecture does not have the call. */
		if (syscalls[i] >= 0)
			r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, syscalls[i], 0, NULL);
	}
	return r == 0 ? seccomp_load(filter) : r;
}
