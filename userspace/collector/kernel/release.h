/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/utsname.h>

/* Whether the kernel that runs calls itself older than major.minor, as uname(2) has it; *name is what it says. */
bool kernel_before(unsigned int major, unsigned int minor, struct utsname *name);
