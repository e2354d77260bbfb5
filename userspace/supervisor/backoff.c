// SPDX-License-Identifier: Apache-2.0
#include "supervisor/backoff.h"

#include <wgsocks/time.h>

uint64_t backoff_delay_ns(unsigned int failures)
{
	if (failures <= 2)
		return 0;
	if (failures <= 5)
		return (100 * NS_PER_MS) << (failures - 3);
	return failures <= 30 ? 800 * NS_PER_MS : 10000 * NS_PER_MS;
}
