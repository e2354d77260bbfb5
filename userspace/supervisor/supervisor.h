/* SPDX-License-Identifier: Apache-2.0 */
/* The parent of all processes. */
#pragma once

#include "lib/process/process.h"

/*
 * Opens the listeners, then starts and restarts the children until SIGTERM or SIGINT. `mains`: the
 * main function of each child, by enum process. Returns the exit status of the program.
 */
int supervisor_run(const struct config *config, child_main_function *const mains[PROCESS_MAX]);
