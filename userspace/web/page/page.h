/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page at "/": what this is and how each proxy does, made of the samples of one snapshot. Knows
 * nothing of HTTP. page.css and page.js are put into it when it is built (mk/embed).
 */
#pragma once

#include "lib/config/config.h"
#include "lib/process/shared.h"
#include "lib/snapshot/snapshot.h"
#include "lib/text/text.h"

struct page_source {
	const struct config *config;
	const struct shared *shared;
	const struct snapshot
		*parts; /* the web process's own samples; then, when it answered, the collector's */
	size_t part_count;
	const char *proxy; /* NULL: all of them; else the one with this name, in full */
	uint64_t now_ns;   /* CLOCK_MONOTONIC */
	uint64_t time_s;   /* since the Unix epoch */
};

/* What the collector is asked for. */
uint32_t page_mask(const struct config *config);

/* Appends the page. Returns 0 or -ENOMEM. */
int page_write(struct text *out, const struct page_source *source);

/*
 * The value of Content-Security-Policy: nothing from outside, no style and no script but the page's
 * own.
 */
const char *page_policy(void);
