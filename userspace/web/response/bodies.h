/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last response body of each form (format, compressed or not), shared by all scrapes that get
 * the same samples.
 */
#pragma once

#include "lib/exposition/exposition.h"
#include "web/response/body.h"
#include "web/response/self_metrics.h"

struct body_slot {
	struct body *body;
	uint64_t round; /* round and mask of its snapshot (struct snapshots) */
	uint32_t mask;
	bool good;
};

/* Zero-initialise. */
struct bodies {
	struct snapshot_builder builder;
	struct exposition exposition;
	struct gzip gzip;
	struct body_slot slots[EXPOSITION_FORMATS][2];
};

/* The samples to write; `samples` is NULL if the collector did not answer. */
struct body_source {
	struct self_metrics *self;
	uint64_t round;
	uint32_t mask;
	const struct snapshot *samples;
};

/* The body in that form; the caller releases it (body_release). NULL: out of memory. */
struct body *bodies_get(struct bodies *bodies, const struct body_source *source,
			enum exposition_format format, bool gzip);

void bodies_free(struct bodies *bodies);
