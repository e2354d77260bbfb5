// SPDX-License-Identifier: Apache-2.0
/*
 * The requests total at the end of each second, in a ring in a map that outlives the collector, so that a rate over the
 * last minute goes on across its restart. Only counters are kept: nothing is reset, nothing drifts.
 */
#include "collector/readers/readers.h"

#define WINDOW_SECONDS 60

void window_remember(struct kernel *kernel, uint32_t slot, uint64_t second)
{
	struct window_sample *s = &kernel->windows[slot].samples[second % ABI_WINDOW_SECONDS];

	if (s->second == second)
		return;
	s->requests = requests_total(&kernel->counters[slot]);
	s->second = second;
}

uint64_t window_requests(const struct kernel *kernel, uint32_t slot, uint64_t second)
{
	const struct window_sample *base = NULL;
	uint64_t now = requests_total(&kernel->counters[slot]), before;

	/* The last sample that is at least a minute old; none: we have not counted for a minute yet. */
	for (int i = 0; i < ABI_WINDOW_SECONDS; i++) {
		const struct window_sample *s = &kernel->windows[slot].samples[i];

		if (s->second && s->second + WINDOW_SECONDS <= second && (!base || s->second > base->second))
			base = s;
	}
	before = base ? base->requests : 0;
	return now > before ? now - before : 0;
}
