/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status page at "/", rendered from the samples of one snapshot. Independent of HTTP. mk/embed
 * embeds page.css and page.js at build time.
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
		*parts; /* samples of the web process, then the collector's if it answered */
	size_t part_count;
	const char *proxy; /* show only the proxy with this name; NULL: all proxies */
	uint64_t now_ns;   /* CLOCK_MONOTONIC */
	uint64_t time_s;   /* since the Unix epoch */
};

/* The mask of the snapshot request (struct snapshot_request) that the page needs. */
uint32_t page_mask(const struct config *config);

/* Appends the page. Returns 0 or -ENOMEM. */
int page_write(struct text *out, const struct page_source *source);

/*
 * The value of Content-Security-Policy: nothing external, and only the embedded style and script,
 * by their hashes.
 */
const char *page_policy(void);
