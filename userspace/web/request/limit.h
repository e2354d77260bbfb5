/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket: one request an interval, and a burst of more after a pause. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise: it begins full. */
struct limit {
	bool begun;
	uint64_t full_ns; /* when it would be full again */
};

/* Takes one; false when there is none. An interval of 0: there always is. */
bool limit_take(struct limit *limit, uint64_t interval_ns, uint32_t burst, uint64_t now_ns);
