/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one variable from the environment of another process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/config/config.h"

/* The part of a value that naming_clean (naming.h) needs: the longest name plus one character. */
#define ENVIRONMENT_VALUE_SIZE (CONFIG_NAME_SIZE + 4)

/* Searches for a variable in an environment that arrives in pieces. */
struct environment {
	const char *variable; /* borrowed */
	size_t length;
	size_t matched; /* bytes of the variable and = matched so far */
	enum {
		ENVIRONMENT_MATCHING,
		ENVIRONMENT_SKIPPING, /* until the next variable */
		ENVIRONMENT_IN_VALUE,
		ENVIRONMENT_FOUND,
	} state;
	char value[ENVIRONMENT_VALUE_SIZE]; /* first bytes, without NUL */
	size_t size;
};

void environment_begin(struct environment *search, const char *variable);
/* Handles the next piece. Returns true once the variable is complete: ignore the rest then. */
bool environment_add(struct environment *search, const char *piece, size_t size);
/*
 * Call after the last piece. Returns whether the variable exists; like getenv, uses the first one.
 */
bool environment_end(struct environment *search);

/*
 * Reads a variable of the process whose /proc/PID is open as `process` (see cgroup_read), as a
 * name: valid UTF-8, truncated to CONFIG_NAME_SIZE like --proxy.name. Memory use is fixed. Needs
 * CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for a process of another user.
 * Returns the changes of naming_clean (NAMING_…; 0: none) or -errno. -ENODATA: not set or empty.
 * -EFBIG: not in the first 8 MB. -ENOENT or -ESRCH: the process is gone.
 */
int environment_read(int process, const char *variable, char name[CONFIG_NAME_SIZE]);
