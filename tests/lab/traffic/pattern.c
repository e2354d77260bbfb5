// SPDX-License-Identifier: Apache-2.0
#include "pattern.h"

#include <string.h>

static uint8_t bytes[PATTERN_MAX + PATTERN_PERIOD];

const uint8_t *pattern_at(uint64_t offset)
{
	if (!bytes[1]) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = i % PATTERN_PERIOD;
	}
	return bytes + offset % PATTERN_PERIOD;
}

bool pattern_matches(const uint8_t *data, size_t size, uint64_t offset)
{
	return size <= PATTERN_MAX && !memcmp(data, pattern_at(offset), size);
}
