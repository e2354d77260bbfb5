/* SPDX-License-Identifier: Apache-2.0 */
/* The process that reads --web.config.file. */
#pragma once

#include "lib/process/process.h"

/* Runs until SIGTERM or until the parent is gone. Returns an exit status. */
int webconfig_run(const struct child *child);

/*
 * At the start: whether --web.config.file and what it names can be served with. 0, or -EINVAL after
 * one line that says why not.
 */
int webconfig_check(const struct config *config);
