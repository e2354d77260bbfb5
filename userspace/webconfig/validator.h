/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator: a child without rights, at one end of a pair of sockets; the other end reads files
 * for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define VALIDATOR_FLAG "--web.config.file"

#define VALIDATOR_SILENT 3

/*
 * In the child. Exits with EXIT_SUCCESS, with EXIT_FAILURE after one line that says why, or with
 * VALIDATOR_SILENT when the other end went away.
 */
_Noreturn void validator_run(int fd, const char *path, const char *config, size_t size, bool notes);

/*
 * The other end: the next name of a file ("": this one is not named), at most 4095 bytes. 0 or
 * -errno.
 */
int validator_name_receive(int fd, char *name);

/* The answer: an error (-errno), or the file. 0 or -errno. */
int validator_file_send(int fd, int error, const char *data, size_t size);
