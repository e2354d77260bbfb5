// SPDX-License-Identifier: Apache-2.0
#include "web/request/limit.h"

bool limit_take(struct limit *limit, uint64_t interval_ns, uint32_t burst, uint64_t now_ns)
{
	/* An interval is at most UINT64_MAX / 4, a burst 10^9: beyond this the bucket is as good as bottomless. */
	uint64_t most = interval_ns && burst > UINT64_MAX / 4 / interval_ns ? UINT64_MAX / 4 : interval_ns * burst;

	if (!interval_ns)
		return true;
	if (!limit->begun || limit->full_ns < now_ns)
		limit->full_ns = now_ns;
	limit->begun = true;
	if (limit->full_ns - now_ns + interval_ns > most)
		return false;
	limit->full_ns += interval_ns;
	return true;
}
