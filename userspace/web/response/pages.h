/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rendered status pages. The page of all proxies is rendered once for each snapshot, the page of
 * one proxy for each request.
 */
#pragma once

#include "web/response/body.h"
#include "web/response/self_metrics.h"

/* Zero-initialise. */
struct pages {
	struct snapshot_builder builder;
	struct pages_all {
		struct body *body;
		uint64_t round; /* round of its snapshot (struct snapshots); 0: none */
		bool good;
	} all[2]; /* uncompressed, compressed */
};

struct pages_source {
	struct self_metrics *self;
	uint64_t round;			/* of struct snapshots, above 0 */
	const struct snapshot *samples; /* NULL: the collector did not answer */
	const char *proxy;		/* NULL: all */
	struct gzip *gzip;		/* NULL: uncompressed */
	uint64_t now_ns;
};

/* A page; the caller releases it (body_release). NULL: out of memory. */
struct body *pages_get(struct pages *pages, const struct pages_source *source);
void pages_free(struct pages *pages);
