/* SPDX-License-Identifier: Apache-2.0 */
/* The process that answers probes. */
#pragma once

#include "lib/process/process.h"

/* Runs until SIGTERM or until the parent ends. Returns an exit status. */
int health_run(const struct child *child);
