// SPDX-License-Identifier: Apache-2.0
#include "backoff.h"

#define MS 1000000ull

uint64_t backoff_delay_ns(unsigned int failures)
{
	if (failures <= 2)
		return 0;
	if (failures <= 5)
		return (100 * MS) << (failures - 3);
	return failures <= 30 ? 800 * MS : 10000 * MS;
}
