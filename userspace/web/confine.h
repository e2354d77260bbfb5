/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lib/process/process.h"

/*
 * Gives up every right that the loop does not need. `threads` starts those that shall be as
 * confined, when there are no rights any more and system calls still are. Returns 0 or -errno
 * (nothing should be served then).
 */
int confine(const struct child *child, int (*threads)(void *closure), void *closure);
