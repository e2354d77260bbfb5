/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "lib/process/process.h"

/*
 * Gives up all rights that the event loop does not need. Calls `threads` after the capabilities are
 * dropped and before the system call filter, which then applies to the threads that it started.
 * Returns 0, or -errno; then nothing must be served.
 */
int confine(const struct child *child, int (*threads)(void *closure), void *closure);
