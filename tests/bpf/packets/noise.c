// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "noise.h"

static uint64_t random_state = 88172645463325252ULL;

void noise_seed(unsigned long seed)
{
	random_state = 88172645463325252ULL * (2 * seed + 1);
}

uint32_t noise_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

unsigned long noise_setting(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

uint32_t noise_gso(void)
{
	return noise_below(3) ? 0 : noise_below(2) ? 1 + noise_below(1500) : noise_below(65536);
}

void noise_mutate(struct frame *frame)
{
	for (uint32_t i = noise_below(4); i; i--) {
		size_t headers = frame->payload < frame->length ? frame->payload : frame->length;
		size_t at = noise_below((uint32_t)(noise_below(4) ? headers : frame->length));

		if (at == 12 || at == 13) /* what makes it IP: changed below, and seldom */
			continue;
		frame->bytes[at] =
			(uint8_t)(noise_below(2) ? noise_below(256)
						 : frame->bytes[at] ^ (1u << noise_below(8)));
	}
	if (!noise_below(16))
		frame->length = 34 + noise_below((uint32_t)frame->length - 33);
	if (!noise_below(64))
		frame->bytes[12 + noise_below(2)] = (uint8_t)noise_below(256);
	if (!noise_below(64))
		for (size_t at = 14; at < frame->length; at++)
			frame->bytes[at] = (uint8_t)noise_below(256);
}

struct frame_shape noise_shape(void)
{
	int version = noise_below(2) ? 4 : 6;

	return (struct frame_shape){ version, 14 * noise_below(2),
				     (int)noise_below(version == 4 ? 4 : 3), (int)noise_below(4) };
}
