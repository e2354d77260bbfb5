/* SPDX-License-Identifier: Apache-2.0 */
/* The process that serves the metrics port: metrics and status page. */
#pragma once

#include "lib/process/process.h"

/* Runs until SIGTERM or until the parent ends. Returns an exit status. */
int web_run(const struct child *child);
