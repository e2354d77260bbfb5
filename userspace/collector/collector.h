/* SPDX-License-Identifier: Apache-2.0 */
/* The process that loads the kernel side and answers with snapshots of it. */
#pragma once

#include "lib/process/process.h"

/* Runs until SIGTERM or until the parent is gone. Returns an exit status. */
int collector_run(const struct child *child);

/* --detach: removes all pins, links and filters of this exporter. Returns an exit status. */
int collector_detach(const struct config *config);
