// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cap-ng.h>

#include "wgsocks/log.h"
#include "wgsocks/rights.h"

#define NOBODY 65534

/*
 * Sets the process's sets to what libcap-ng's tables hold. The bounding set first, for it takes a right that the rest may
 * give up; without that right it stays as it is, and no_new_privs makes it mean nothing.
 */
static int sets_apply(bool may_bound)
{
	if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		return -EPERM;
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return -EPERM;
	/* Ambient rights went with the permitted ones, unless the kernel refuses to tell about them. */
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/*
 * A container's root may lack CAP_SETUID or CAP_SETGID, and a user namespace may know no nobody: then it gives up what it can,
 * and may remain a root without capabilities.
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
		log_debug("still user %d, group %d: no right to become nobody", (int)geteuid(), (int)getegid());
}

int rights_drop_all(void)
{
	bool may_bound;
	int r;

	if (capng_get_caps_process() != 0)
		return -EPERM;
	may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	if (may_bound) {
		capng_clear(CAPNG_SELECT_BOUNDS);
		if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
			return -EPERM;
	}
	user_change();
	capng_clear(CAPNG_SELECT_BOTH);
	r = sets_apply(false);
	if (r < 0)
		return r;
	if (capng_get_caps_process() != 0 || capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return -EPERM;
	return 0;
}

int rights_keep(const int *capabilities, size_t count)
{
	bool permitted[CAP_LAST_CAP + 1] = { false };
	bool may_bound;

	if (capng_get_caps_process() != 0)
		return -EPERM;
	may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	for (size_t i = 0; i < count; i++) {
		if (capabilities[i] < 0 || capabilities[i] > CAP_LAST_CAP)
			return -EINVAL;
		permitted[capabilities[i]] = capng_have_capability(CAPNG_PERMITTED, (unsigned int)capabilities[i]);
	}
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++) {
		if (permitted[i] &&
		    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, i) != 0)
			return -EPERM;
	}
	return sets_apply(may_bound);
}
