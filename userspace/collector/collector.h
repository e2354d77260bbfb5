/* SPDX-License-Identifier: Apache-2.0 */
/* The process that holds the kernel side and makes snapshots of it. */
#pragma once

#include "lib/process/process.h"

/* Runs until SIGTERM or until the parent is gone. Returns an exit status. */
int collector_run(const struct child *child);

/* --detach: removes every pin, link and filter of ours. Returns an exit status. */
int collector_detach(const struct config *config);
