/* SPDX-License-Identifier: Apache-2.0 */
/* One variable of another process's environment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/config/config.h"

/*
 * What naming_clean (naming.h) can use of a value: the longest name, and a whole character beyond.
 */
#define ENVIRONMENT_VALUE_SIZE (CONFIG_NAME_SIZE + 4)

/* Looks for a variable in an environment that comes in pieces. */
struct environment {
	const char *variable; /* borrowed */
	size_t length;
	size_t matched; /* of the variable and its = */
	enum {
		ENVIRONMENT_MATCHING,
		ENVIRONMENT_SKIPPING, /* to the next variable */
		ENVIRONMENT_IN_VALUE,
		ENVIRONMENT_FOUND,
	} state;
	char value[ENVIRONMENT_VALUE_SIZE]; /* its first bytes, without a NUL */
	size_t size;
};

void environment_begin(struct environment *search, const char *variable);
/* Takes the next piece. True once the variable has been read: the rest does not matter. */
bool environment_add(struct environment *search, const char *piece, size_t size);
/*
 * After the last piece. Whether the variable was there; the first of several counts, as for getenv.
 */
bool environment_end(struct environment *search);

/*
 * Reads a variable of the process whose /proc/PID is open as `process` (see cgroup_read), as a
 * name: valid UTF-8, cut to CONFIG_NAME_SIZE, as --proxy.name is. Memory is fixed, however long the
 * environment is. For a process of another user it takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.
 * Returns what naming_clean changed (NAMING_…, 0: nothing), -ENODATA when it is not set or empty,
 * -EFBIG when it is not in the first 8 MB, -ENOENT or -ESRCH when the process is gone, -EACCES or
 * another -errno.
 */
int environment_read(int process, const char *variable, char name[CONFIG_NAME_SIZE]);
