/* SPDX-License-Identifier: Apache-2.0 */
/* Parses a request target: path and query. */
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
	char proxy[CONFIG_NAME_SIZE]; /* decoded; "" (no proxy's name) if it is too long */
};

/*
 * Parses a request target ("/readyz?proxy=a%20b", optionally after http://host). Returns 0 or
 * -EINVAL (invalid escape, encoded NUL, not a path).
 */
int target_parse(struct target *target, const char *text);

/*
 * Decodes percent-encoding, and '+' as a space if `form`. `out` has `size` bytes, including the
 * NUL. Returns the length, -EINVAL (invalid escape, encoded NUL) or -ENAMETOOLONG.
 */
int percent_decode(const char *text, size_t length, bool form, char *out, size_t size);
