/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of a block. */
#pragma once

#include "lib/snapshot/snapshot.h"

struct block_layout {
	uint64_t samples, histograms, histories, strings; /* offsets in bytes */
	uint64_t length;
};

/* Counts are 32-bit and elements have less than 1,024 bytes, so no sum overflows 64 bits. */
static inline struct block_layout block_layout(uint32_t samples, uint32_t histograms,
					       uint32_t histories, uint32_t string_bytes)
{
	struct block_layout l;

	l.samples = sizeof(struct snapshot_header);
	l.histograms = l.samples + (uint64_t)samples * sizeof(struct sample);
	l.histories = l.histograms + (uint64_t)histograms * sizeof(struct sample_histogram);
	l.strings = l.histories + (uint64_t)histories * sizeof(struct sample_history);
	l.length = (l.strings + string_bytes + 7) & ~(uint64_t)7;
	return l;
}
