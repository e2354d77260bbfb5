/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator: a child without any rights that parses --web.config.file. Its parent, at the other
 * end of a socket pair, reads the named files for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define VALIDATOR_FLAG "--web.config.file"

#define VALIDATOR_SILENT 3 /* exit status: ended without logging a reason */

/*
 * Runs in the child. `fd` is its end of the socket pair. Exits with EXIT_SUCCESS, with EXIT_FAILURE
 * after logging the reason, or with VALIDATOR_SILENT if the other end was closed.
 */
_Noreturn void validator_run(int fd, const char *path, const char *config, size_t size, bool notes);

/*
 * In the parent: receives the next file name ("": not set) into `name`, which has
 * VALIDATION_PATH_SIZE bytes. Returns 0 or -errno.
 */
int validator_name_receive(int fd, char *name);

/* In the parent: sends the file, or the error (-errno) of reading it. Returns 0 or -errno. */
int validator_file_send(int fd, int error, const char *data, size_t size);
