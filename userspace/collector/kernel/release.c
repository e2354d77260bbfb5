// SPDX-License-Identifier: Apache-2.0
#include "collector/kernel/release.h"

#include <stdio.h>

bool kernel_before(unsigned int major, unsigned int minor, struct utsname *name)
{
	unsigned int a, b;

	return !uname(name) && sscanf(name->release, "%u.%u", &a, &b) == 2 && (a < major || (a == major && b < minor));
}
