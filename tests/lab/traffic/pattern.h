/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of bulk payload. Each follows from its offset, so that both ends can check it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PATTERN_PERIOD = 251, PATTERN_MAX = 64 * 1024 };

/* Returns PATTERN_MAX bytes of the pattern from offset on, in static memory. */
const uint8_t *pattern_at(uint64_t offset);

/* Whether size (at most PATTERN_MAX) bytes of data are the pattern from offset on. */
bool pattern_matches(const uint8_t *data, size_t size, uint64_t offset);
