/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots as text for Prometheus. Knows the metric table and nothing of where samples come from.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/snapshot/snapshot.h"
#include "lib/text/text.h"

enum exposition_format {
	EXPOSITION_TEXT,	/* the text format, 0.0.4 */
	EXPOSITION_OPENMETRICS, /* OpenMetrics 1.0.0 */
	EXPOSITION_FORMATS
};

/* Memory that is kept between two writes. Zero-initialise. */
struct exposition {
	uint64_t *order; /* samples by family: part << 32 | index */
	size_t order_max;
};

void exposition_free(struct exposition *e);

/* The value of the Content-Type field. */
const char *exposition_content_type(enum exposition_format format);

/*
 * Appends the samples of all parts, at most UINT32_MAX of them, by family in the order of the
 * metric table, each with its HELP and TYPE once. A family belongs to the first part that has
 * samples of it; those of later parts are left out, so that no series comes twice. The parts must
 * have been checked (snapshot_open) or built here (snapshot_view). Returns 0 or -ENOMEM.
 * OpenMetrics ends with its # EOF, so that only one call makes a text.
 */
int exposition_write(struct exposition *e, struct text *out, enum exposition_format format,
		     const struct snapshot *parts, size_t part_count);
