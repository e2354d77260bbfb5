/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes snapshots as text for Prometheus. Uses the metric table; does not know where samples come
 * from.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/snapshot/snapshot.h"
#include "lib/text/text.h"

enum exposition_format {
	EXPOSITION_TEXT,	/* text format 0.0.4 */
	EXPOSITION_OPENMETRICS, /* OpenMetrics 1.0.0 */
	EXPOSITION_FORMATS
};

/* Memory that is reused by the next write. Zero-initialise. */
struct exposition {
	uint64_t *order; /* samples in order of families: part << 32 | index */
	size_t order_max;
};

void exposition_free(struct exposition *e);

/* Returns the value of the Content-Type header. */
const char *exposition_content_type(enum exposition_format format);

/*
 * Appends the samples of all parts (at most UINT32_MAX) in the order of the metric table, with HELP
 * and TYPE once for each family. A family comes from the first part that has samples of it; its
 * samples in later parts are ignored, so that no series occurs twice. Parts must come from
 * snapshot_open or snapshot_view. OpenMetrics ends with # EOF, so write each text in one call.
 * Returns 0 or -ENOMEM.
 */
int exposition_write(struct exposition *e, struct text *out, enum exposition_format format,
		     const struct snapshot *parts, size_t part_count);
