/* SPDX-License-Identifier: Apache-2.0 */
/* The process that reads --web.config.file. */
#pragma once

#include "lib/process/process.h"

/* Runs until SIGTERM or until the parent ends. Returns an exit status. */
int webconfig_run(const struct child *child);

/*
 * Called at the start: validates --web.config.file and the files that it names. Returns 0, or
 * -EINVAL after logging the reason.
 */
int webconfig_check(const struct config *config);
