/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rendered pages: that of all proxies once for all who got the same samples, that of one proxy for
 * each who asks.
 */
#pragma once

#include "web/response/body.h"
#include "web/response/self_metrics.h"

/* Zero-initialise. */
struct pages {
	struct snapshot_builder builder;
	struct pages_all {
		struct body *body;
		uint64_t round; /* of the snapshots that it shows; 0: of none */
		bool good;
	} all[2]; /* as it is, compressed */
};

struct pages_source {
	struct self_metrics *self;
	uint64_t round;			/* of the snapshots, above 0 */
	const struct snapshot *samples; /* NULL: the collector gave none */
	const char *proxy;		/* NULL: all */
	struct gzip *gzip;		/* NULL: as it is */
	uint64_t now_ns;
};

/* A page, whose user the caller is; NULL without memory. */
struct body *pages_get(struct pages *pages, const struct pages_source *source);
void pages_free(struct pages *pages);
