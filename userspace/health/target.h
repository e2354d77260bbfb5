/* SPDX-License-Identifier: Apache-2.0 */
/* What a request asks for: the path and the query. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/config/config.h"

enum target_path {
	TARGET_UNKNOWN,
	TARGET_ROOT,
	TARGET_LIVEZ,
	TARGET_HEALTHZ,
	TARGET_READYZ,
	TARGET_STARTUPZ
};

struct target {
	enum target_path path;
	bool verbose;
	bool proxy_given;
	char proxy[CONFIG_NAME_SIZE]; /* decoded; longer names are cut to "", which is nobody's */
};

/*
 * Reads a request target ("/readyz?proxy=a%20b", or with http://host before it). Returns 0 or
 * -EINVAL (a bad escape, an encoded NUL, not a path).
 */
int target_parse(struct target *target, const char *text);

/*
 * Decodes percent-encoding, and '+' to a space when `form`. `out` has `size` bytes with the
 * terminator. Returns the length, -EINVAL (a bad escape, an encoded NUL) or -ENAMETOOLONG.
 */
int percent_decode(const char *text, size_t length, bool form, char *out, size_t size);
