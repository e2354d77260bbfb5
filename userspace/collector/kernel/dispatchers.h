/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs that hold the tracepoints, and call what counts through PROG_ARRAYs: they stay when new code comes, so
 * that no event is lost or seen twice.
 */
#pragma once

#include "collector/kernel/kernel.h"

/*
 * Attaches (and pins) them in their order, or takes the pinned ones over as they are. Returns 0; -EINVAL when some are
 * missing or call through other arrays than ours: those that are left cannot be told from new ones when both count, and
 * a link goes in its own time; or -errno.
 */
int dispatchers_attach(struct kernel *kernel);

/* "state_a", "state_b", "retransmit", "synack": in pins and metrics. */
const char *dispatcher_name(enum kernel_link which);
