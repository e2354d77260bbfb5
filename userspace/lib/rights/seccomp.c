// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include <seccomp.h>

#include "lib/rights/rights.h"

static void filter_release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

int rights_seccomp(const int *syscalls, size_t count)
{
	__attribute__((cleanup(filter_release))) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	/* By default a call of another architecture kills only the thread. */
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; r == 0 && i < count; i++) {
		/* What this architecture does not have (a negative pseudo number) cannot be called either. */
		if (syscalls[i] >= 0)
			r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, syscalls[i], 0, NULL);
	}
	return r == 0 ? seccomp_load(filter) : r;
}
