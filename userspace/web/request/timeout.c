// SPDX-License-Identifier: Apache-2.0
#include "web/request/timeout.h"

#include <math.h>
#include <stdlib.h>

#include <wgsocks/time.h>

#define TIMEOUT_DEFAULT 10.0
#define TIMEOUT_MAX 300.0
#define MARGIN_MAX 0.5
#define MARGIN_SHARE 0.05

uint64_t scrape_timeout_ns(const char *seconds)
{
	double timeout = TIMEOUT_DEFAULT, margin;
	char *end;

	if (seconds && *seconds) {
		double value = strtod(seconds, &end);

		if (!*end && isfinite(value) && value > 0)
			timeout = value < TIMEOUT_MAX ? value : TIMEOUT_MAX;
	}
	margin = timeout * MARGIN_SHARE;
	return (uint64_t)((timeout - (margin < MARGIN_MAX ? margin : MARGIN_MAX)) * NS_PER_S);
}
