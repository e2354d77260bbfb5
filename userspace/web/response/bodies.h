/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last answer of each form (format, compressed or not), for all who want the same samples in
 * it.
 */
#pragma once

#include "lib/exposition/exposition.h"
#include "web/response/body.h"
#include "web/response/self_metrics.h"

struct body_slot {
	struct body *body;
	uint64_t round; /* of the snapshots that it shows … */
	uint32_t mask;	/* … and of whose waiters */
	bool good;
};

/* Zero-initialise. */
struct bodies {
	struct snapshot_builder builder;
	struct exposition exposition;
	struct gzip gzip;
	struct body_slot slots[EXPOSITION_FORMATS][2];
};

/* Whose samples they are; `samples` is NULL where the collector did not answer. */
struct body_source {
	struct self_metrics *self;
	uint64_t round;
	uint32_t mask;
	const struct snapshot *samples;
};

/* The answer of that form, with the caller for one user more; NULL without memory. */
struct body *bodies_get(struct bodies *bodies, const struct body_source *source,
			enum exposition_format format, bool gzip);

void bodies_free(struct bodies *bodies);
